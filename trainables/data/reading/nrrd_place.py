"""Where a NRRD volume lies: its axes in space, their unit, and which axis holds channels."""

import dataclasses
import pathlib
import re
from collections.abc import Mapping, Sequence

import numpy as np

from trainables.data.reading import axes
from trainables.data.reading.raw import positive_sides, short, shortest
from trainables.data.reading.units import METRES, metres_per, to_mm, unit_of
from trainables.errors import InputError

UNPLACED = "the file has no `space`, so it does not say how the volume lies: axes taken as left, back, head"
RAS_FROM: dict[str, np.ndarray] = {
    "left-posterior-superior": np.diag([-1.0, -1.0, 1.0]),
    "lps": np.diag([-1.0, -1.0, 1.0]),
    "right-anterior-superior": np.eye(3),
    "ras": np.eye(3),
    "left-anterior-superior": np.diag([-1.0, 1.0, 1.0]),
    "las": np.diag([-1.0, 1.0, 1.0]),
}
"""Space → matrix to right, front, head."""
SPATIAL_KINDS = ("domain", "space")
UNKNOWN_KINDS = ("???", "none", "")
"""Kinds that leave open what an axis is."""


@dataclasses.dataclass(frozen=True, eq=False)
class NrrdPlace:
    """The place of a volume.

    Attributes:
        spatial: The two or three axes in space, in stored order; at most one more axis holds channels or times.
        affine: 4 × 4, RAS+, in millimetres.
        sides: Voxel sizes in mm.
        warnings: Missing or doubtful fields, one line each.
    """

    spatial: tuple[int, ...]
    affine: np.ndarray
    sides: tuple[float, ...]
    warnings: tuple[str, ...]


def placed(fields: Mapping[str, str], sizes: Sequence[int], path: pathlib.Path) -> NrrdPlace:
    """Return the place that a header gives.

    Args:
        fields: The header's.
        sizes: Length of each axis.
        path: The file, for messages.

    Raises:
        InputError: A field is invalid, a voxel size is not positive, or there are not two or three axes in space.
    """
    if "complex" in _kinds(fields):
        raise InputError(f"{short(path)}: complex voxels are not grey values. Convert it to numbers.")
    directions = _directions(fields, len(sizes), path)
    spatial = _spatial(fields, len(sizes), directions)
    if len(spatial) not in (2, 3) or len(sizes) - len(spatial) > 1:
        raise InputError(
            f"{short(path)}: {len(spatial)} of its {len(sizes)} axes lie in space, 2 or 3 expected and one of channels."
        )
    used, matrix = len(spatial), np.eye(4)
    if directions:
        space = np.array([directions[axis] for axis in spatial], np.float64)
        matrix[: space.shape[1], :used] = space.T
        origin = _vectors(fields.get("space origin", ""), path) or (tuple(np.zeros(space.shape[1])),)
        matrix[: space.shape[1], 3] = origin[0] if origin[0] is not None else 0.0
    else:
        spacing, corner = _spacing(fields, spatial, sizes, path)
        matrix[:used, :used] = np.diag(positive_sides(spacing, "spacings", path))
        matrix[:used, 3] = corner
    scale, said = _unit(fields, spatial, directed=bool(directions))
    sides = positive_sides(axes.voxel_sides(matrix), "space directions", path)
    affine, millimetres, doubt = to_mm(matrix, sides, scale)
    name = " ".join(fields.get("space", "").lower().split()).removesuffix("-time")
    to_ras = np.eye(4)
    to_ras[:3, :3] = RAS_FROM.get(name, RAS_FROM["lps"])
    unplaced = () if name else (UNPLACED,)
    return NrrdPlace(
        spatial, to_ras @ affine, tuple(shortest(side) for side in millimetres), (*unplaced, *said, *doubt)
    )


def _kinds(fields: Mapping[str, str]) -> list[str]:
    return fields.get("kinds", "").lower().split()


