"""Soft counts: true positives, predicted and reference volume of each sample and class, summed once for all losses."""

import dataclasses
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from trainables.losses.parts.softmax_blocks import backward_blocks, forward_blocks
from trainables.losses.parts.voxels import Voxels, read


@dataclasses.dataclass(frozen=True)
class SoftCounts:
    """Sums of class probabilities p against the one-hot reference g, for each sample and class, in (weighted) voxels.

    Attributes:
        tp: True positives, sum of p g, `(N, C)`.
        predicted: Sum of p, `(N, C)`.
        reference: Sum of g, `(N, C)`, no gradient.
        squares: Sum of p², `(N, C)`.
    """

    tp: Tensor
    predicted: Tensor
    reference: Tensor
    squares: Tensor

    @property
    def fp(self) -> Tensor:
        """False positives, sum of p (1 - g), `(N, C)`."""
        return self.predicted - self.tp

    @property
    def fn(self) -> Tensor:
        """False negatives, sum of (1 - p) g, `(N, C)`."""
        return self.reference - self.tp

    @property
    def foreground(self) -> "SoftCounts":
        """Those of the classes from 1 on, `(N, C - 1)`."""
        return SoftCounts(*(value[:, 1:] for value in self._all))

    @property
    def pooled(self) -> "SoftCounts":
        """Those of the whole batch, `(1, C)`."""
        return SoftCounts(*(value.sum(0, keepdim=True) for value in self._all))

    @property
    def over_classes(self) -> "SoftCounts":
        """Those of all classes together, `(N, 1)`."""
        return SoftCounts(*(value.sum(1, keepdim=True) for value in self._all))

    @property
    def _all(self) -> tuple[Tensor, ...]:
        return self.tp, self.predicted, self.reference, self.squares


def soft_counts(
    logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None
) -> SoftCounts:
    """Softmax over the classes, summed over each sample's voxels, in float32 (float64 where the logits are).

    Args:
        logits: Raw scores `(N, C, *spatial)`, C >= 2.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        weight: Factor >= 0 of each voxel in all sums, `(N, *spatial)`; 0 ignores the voxel. None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Raises:
        ValueError: The shapes disagree, or the target holds no class indices.
    """
    return counts_of(read(logits, target, weight=weight, ignore=ignore))


def counts_of(voxels: Voxels) -> SoftCounts:
    """The soft counts of a batch that is read already; summed once for it."""
    if "counts" not in voxels.derived:
        voxels.derived["counts"] = _summed(voxels)
    counts: SoftCounts = voxels.derived["counts"]
    return counts


def _summed(voxels: Voxels) -> SoftCounts:
    weight = None if voxels.weight is None else voxels.weight.flatten(1)
    return SoftCounts(*_Sums.apply(voxels.logits.flatten(2), voxels.target.flatten(1), weight))  # type: ignore[no-untyped-call]


class _Sums(torch.autograd.Function):
    """Logits `(N, C, V)`, class indices and weights `(N, V)` → the four sums of `SoftCounts`, each `(N, C)`."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, target: Tensor, weight: Tensor | None) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        sums = logits.new_zeros((4, *logits.shape[:2]), dtype=torch.float64)  # of blocks, each summed in its own type
        with torch.autocast(logits.device.type, enabled=False):
            for block in forward_blocks(ctx, logits, target, weight):
                p, hot, factor = block.p, block.hot, block.weight
                sums[2] += hot.sum(2)
                sums[0] += hot.mul_(p).sum(2)
                weighted = p if factor is None else p * factor
                sums[1] += weighted.sum(2)
                sums[3] += (p * weighted).sum(2)  # a norm would be twice as fast and of five digits
        tp, predicted, reference, squares = sums.to(logits.dtype).unbind()
        ctx.mark_non_differentiable(reference)
        return tp, predicted, reference, squares

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, tp: Tensor | None, predicted: Tensor | None, reference: None, squares: Tensor | None
    ) -> tuple[Tensor, None, None]:
        gradient, blocks = backward_blocks(ctx)
        none = gradient.new_zeros((*gradient.shape[:2], 1))
        of_tp, of_predicted = (none if slope is None else slope[:, :, None] for slope in (tp, predicted))
        with torch.autocast(gradient.device.type, enabled=False):
            for block in blocks:
                rest = of_predicted if squares is None else block.p * (2 * squares[:, :, None]) + of_predicted
                block.back(block.hot.mul_(of_tp).add_(rest if block.weight is None else rest * block.weight))
        return gradient, None, None
