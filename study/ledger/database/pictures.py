"""Pictures in rows: planes of bytes, which must be as many as their shape says."""

from collections.abc import Sequence

from study.errors import LedgerDamagedError


def planes_of(
    slices: int, height: int, width: int, planes: Sequence[bytes], case: str
) -> tuple[tuple[int, int], bytes, bytes, bytes]:
    """Return the shape and the three planes of a picture.

    Raises:
        LedgerDamagedError: They do not have as many bytes as the shape says.
    """
    image, reference, prediction = planes
    if height < 1 or width < 1 or {len(plane) for plane in planes} != {slices * height * width}:
        raise LedgerDamagedError(f"a picture of case {case!r} has other bytes than {slices} x {height} x {width}")
    return (height, width), image, reference, prediction
