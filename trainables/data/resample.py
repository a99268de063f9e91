"""Resampling between two grids over the same box.

The convention: voxel `i` of `n` covers `[i, i + 1] / n` of its axis and its value sits in the middle of that
(half-voxel centres). Both grids span the box from outer edge to outer edge, so nothing shifts, flips commute with
resampling, and the way back is the same rule with the sizes exchanged. A grid for a given voxel size has
`round(n * old / new)` voxels; its true voxel size is `n * old` divided by that, off by less than half a voxel over
the whole box.
"""

import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def shape_at(shape: Sequence[int], spacing: Sequence[float], new_spacing: Sequence[float]) -> tuple[int, ...]:
    """Voxels of the same box at another voxel size, at least 1 along each axis."""
    return tuple(
        max(1, int(np.floor(size * old / new + 0.5)))
        for size, old, new in zip(shape, spacing, new_spacing, strict=True)
    )


def image(volume: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Cubic B-spline interpolation of intensities.

    Args:
        volume: float32 `(*spatial)`.
        shape: New `(*spatial)`.

    Returns:
        float32. Equal to `scipy.ndimage.zoom(order=3, mode="reflect", grid_mode=True)`.
    """
    by_gain = sorted(range(volume.ndim), key=lambda axis: shape[axis] / volume.shape[axis])
    for axis in by_gain:  # what shrinks most goes first: less to hold and to compute after it
        if volume.shape[axis] != shape[axis]:
            volume = _along(spline_matrix(volume.shape[axis], shape[axis]), volume, axis)
    return np.ascontiguousarray(volume)


def _along(matrix: np.ndarray, volume: np.ndarray, axis: int) -> np.ndarray:
    if axis == volume.ndim - 1:
        return np.asarray(volume @ matrix.T)
    flat = volume.reshape(*volume.shape[: axis + 1], -1)
    return np.asarray(matrix @ flat).reshape(*volume.shape[:axis], len(matrix), *volume.shape[axis + 1 :])


@functools.lru_cache(maxsize=64)
def spline_matrix(size: int, new_size: int) -> np.ndarray:
    """The `(new_size, size)` float32 matrix that interpolates a line of values by a cubic B-spline.

    Beyond the edges the line is reflected about its outer edge (`d c b a | a b c d | d c b a`).
    """
    at_voxels = _basis(np.arange(size, dtype=np.float64), size)
    centres = (np.arange(new_size) + 0.5) * (size / new_size) - 0.5
    matrix = _basis(centres, size) @ np.linalg.inv(at_voxels)
    matrix.setflags(write=False)
    return np.ascontiguousarray(matrix, np.float32)


def _basis(positions: np.ndarray, size: int) -> np.ndarray:
    """`(positions, size)` weights of the B-spline coefficients at the given positions."""
    weights = np.zeros((len(positions), size))
    first = np.floor(positions).astype(int) - 1
    for knot in range(4):
        index = first + knot
        distance = np.abs(positions - index)
        near = 2 / 3 - distance**2 + distance**3 / 2
        far = np.clip(2 - distance, 0, None) ** 3 / 6
        reflected = index % (2 * size)
        reflected = np.minimum(reflected, 2 * size - 1 - reflected)
        np.add.at(weights, (np.arange(len(positions)), reflected), np.where(distance < 1, near, far))
    return weights


def class_map(classes: np.ndarray, shape: Sequence[int], count: int) -> np.ndarray:
    """Class indices on another grid: each class interpolated linearly by itself, then the greatest.

    Args:
        classes: uint8 `(*spatial)`, values below `count`.
        shape: New `(*spatial)`.
        count: Number of classes, background included.

    Returns:
        uint8 of the new shape.
    """
    if tuple(shape) == classes.shape:
        return classes
    stored = torch.from_numpy(np.array(classes, ndmin=3))
    kinds = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1)
    return _greatest(lambda index: (stored[index] == kinds).float(), stored.shape, shape, stored.device).numpy()


def restore(probabilities: Tensor, shape: Sequence[int]) -> Tensor:
    """Class indices on the original grid from class probabilities on the training grid.

    Args:
        probabilities: `(classes, *spatial)`; logits or votes do as well.
        shape: Original `(*spatial)`.

    Returns:
        uint8 of the original shape, on the same device: linear interpolation of each class, then the greatest (of
        equals the first).
    """
    scores = probabilities.float()
    if tuple(shape) == tuple(scores.shape[1:]):
        return scores.argmax(0).to(torch.uint8)
    if len(shape) == 2:
        scores = scores[:, None]
    return _greatest(lambda index: scores[:, index], scores.shape[1:], shape, scores.device)


def _greatest(
    plane: Callable[[int], Tensor], shape: Sequence[int], new_shape: Sequence[int], device: torch.device
) -> Tensor:
    """Argmax over classes of linearly interpolated planes `(classes, y, x)`, a few new planes at a time."""
    depth = new_shape[0] if len(new_shape) == 3 else 1
    result = torch.empty(depth, *new_shape[-2:], dtype=torch.uint8, device=device)
    for index, mixed in enumerate(_planes(plane, shape[0], depth)):
        larger = functional.interpolate(mixed[None], tuple(new_shape[-2:]), mode="bilinear", align_corners=False)
        result[index] = larger[0].argmax(0)
    return result.reshape(tuple(new_shape))


def _planes(plane: Callable[[int], Tensor], size: int, new_size: int) -> Iterator[Tensor]:
    """Each new plane along the first axis, interpolated between its two neighbours."""
    known: dict[int, Tensor] = {}
    for new_index in range(new_size):
        position = min(max((new_index + 0.5) * size / new_size - 0.5, 0.0), size - 1.0)
        low = int(position)
        high = min(low + 1, size - 1)
        known = {index: known[index] if index in known else plane(index) for index in (low, high)}
        weight = position - low
        yield known[low] if weight == 0.0 else torch.lerp(known[low], known[high], weight)
