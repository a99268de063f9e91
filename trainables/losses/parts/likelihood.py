"""Negative log-likelihood of each voxel's own class; its backward keeps only logits and target."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from trainables.losses.parts.softmax_blocks import class_numbers, one_hot, parts


def negative_log_likelihood(logits: Tensor, target: Tensor) -> Tensor:
    """`-log softmax(logits)[target]`, `(N, *spatial)`, in the logits' type whatever the autocast.

    Args:
        logits: `(N, C, *spatial)`.
        target: Class indices `(N, *spatial)`, int64.
    """
    cost: Tensor = _Likelihood.apply(logits.flatten(2), target.flatten(1))  # type: ignore[no-untyped-call]
    return cost.view(target.shape)


class _Likelihood(torch.autograd.Function):
    """Logits `(N, C, V)` and class indices `(N, V)` → `(N, V)`."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor) -> Tensor:
        ctx.save_for_backward(logits, target)
        cost = logits.new_empty(target.shape)
        with torch.autocast(logits.device.type, enabled=False):
            for where in parts(logits):
                logs = torch.log_softmax(logits[:, :, where], 1)
                torch.neg(logs.gather(1, target[:, None, where])[:, 0], out=cost[:, where])
        return cost

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        logits, target = ctx.saved_tensors
        gradient = torch.empty_like(logits)
        numbers = class_numbers(logits)
        with torch.autocast(logits.device.type, enabled=False):
            for where in parts(logits):
                p = torch.softmax(logits[:, :, where], 1)
                p -= one_hot(target[:, where], numbers)
                torch.mul(p, slope[:, None, where], out=gradient[:, :, where])
        return gradient, None
