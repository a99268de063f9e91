"""Geometry: axes, voxel sizes and distances between grids. Affines map `(x, y, z)` voxel indices to mm in RAS+."""

import itertools
from collections.abc import Sequence

import numpy as np

from trainables.data.reading.raw import shortest

Orientation = np.ndarray
"""`(3, 2)`: for each stored axis the RAS axis that it lies closest to, and 1 or -1 for its direction."""

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From DICOM's and ITK's axes, which point to the left, back and head, to ours."""
SINGULAR = 1e-6
"""Volume of a voxel, as a share of the box with its sides, under which its axes count as lying in one plane."""
SHEAR_ACCEPTED, SHEAR_WARNED = 1e-3, 0.05
"""Cosine of the angle between two axes: up to the first taken as rounding, up to the second with a warning."""


def orientation(affine: np.ndarray) -> Orientation:
    """Return the closest permutation and flips from the stored axes to RAS.

    Raises:
        ValueError: The affine is singular or not finite.
    """
    import nibabel

    if affine.shape != (4, 4) or not np.isfinite(affine).all() or _flatness(affine) < SINGULAR:
        raise ValueError("the affine is singular or not finite")
    return np.asarray(nibabel.io_orientation(affine))


def _flatness(affine: np.ndarray) -> float:
    """Return the volume of a voxel over the product of its sides: 1 for right angles, whatever the unit."""
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    return abs(float(np.linalg.det(affine[:3, :3] / sides))) if sides.all() else 0.0


def shear(affine: np.ndarray) -> float:
    """Return the largest cosine of the angle between two axes: 0 for right angles."""
    units = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    cosines = np.abs(units.T @ units)
    return float(max(cosines[0, 1], cosines[0, 2], cosines[1, 2]))


def to_zyx(array: np.ndarray, axes: Orientation) -> np.ndarray:
    """Return a view in closest-RAS order.

    Args:
        array: `(x, y, z)` or `(x, y, z, channel)` as stored.
        axes: Its orientation.

    Returns:
        `(z, y, x)` or `(channel, z, y, x)`: z grows to the head, y to the front, x to the right.
    """
    for axis, (_, direction) in enumerate(axes):
        if direction < 0:
            array = np.flip(array, axis)
    stored_axis_of = np.argsort(axes[:, 0])
    return np.transpose(array, [*range(3, array.ndim), *stored_axis_of[::-1]])


def from_zyx(array: np.ndarray, axes: Orientation) -> np.ndarray:
    """Return a view `(x, y, z)` as stored, of one `(z, y, x)` in closest-RAS order: the inverse of `to_zyx`."""
    stored_axis_of = np.argsort(axes[:, 0])[::-1]
    stored: np.ndarray = np.transpose(array, np.argsort(stored_axis_of))
    return np.flip(stored, tuple(axis for axis, (_, direction) in enumerate(axes) if direction < 0))


def affine_to_ras(affine: np.ndarray, axes: Orientation, shape: Sequence[int]) -> np.ndarray:
    """Return the affine of the reordered volume, still for indices `(x, y, z)`.

    Args:
        affine: Affine of the stored volume.
        axes: Its orientation.
        shape: `(x, y, z)` voxels as stored.
    """
    import nibabel

    return np.asarray(affine @ nibabel.orientations.inv_ornt_aff(axes, tuple(shape)))


def voxel_sides(affine: np.ndarray) -> tuple[float, ...]:
    """Return the voxel size in mm along each stored axis: column lengths, since axes may be permuted."""
    return tuple(float(side) for side in np.linalg.norm(affine[:3, :3], axis=0))


def shortest_sides(affine: np.ndarray) -> tuple[float, ...]:
    """Return `voxel_sides` as the shortest decimals of their float32 values."""
    return tuple(shortest(side) for side in voxel_sides(affine))


def sides_zyx(sides: Sequence[float], axes: Orientation) -> tuple[float, ...]:
    """Reorder voxel sizes of the stored axes to `(z, y, x)`."""
    return tuple(sides[axis] for axis in np.argsort(axes[:, 0])[::-1])


def displacement(first: np.ndarray, second: np.ndarray, shape: Sequence[int]) -> float:
    """Return the largest distance between corresponding corner voxels, in voxels (smallest side of the first grid).

    Args:
        first: Affine of the image.
        second: Affine of its mask.
        shape: `(x, y, z)` voxels of both.
    """
    corners = np.array([(*corner, 1.0) for corner in itertools.product(*((0, size - 1) for size in shape))])
    apart = np.linalg.norm((corners @ (first - second).T)[:, :3], axis=1).max()
    return float(apart / np.linalg.norm(first[:3, :3], axis=0).min())
