"""Deformation of patches: one affine map and one smooth displacement a patch, sampled once for the whole batch.

Axes are `[z, y, x]` (or `[y, x]`) and lengths are in units of the finest voxel side, so that a rotation turns space
and not the array: with slices of 3.2 mm and pixels of 1.6 mm it stays a rotation.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from trainables.data.augmentation.warp import warp

KNOT_DISTANCE = 18.0
"""Finest voxels between control points: as smooth as noise under a Gaussian filter of about 10 voxels."""
THICK = 3.0
"""An axis whose voxels are this much longer than the finest is left alone: between such slices nothing can be
interpolated (nnU-Net's threshold)."""


def free_axes(spacing: Sequence[float]) -> tuple[bool, ...]:
    """Which axes may be turned, scaled and bent."""
    return tuple(side < THICK * min(spacing) for side in spacing)


def matrix(angles: Sequence[float], scale: float, flips: Sequence[bool], spacing: Sequence[float]) -> np.ndarray:
    """The map from offsets in the result to offsets in the source, in voxels from the patch's middle.

    Args:
        angles: Radians about `(z, y, x)`, or one number in 2D.
        scale: Factor on coordinates: below 1 enlarges what is seen.
        flips: For each axis whether it is mirrored.
        spacing: Voxel sides; thick axes are mirrored only.

    Returns:
        `(dim, dim)` float64.
    """
    free = np.array(free_axes(spacing))
    sides = np.asarray(spacing, np.float64) / min(spacing)
    turn = np.eye(len(sides))
    planes = ((0, 1),) if len(sides) == 2 else ((1, 2), (0, 2), (0, 1))
    for angle, (first, second) in zip(angles, planes, strict=True):
        if free[first] and free[second]:
            plane = np.eye(len(sides))
            plane[[first, second], [first, second]] = np.cos(angle)
            plane[first, second], plane[second, first] = -np.sin(angle), np.sin(angle)
            turn = turn @ plane
    stretch = np.where(free, scale, 1.0)
    mirror = np.where(flips, -1.0, 1.0)
    return np.asarray((turn * stretch * sides * mirror) / sides[:, None])


def knots(size: Sequence[int], spacing: Sequence[float]) -> tuple[int, ...]:
    """Control points along each axis for a patch of `size` voxels."""
    return tuple(_spline(length, _distance(side, spacing)).shape[1] for length, side in zip(size, spacing, strict=True))


def displacement(control: Tensor, size: Sequence[int], spacing: Sequence[float]) -> Tensor:
    """A smooth field from random control points.

    Args:
        control: `(N, dim, *knots)`, in finest voxels; unit-variance noise gives a field of unit variance.
        size: Voxels of the patch.
        spacing: Voxel sides; along thick axes nothing moves.

    Returns:
        `(N, dim, *size)`: displacement along each axis in that axis's voxels.
    """
    splines = [
        _spline_on(control.device, length, _distance(side, spacing)) for length, side in zip(size, spacing, strict=True)
    ]
    norm = math.prod(_deviation(length, _distance(side, spacing)) for length, side in zip(size, spacing, strict=True))
    per_axis = [min(spacing) / side if free else 0.0 for side, free in zip(spacing, free_axes(spacing), strict=True)]
    field = torch.stack([control[:, axis] * (factor / norm) for axis, factor in enumerate(per_axis)], dim=1)
    for axis, basis in enumerate(splines):
        field = torch.movedim(torch.movedim(field, axis + 2, -1) @ basis.T, -1, axis + 2)
    return field.contiguous()


def smoothed(noise: Tensor, sigma: float, spacing: Sequence[float]) -> Tensor:
    """Noise under a Gaussian filter, as `scipy.ndimage.gaussian_filter(mode="constant")`; 0 along thick axes.

    Args:
        noise: `(dim, *size)`: for each axis the displacements along it, in voxels.
        sigma: The filter's standard deviation in voxels.
        spacing: Voxel sides.

    Returns:
        `(dim, *size)`.

    Source: `elastic_deform_coordinates` of batchgenerators.
    """
    field = noise
    for axis, length in enumerate(noise.shape[1:]):
        kernel = sent(_gaussian(length, sigma), noise.device)
        field = torch.movedim(torch.movedim(field, axis + 1, -1) @ kernel, -1, axis + 1)
    return torch.stack([one * float(ok) for one, ok in zip(field, free_axes(spacing), strict=True)])


def sample(
    images: Tensor, labels: Tensor, maps: Tensor, fields: Tensor | None, size: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Resample images and labels through the maps.

    Labels take the nearest voxel: in the mean that keeps every structure's volume, and a lesion of one voxel survives
    a turn, where interpolated classes would drop it (its weight hardly ever exceeds one half). It happens once, from
    the training grid, so no error adds up.

    Args:
        images: `(N, C, *source)` float.
        labels: `(N, *source)` integer, or M maps `(N, M, *source)`; values up to 2^24.
        maps: `(N, dim, dim)` from offsets in the result to offsets in the source, in voxels; on the CPU.
        fields: `(N, dim, *size)` voxels added to the source offsets, or None.
        size: Voxels of the result, taken around the middle of the source. Beyond its edges the outermost values go on.

    Returns:
        Images `(N, C, *size)` and labels `(N, *size)` or `(N, M, *size)`, dtypes kept.
    """
    single = labels.ndim < images.ndim
    several = labels[:, None] if single else labels
    look = _looked_up if images.device.type == "cpu" else _on_a_grid
    seen, classes = look(images, several, maps, fields, tuple(size))
    return seen, classes[:, 0] if single else classes


def _looked_up(
    images: Tensor, labels: Tensor, maps: Tensor, fields: Tensor | None, size: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """`sample` of `(N, M, *source)` labels on the CPU, where `grid_sample` takes five times as long."""
    seen = images.new_empty((*images.shape[:2], *size))
    classes = labels.new_empty((*labels.shape[:2], *size))
    for slot, matrix in enumerate(maps.numpy()):
        field = None if fields is None else fields[slot]
        warp(images[slot].contiguous(), labels[slot].contiguous(), matrix, field, seen[slot], classes[slot])
    return seen, classes


def _on_a_grid(
    images: Tensor, labels: Tensor, maps: Tensor, fields: Tensor | None, size: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """`sample` of `(N, M, *source)` labels on any device, all patches at once."""
    source = torch.tensor(images.shape[2:], dtype=maps.dtype)
    target = torch.tensor(size, dtype=maps.dtype)
    unit = maps * target / source[:, None]  # grid_sample's coordinates run from -1 to 1 over each axis, x first
    theta = sent(functional.pad(unit.flip(1, 2), (0, 1)).float(), images.device)
    grid = functional.affine_grid(theta, [len(images), 1, *size], align_corners=False)
    if fields is not None:
        shifts = [fields[:, axis] * (2 / side) for axis, side in enumerate(images.shape[2:])]
        grid = grid + torch.stack(shifts[::-1], dim=-1)
    seen = functional.grid_sample(images, grid, "bilinear", "border", align_corners=False)
    classes = functional.grid_sample(labels.float(), grid, "nearest", "border", align_corners=False)
    return seen, classes.to(labels.dtype)


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a CPU tensor to another device without waiting for it."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def _distance(side: float, spacing: Sequence[float]) -> float:
    return KNOT_DISTANCE * min(spacing) / side


def _gaussian(length: int, sigma: float) -> Tensor:
    """`(length, length)` weights of a Gaussian cut off at four standard deviations; beyond the edges is 0."""
    apart = np.abs(np.arange(length)[:, None] - np.arange(length)[None])
    reach = int(4 * sigma + 0.5)
    total = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2).sum()
    return torch.from_numpy(
        (np.where(apart <= reach, np.exp(-0.5 * (apart / sigma) ** 2), 0) / total).astype(np.float32)
    )


@functools.lru_cache(maxsize=64)
def _spline_on(device: torch.device, length: int, distance: float) -> Tensor:
    return _spline(length, distance).to(device)


@functools.lru_cache(maxsize=64)
def _deviation(length: int, distance: float) -> float:
    """Root mean square over the voxels of what unit-variance control points along one axis give."""
    return float(_spline(length, distance).square().sum(1).mean().sqrt())


@functools.lru_cache(maxsize=64)
def _spline(length: int, distance: float) -> Tensor:
    """`(length, knots)` cubic B-spline weights; control points stand `distance` voxels apart."""
    positions = np.arange(length) / distance + 1.0
    count = int(np.floor(positions[-1])) + 3
    apart = np.abs(positions[:, None] - np.arange(count)[None])
    near = 2 / 3 - apart**2 + apart**3 / 2
    far = np.clip(2 - apart, 0, None) ** 3 / 6
    return torch.from_numpy(np.where(apart < 1, near, far).astype(np.float32))
