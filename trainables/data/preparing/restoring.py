"""The way back from the training grid to a case's own grid, with what was cropped off and what is not scored."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from trainables.data.cases.area import Box, slices
from trainables.data.preparing import resample


def restored(
    probabilities: Tensor, shape: Sequence[int], box: Box | None = None, excluded: np.ndarray | None = None
) -> Tensor:
    """Return class indices on the original grid.

    Args:
        probabilities: `(classes, *spatial)` on the training grid.
        shape: Of the original grid.
        box: What of the original grid the training grid spans; None is all.
        excluded: True where a voxel is not scored; None where all are.

    Returns:
        uint8 of the original shape, on the same device: each class interpolated linearly, then the greatest.
        Background outside the box and where nothing is scored.
    """
    if box is None:
        classes = resample.restore(probabilities, shape)
    else:
        classes = torch.zeros(tuple(shape), dtype=torch.uint8, device=probabilities.device)
        kept = slices(box)
        classes[kept] = resample.restore(probabilities, classes[kept].shape)
    if excluded is not None:
        classes[torch.from_numpy(np.array(excluded)).to(classes.device)] = 0
    return classes


def restored_values(
    values: Tensor, shape: Sequence[int], box: Box | None = None, outside: Sequence[float] | None = None
) -> np.ndarray:
    """Return numbers on the original grid, interpolated linearly.

    Args:
        values: `(channels, *spatial)` on the training grid.
        shape: Of the original grid.
        box: What of the original grid the training grid spans; None is all.
        outside: For each channel, its value outside the box; None is 0 for all.

    Returns:
        float32 `(channels, *shape)`.
    """
    whole = np.empty((len(values), *shape), np.float32)
    for channel, value in zip(whole, outside or [0.0] * len(values), strict=True):
        channel[...] = value
    inside = whole if box is None else whole[(slice(None), *slices(box))]
    for index, plane in enumerate(_planes(values, inside.shape[1:])):
        place = (slice(None), index) if inside.ndim == 4 else (slice(None),)
        inside[place] = plane
    return whole


def _planes(values: Tensor, shape: Sequence[int]) -> Iterator[np.ndarray]:
    return (plane.cpu().numpy() for plane in resample.restored_planes(values, shape))
