"""Polygons filled on a grid of voxels: a voxel belongs to a shape if its centre is inside or on the border."""

from collections.abc import Sequence

import numpy as np

BORDER = 0.02
"""Distance from a polygon's edge, in voxels, that counts as on it: coordinates are rounded when they are written."""


def filled(polygons: Sequence[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """Return the voxels inside an odd number of polygons, or on the border of one.

    A polygon inside another one is a hole, whose border still belongs to the shape: so writers outline masks through
    the centres of their outermost voxels. One point is a voxel, two are a line.

    Args:
        polygons: `(n, 2)` points in voxels each, closed.
        shape: Voxels along the same two axes.

    Returns:
        bool of that shape.
    """
    odd, border = np.zeros(shape, bool), np.zeros(shape, bool)
    for points in polygons:
        ends = np.roll(points, -1, axis=0)
        for start, end in zip(points, ends, strict=True):
            _cross(odd, start, end)
            _touch(border, start, end)
    return odd | border


def _cross(odd: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
    """Toggle the voxels behind an edge, seen along the second axis, in each row that it crosses."""
    low, high = (start, end) if start[0] < end[0] else (end, start)
    rows = np.arange(max(0, int(np.ceil(low[0]))), min(odd.shape[0], int(np.ceil(high[0]))))
    for row in rows:
        at = low[1] + (row - low[0]) * (high[1] - low[1]) / (high[0] - low[0])
        first = min(max(0, int(np.ceil(at))), odd.shape[1])
        odd[row, first:] ^= True


def _touch(border: np.ndarray, start: np.ndarray, end: np.ndarray) -> None:
    """Set the voxels whose centres lie on an edge."""
    low = np.maximum(np.ceil(np.minimum(start, end) - BORDER).astype(int), 0)
    high = np.minimum(np.floor(np.maximum(start, end) + BORDER).astype(int), np.array(border.shape) - 1)
    if (low > high).any():
        return
    rows, columns = np.mgrid[low[0] : high[0] + 1, low[1] : high[1] + 1]
    along = end - start
    length = float(along @ along)
    offset = np.stack([rows - start[0], columns - start[1]], axis=-1)
    share = np.clip(offset @ along / length, 0, 1) if length else np.zeros(rows.shape)
    apart = np.linalg.norm(offset - share[..., np.newaxis] * along, axis=-1)
    border[rows[apart <= BORDER], columns[apart <= BORDER]] = True
