"""Volumes with sheared axes (a tilted gantry), resampled to right angles: each slice is shifted within its plane."""

import dataclasses

import numpy as np

from trainables.data.reading import axes
from trainables.errors import InputError

HALF = 1e-3
"""Voxels that labels are shifted less: at half a voxel exactly, both ends of a structure would be lost."""


@dataclasses.dataclass(frozen=True)
class StraightGrid:
    """A grid with right angles that holds a sheared volume. Axes are `(z, y, x)`.

    Attributes:
        tilted: The axis along which slices are shifted.
        shifts: Axis of a slice → voxels that each slice is shifted more than the one before it.
        starts: Axis of a slice → shift of the first slice, so that none is negative.
        shape: Voxels.
        spacing: mm.
        degrees: Angle of the shear.
    """

    tilted: int
    shifts: dict[int, float]
    starts: dict[int, float]
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    degrees: float


def straight_grid(affine: np.ndarray, shape: tuple[int, ...]) -> StraightGrid | None:
    """Return the grid with right angles for a sheared one; None if its angles are right within rounding.

    Args:
        affine: 4 × 4, for indices `(x, y, z)`.
        shape: `(z, y, x)` voxels.

    Raises:
        InputError: No two axes have a right angle, so it is no stack of shifted slices.
    """
    cosine = axes.shear(affine)
    if cosine <= axes.SHEAR_ACCEPTED:
        return None
    columns = affine[:3, :3].T[::-1]  # of z, y, x
    sides = np.linalg.norm(columns, axis=1)
    units = columns / sides[:, np.newaxis]
    pairs = {0: (1, 2), 1: (0, 2), 2: (0, 1)}
    crossing = {axis: abs(float(units[one] @ units[two])) for axis, (one, two) in pairs.items()}
    tilted = min(crossing, key=lambda axis: (crossing[axis], axis))
    if crossing[tilted] > axes.SHEAR_ACCEPTED:
        raise InputError("no two of its axes have a right angle, so `preprocess.unshear` cannot mend it. Resample it.")
    plane = pairs[tilted]
    step = columns[tilted]
    shifts = {axis: float(step @ units[axis]) / float(sides[axis]) for axis in plane}
    spacing = [float(side) for side in sides]
    spacing[tilted] = abs(float(step @ np.cross(units[plane[0]], units[plane[1]])))
    last, sizes = shape[tilted] - 1, list(shape)
    for axis, shift in shifts.items():
        sizes[axis] += int(np.ceil(abs(shift) * last - 1e-3))
    starts = {axis: -min(0.0, shift * last) for axis, shift in shifts.items()}
    rounded = tuple(float(f"{side:.7g}") for side in spacing)
    return StraightGrid(tilted, shifts, starts, tuple(sizes), rounded, float(np.degrees(np.arcsin(cosine))))


def straight_image(volume: np.ndarray, grid: StraightGrid) -> np.ndarray:
    """Return intensities on the straight grid, interpolated linearly; the lowest one where there were no voxels.

    Args:
        volume: float32 `(z, y, x)`.
        grid: The grid.
    """
    return _shifted(volume, grid, float(volume.min())).astype(np.float32)


def straight_labels(labels: np.ndarray, grid: StraightGrid) -> np.ndarray:
    """Return class indices on the straight grid: each class interpolated linearly, then the greatest.

    Args:
        labels: uint8 `(z, y, x)`; 0 where there were no voxels.
        grid: The grid.
    """
    best = np.zeros(grid.shape, np.uint8)
    weight = _shifted((labels == 0).astype(np.float32), grid, 1.0, HALF)
    for value in np.unique(labels[labels > 0]):
        own = _shifted((labels == value).astype(np.float32), grid, 0.0, HALF)
        best[own > weight] = value
        np.maximum(weight, own, out=weight)
    return best


def sheared_labels(labels: np.ndarray, grid: StraightGrid, shape: tuple[int, ...]) -> np.ndarray:
    """Return class indices on the sheared grid again: each class interpolated linearly, then the greatest.

    Args:
        labels: uint8 `(z, y, x)` on the straight grid.
        grid: The straight grid.
        shape: `(z, y, x)` of the sheared one.
    """
    best = np.zeros(shape, np.uint8)
    weight = sheared_values((labels == 0).astype(np.float32), grid, shape)
    for value in np.unique(labels[labels > 0]):
        own = sheared_values((labels == value).astype(np.float32), grid, shape)
        best[own > weight] = value
        np.maximum(weight, own, out=weight)
    return best


def sheared_values(volume: np.ndarray, grid: StraightGrid, shape: tuple[int, ...]) -> np.ndarray:
    """Return numbers on the sheared grid again, interpolated linearly between voxels of the straight one.

    Args:
        volume: float32 `(z, y, x)` on the straight grid.
        grid: The straight grid.
        shape: `(z, y, x)` of the sheared one.
    """
    result = np.empty(shape, np.float32)
    plane = [axis for axis in range(3) if axis != grid.tilted]
    for number in range(shape[grid.tilted]):
        index: list[slice | int] = [slice(None)] * 3
        index[grid.tilted] = number
        part = volume[tuple(index)]
        for position, axis in enumerate(plane):
            by = max(0.0, grid.starts[axis] + number * grid.shifts[axis])
            part = _taken(part, by, position, shape[axis])
        result[tuple(index)] = part
    return result


def _taken(part: np.ndarray, by: float, axis: int, size: int) -> np.ndarray:
    """Return `size` voxels of a slice along one axis, from `by` on, between two neighbours linearly."""
    part = np.moveaxis(part, axis, 0)
    whole = int(np.floor(by + 1e-6))
    share = np.float32(max(0.0, by - whole))
    places = np.arange(size) + whole
    last = len(part) - 1
    low, high = part[np.minimum(places, last)], part[np.minimum(places + 1, last)]
    return np.moveaxis((1 - share) * low + share * high, 0, axis)


def _shifted(volume: np.ndarray, grid: StraightGrid, outside: float, nudge: float = 0.0) -> np.ndarray:
    result = np.full(grid.shape, outside, np.float32)
    plane = [axis for axis in range(3) if axis != grid.tilted]
    for number in range(volume.shape[grid.tilted]):
        index: list[slice | int] = [slice(None)] * 3
        index[grid.tilted] = number
        part = volume[tuple(index)].astype(np.float32)
        for position, axis in enumerate(plane):
            by = max(0.0, grid.starts[axis] + number * grid.shifts[axis] - nudge)
            part = _moved(part, by, position, grid.shape[axis], outside)
        result[tuple(index)] = part
    return result


def _moved(part: np.ndarray, by: float, axis: int, size: int, outside: float) -> np.ndarray:
    """Return a slice moved along one axis by a number of voxels >= 0, between two neighbours linearly."""
    part = np.moveaxis(part, axis, 0)
    whole = int(np.floor(by + 1e-6))
    share = max(0.0, by - whole)
    wide = np.full((size + 2, part.shape[1]), outside, np.float32)
    end = min(whole + 1 + len(part), len(wide))
    wide[whole + 1 : end] = part[: end - whole - 1]
    moved = (1 - share) * wide[1 : size + 1] + share * wide[:size]
    return np.moveaxis(moved, 0, axis)
