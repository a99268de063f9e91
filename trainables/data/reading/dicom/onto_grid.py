"""Masks with frames or voxels of their own, placed on the grid of their image."""

import pathlib

import numpy as np

from trainables.data.reading.raw import Grid, short
from trainables.errors import InputError

ACCEPTED, WARNED = 0.05, 0.5
"""Distance of a voxel from its place on the grid, in voxels: accepted as rounding, or with a warning."""


def on_grid(
    array: np.ndarray, affine: np.ndarray, grid: Grid, path: pathlib.Path
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the voxels of a mask at their places on a grid, 0 elsewhere, and a warning where they lie a little off.

    Args:
        array: `(x, y, z)`.
        affine: Its own, to RAS.
        grid: The image's.
        path: The mask, for messages.

    Raises:
        InputError: A voxel lies between those of the grid, or outside.
    """
    placed = np.zeros(grid.shape, array.dtype)
    inside = np.argwhere(array)
    if not len(inside):
        return placed, ()
    to_grid = np.linalg.inv(grid.affine) @ affine
    exact = inside @ to_grid[:3, :3].T + to_grid[:3, 3]
    index = np.rint(exact).astype(np.int64)
    apart = float(np.abs(exact - index).max())
    same_size = np.allclose(np.abs(np.linalg.det(to_grid[:3, :3])), 1, atol=0.02)
    if apart > WARNED - 1e-6 or not same_size or not _one_to_one(to_grid):
        raise InputError(
            f"{short(path)}: lies on another grid than its image (voxels of other sizes, or {apart:.2g} voxels off). "
            "Make it on this image, or resample it."
        )
    if (index < 0).any() or (index >= np.array(grid.shape)).any():
        raise InputError(f"{short(path)}: lies partly outside its image. Was it made on another image?")
    placed[tuple(index.T)] = array[tuple(inside.T)]
    warning = f"the mask lies {apart:.2g} voxels off: taken on the image's grid"
    return placed, (warning,) if apart > ACCEPTED else ()


def _one_to_one(to_grid: np.ndarray) -> bool:
    """Return whether each axis runs along one of the grid's, within rounding."""
    near = np.rint(to_grid[:3, :3])
    return bool((np.abs(near).sum(axis=0) == 1).all() and (np.abs(near).sum(axis=1) == 1).all())