def _directions(fields: Mapping[str, str], dims: int, path: pathlib.Path) -> tuple[tuple[float, ...] | None, ...]:
    """Return the direction of each axis, None for axes that lie not in space; () where there are none."""
    if "space directions" not in fields:
        return ()
    found = _vectors(fields["space directions"], path)
    lengths = {len(vector) for vector in found if vector is not None}
    if len(found) != dims or len(lengths) != 1 or not lengths <= {2, 3}:
        raise InputError(f"{short(path)}: damaged header: space directions are {fields['space directions']!r}.")
    return found


def _vectors(text: str, path: pathlib.Path) -> tuple[tuple[float, ...] | None, ...]:
    """Return the vectors `(1,0,0) none (0,1,0)`; a vector of NaN counts as none."""
    found: list[tuple[float, ...] | None] = []
    for word in re.findall(r"\([^)]*\)|\S+", text):
        try:
            numbers = tuple(float(number) for number in word.strip("()").split(",")) if word != "none" else ()
        except ValueError as error:
            raise InputError(f"{short(path)}: damaged header: {word!r} is no vector. Copy it again.") from error
        found.append(numbers if numbers and np.isfinite(numbers).all() else None)
    return tuple(found)


def _spatial(fields: Mapping[str, str], dims: int, directions: tuple[tuple[float, ...] | None, ...]) -> tuple[int, ...]:
    if directions:
        return tuple(axis for axis, vector in enumerate(directions) if vector is not None)
    kinds = _kinds(fields)
    if len(kinds) == dims and any(kind not in (*SPATIAL_KINDS, *UNKNOWN_KINDS) for kind in kinds):
        return tuple(axis for axis, kind in enumerate(kinds) if kind in (*SPATIAL_KINDS, *UNKNOWN_KINDS))[:3]
    return tuple(range(min(dims, 3)))


def _spacing(
    fields: Mapping[str, str], spatial: tuple[int, ...], sizes: Sequence[int], path: pathlib.Path
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return voxel sizes and the first voxel's centre along axes without directions, as teem computes them."""
    stated, low, high = (_each(fields, name, len(sizes), path) for name in ("spacings", "axis mins", "axis maxs"))
    centres = fields.get("centers", "").lower().split()
    spacing, corner = [], []
    for axis in spatial:
        node = len(centres) == len(sizes) and centres[axis] == "node"
        side = stated[axis]
        if side is None and low[axis] is not None and high[axis] is not None:
            side = (high[axis] - low[axis]) / (sizes[axis] - 1 if node else sizes[axis])  # type: ignore[operator]
        side = 1.0 if side is None else side
        begin = low[axis]
        spacing.append(side)
        corner.append(0.0 if begin is None else begin + (0.0 if node else side / 2))
    return tuple(spacing), tuple(corner)


def _each(fields: Mapping[str, str], name: str, dims: int, path: pathlib.Path) -> tuple[float | None, ...]:
    """Return a number for each axis, None where it is NaN or not given."""
    words = fields.get(name, "").split()
    try:
        numbers = [float(word) for word in words] or [np.nan] * dims
    except ValueError:
        numbers = []
    if len(numbers) != dims:
        raise InputError(f"{short(path)}: damaged header: {name} is {fields[name]!r}. Copy it again.")
    return tuple(None if np.isnan(number) else number for number in numbers)


def _unit(fields: Mapping[str, str], spatial: tuple[int, ...], *, directed: bool) -> tuple[float, tuple[str, ...]]:
    """Return millimetres of the header's unit, 1 where it has none; a warning where it is not known."""
    text = fields.get("space units" if directed else "units", "")
    words = re.findall(r'"[^"]*"|\S+', text)
    if not directed:
        words = [word for axis, word in enumerate(words) if axis in spatial]
    words = [word for word in words if word.strip('"').strip() not in ("", "???", "none")]
    if not words:
        return 1.0, ()
    known = {unit_of(word) for word in words}
    unit = known.pop()
    if known or unit is None:
        return 1.0, (f"the header's unit ({text}) is not one of {', '.join(METRES)}: millimetres taken",)
    return metres_per(unit) / metres_per("mm"), ()
