"""Patches of any size: halving rounds up, doubling crops back, so that no voxel is lost and none is invented."""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn


def pool(dim: int) -> nn.Module:
    """Max pooling by 2 that keeps the last voxel of an odd side: 5 becomes 3."""
    return nn.MaxPool2d(2, ceil_mode=True) if dim == 2 else Halving()


class Halving(nn.Module):
    """`pool` in 3D, whose backward PyTorch does not call deterministic on a GPU: `HalvingInOrder` where that counts."""

    def forward(self, x: Tensor) -> Tensor:
        """`(N, channels, z, y, x)` to half of each side, rounded up."""
        if x.is_cuda and torch.are_deterministic_algorithms_enabled():
            return HalvingInOrder.apply(x)  # type: ignore[no-any-return,no-untyped-call]
        return F.max_pool3d(x, 2, ceil_mode=True)


class HalvingInOrder(torch.autograd.Function):
    """The same numbers, with a gradient that is looked up by each voxel instead of added where it belongs."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        """`(N, channels, z, y, x)`."""
        halved, places = F.max_pool3d(x, 2, ceil_mode=True, return_indices=True)
        context.save_for_backward(places)
        context.size = x.shape[2:]
        return halved

    @staticmethod
    def backward(context: Any, slope: Tensor) -> Tensor:
        """A window's gradient goes to its greatest voxel, of equals to the one that forward took."""
        (places,) = context.saved_tensors
        own = torch.arange(math.prod(context.size), device=slope.device).view(tuple(context.size))
        return torch.where(_doubled(places, context.size) == own, _doubled(slope, context.size), 0)


def _doubled(x: Tensor, size: Sequence[int]) -> Tensor:
    """Each voxel eight times, cut to `size`."""
    for axis in range(2, x.ndim):
        x = x.repeat_interleave(2, dim=axis)
    return crop_to(x, size)


def even(x: Tensor) -> Tensor:
    """`x` with a plane of zeros at the far end of each odd side, ready for a convolution of stride 2."""
    odd = [side % 2 for side in reversed(x.shape[2:])]
    return F.pad(x, [n for last in odd for n in (0, last)]) if any(odd) else x


def crop_to(x: Tensor, size: Sequence[int]) -> Tensor:
    """`x` without what lies beyond `size` at the far end of each side."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return x[(slice(None), slice(None), *(slice(side) for side in size))]
