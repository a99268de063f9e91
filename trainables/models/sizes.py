"""Patches of any size: halving rounds up, doubling crops back, so that no voxel is lost and none is invented."""

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def pool(dim: int) -> nn.Module:
    """Max pooling by 2 that keeps the last voxel of an odd side: 5 becomes 3."""
    return (nn.MaxPool2d if dim == 2 else nn.MaxPool3d)(2, ceil_mode=True)


def even(x: Tensor) -> Tensor:
    """`x` with a plane of zeros at the far end of each odd side, ready for a convolution of stride 2."""
    odd = [side % 2 for side in reversed(x.shape[2:])]
    return F.pad(x, [n for last in odd for n in (0, last)]) if any(odd) else x


def crop_to(x: Tensor, size: Sequence[int]) -> Tensor:
    """`x` without what lies beyond `size` at the far end of each side."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return x[(slice(None), slice(None), *(slice(side) for side in size))]
