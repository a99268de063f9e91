"""Resampling between two grids over the same box.

The convention: voxel `i` of `n` covers `[i, i + 1] / n` of its axis and its value sits in the middle of that
(half-voxel centres). Both grids span the box from outer edge to outer edge, so nothing shifts, flips commute with
resampling, and the way back is the same rule with the sizes exchanged. A grid for a given voxel size has
`round(n * old / new)` voxels; its true voxel size is `n * old` divided by that, off by less than half a voxel over
the whole box.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


def shape_at(shape: Sequence[int], spacing: Sequence[float], new_spacing: Sequence[float]) -> tuple[int, ...]:
    """Return the shape of the same box at another voxel size, at least 1 along each axis."""
    return tuple(
        max(1, int(np.floor(size * old / new + 0.5)))
        for size, old, new in zip(shape, spacing, new_spacing, strict=True)
    )


def image(volume: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """Resample intensities by cubic B-spline interpolation.

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
    """Resample class indices: each class interpolated linearly by itself, then the greatest.

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
    occupied = stored.flatten(1).any(1).tolist()
    scores = _Planes(lambda index: (stored[index] == kinds).float(), len(stored), lambda index: occupied[index])
    return _greatest(scores, shape, stored.device).numpy()


def restore(probabilities: Tensor, shape: Sequence[int]) -> Tensor:
    """Return class indices on the original grid from class probabilities on the training grid.

    Args:
        probabilities: `(classes, *spatial)`; logits or votes do as well.
        shape: Original `(*spatial)`.

    Returns:
        uint8 of the original shape, on the same device: linear interpolation of each class, then the greatest (of
        equals the first).
    """
    return _greatest(_planes(probabilities, shape), shape, probabilities.device)


def restored_planes(probabilities: Tensor, shape: Sequence[int]) -> Iterator[Tensor]:
    """The interpolated scores that `restore` compares: `(classes, y, x)` float32 for each plane of the original grid.

    Args:
        probabilities: `(classes, *spatial)`.
        shape: Original `(*spatial)`; 2D has one plane.
    """
    depth, size = (shape[0] if len(shape) == 3 else 1), tuple(shape[-2:])
    for mixed in _planes(probabilities, shape).between(depth):
        assert mixed is not None, "every plane matters"
        yield _in_plane(mixed, size)


def _planes(probabilities: Tensor, shape: Sequence[int]) -> "_Planes":
    scores = probabilities.float()
    if len(shape) == 2:
        scores = scores[:, None]
    return _Planes(lambda index: scores[:, index], scores.shape[1], lambda _: True)


def _in_plane(scores: Tensor, size: tuple[int, ...]) -> Tensor:
    if scores.shape[1:] == size:
        return scores
    return functional.interpolate(scores[None], size, mode="bilinear", align_corners=False)[0]


@dataclasses.dataclass(frozen=True)
class _Planes:
    """Class scores plane by plane along the first axis, so that a large volume is never whole in memory.

    Attributes:
        get: Index → `(classes, y, x)` float32.
        count: How many there are.
        matters: Index → whether anything but background can be in it.
    """

    get: Callable[[int], Tensor]
    count: int
    matters: Callable[[int], bool]

    def between(self, new_count: int) -> Iterator[Tensor | None]:
        """Each of `new_count` new planes, mixed from its two neighbours; None where it is all background."""
        known: dict[int, Tensor] = {}
        for new_index in range(new_count):
            position = min(max((new_index + 0.5) * self.count / new_count - 0.5, 0.0), self.count - 1.0)
            low = int(position)
            weight = position - low
            needed = (low,) if weight == 0.0 else (low, low + 1)
            if not any(self.matters(index) for index in needed):
                yield None
                continue
            known = {index: known[index] if index in known else self.get(index) for index in needed}
            yield known[low] if weight == 0.0 else torch.lerp(known[low], known[low + 1], weight)


def _greatest(planes: _Planes, shape: Sequence[int], device: torch.device) -> Tensor:
    """For each voxel of the new grid the class whose linearly interpolated score is greatest."""
    depth, size = (shape[0] if len(shape) == 3 else 1), tuple(shape[-2:])
    result = torch.zeros(depth, *size, dtype=torch.uint8, device=device)
    for classes, mixed in zip(result, planes.between(depth), strict=True):
        if mixed is None:
            continue
        mixed = _in_plane(mixed, size)
        best = mixed[0]
        for index in range(1, len(mixed)):  # ten times as fast as argmax over the first axis
            classes.masked_fill_(mixed[index] > best, index)
            best = torch.maximum(best, mixed[index])
    return result.reshape(tuple(shape))
