"""Previews that the ledger stores: a slice with reference and prediction, and a stack of slices."""

import base64
import dataclasses
import math
import zlib
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

MOST_BYTES = 1 << 24
"""Largest picture or stack that is unpacked; those that are made have half a megabyte."""


@dataclasses.dataclass(frozen=True)
class Stack:
    """Slices of a volume along z, as thumbnails that share a shape.

    Attributes:
        slices: Indices along z of the original grid, rising.
        shape: `(height, width)` of each.
        image: `len(slices) * height * width` grey values, uint8, slice by slice, row-major.
        reference: Class indices, uint8, likewise.
        prediction: Class indices, uint8, likewise.
    """

    slices: tuple[int, ...]
    shape: tuple[int, int]
    image: bytes
    reference: bytes
    prediction: bytes


@dataclasses.dataclass(frozen=True)
class Preview:
    """A slice of a case with reference and prediction, small enough for the ledger.

    Attributes:
        case: The case's name.
        slice_index: Index along z of the original grid; 0 in 2D.
        shape: `(height, width)`.
        image: `height * width` grey values, uint8, row-major.
        reference: Class indices, uint8, likewise.
        prediction: Class indices, uint8, likewise.
        stack: More slices, smaller; None in 2D, and where they are not kept.
    """

    case: str
    slice_index: int
    shape: tuple[int, int]
    image: bytes
    reference: bytes
    prediction: bytes
    stack: Stack | None = None

    @classmethod
    def of(
        cls,
        case: str,
        slice_index: int,
        image: np.ndarray,
        reference: np.ndarray,
        prediction: np.ndarray,
        stack: Stack | None = None,
    ) -> Self:
        """From three `(height, width)` uint8 arrays."""
        height, width = image.shape
        planes = (image.tobytes(), reference.tobytes(), prediction.tobytes())
        return cls(case, slice_index, (height, width), *planes, stack)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The inverse of `dataclasses.asdict` after its bytes went through `pack` and its tuples became lists."""
        stack = plain.get("stack")
        return cls(**{**_read(plain), "stack": None if stack is None else Stack(**_read(stack))})


def pack(value: bytes) -> str:
    """Return bytes as text: deflated and base85-coded."""
    return base64.b85encode(zlib.compress(value, 6)).decode()


def unpack(text: str, size: int | None = None) -> bytes:
    """Return the bytes that `pack` was given.

    Args:
        text: The text that `pack` returned.
        size: Bytes that it must give; no more are inflated. None: as many as it holds, for texts of our own workers.

    Raises:
        ValueError: It gives more or fewer, or is no packed text.
    """
    inflating = zlib.decompressobj()
    try:
        found = inflating.decompress(base64.b85decode(text), 0 if size is None else size + 1)
    except zlib.error as error:
        raise ValueError(f"a packed picture is damaged ({error})") from error
    if size is not None and len(found) != size:
        raise ValueError(f"a packed picture has {'more' if len(found) > size else 'fewer'} than {size:,} bytes")
    return found


def _read(plain: Mapping[str, Any]) -> dict[str, Any]:
    size = math.prod(plain["shape"]) * len(plain.get("slices", (0,)))
    if not 0 < size <= MOST_BYTES:
        raise ValueError(f"a picture of {size:,} bytes in {plain['shape']}, {MOST_BYTES:,} at most")
    bytes_of = {name: unpack(plain[name], size) for name in ("image", "reference", "prediction")}
    tuples = {name: tuple(plain[name]) for name in ("shape", "slices") if name in plain}
    return {**plain, **bytes_of, **tuples}
