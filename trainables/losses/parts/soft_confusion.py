"""Soft confusion matrix: the probability that voxels of each class give to every class."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from trainables.losses.parts.softmax_blocks import backward_blocks, forward_blocks
from trainables.losses.parts.voxels import Voxels


def soft_confusion(voxels: Voxels) -> Tensor:
    """`(N, true class, predicted class)`: sums of (weighted) probabilities over each sample's voxels of a class."""
    weight = None if voxels.weight is None else voxels.weight.flatten(1)
    matrix: Tensor = _Confusion.apply(  # type: ignore[no-untyped-call]
        voxels.logits.flatten(2), voxels.target.flatten(1), weight
    )
    return matrix


class _Confusion(torch.autograd.Function):
    """Logits `(N, C, V)`, class indices and weights `(N, V)` → `(N, C, C)`."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        samples, classes, _ = logits.shape
        matrix = logits.new_zeros((samples, classes, classes), dtype=torch.float64)  # of blocks, each in its own type
        with torch.autocast(logits.device.type, enabled=False):
            for block in forward_blocks(ctx, logits, target, weight):
                matrix += block.hot @ block.p.transpose(1, 2)
        return matrix.to(logits.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        gradient, blocks = backward_blocks(ctx)
        with torch.autocast(gradient.device.type, enabled=False):
            for block in blocks:
                block.back(slope.transpose(1, 2) @ block.hot)
        return gradient, None, None
