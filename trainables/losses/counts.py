"""Soft counts: true positives, predicted and reference volume of each sample and class, summed once for all losses."""

import dataclasses

import torch
from torch import Tensor

from trainables.losses.voxels import Voxels, read


@dataclasses.dataclass(frozen=True)
class SoftCounts:
    """Sums of class probabilities p against the one-hot reference g, for each sample and class, in (weighted) voxels.

    Attributes:
        tp: True positives, sum of p g, `(N, C)`.
        predicted: Sum of p, `(N, C)`.
        reference: Sum of g, `(N, C)`, no gradient.
    """

    tp: Tensor
    predicted: Tensor
    reference: Tensor

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
        return SoftCounts(self.tp[:, 1:], self.predicted[:, 1:], self.reference[:, 1:])

    @property
    def pooled(self) -> "SoftCounts":
        """Those of the whole batch, `(1, C)`."""
        return SoftCounts(*(value.sum(0, keepdim=True) for value in (self.tp, self.predicted, self.reference)))


def soft_counts(
    logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None
) -> SoftCounts:
    """Softmax over the classes, summed over each sample's voxels, in float32 (float64 where the logits are).

    Args:
        logits: Raw scores `(N, C, *spatial)`, C >= 2.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        weight: Factor >= 0 of each voxel in all three sums, `(N, *spatial)`; 0 ignores the voxel. None is all ones.
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
    probabilities, one_hot = voxels.probabilities, voxels.one_hot
    if voxels.weight is None:
        reference = one_hot.flatten(2).sum(2).to(probabilities.dtype)  # counted in integers: exact at any size
    else:
        factor = voxels.weight[:, None]
        probabilities = probabilities * factor
        reference = torch.where(one_hot, factor, 0).flatten(2).sum(2)
    tp = torch.where(one_hot, probabilities, 0).flatten(2).sum(2)  # keeps a byte a voxel for backward, not a float
    return SoftCounts(tp=tp, predicted=probabilities.flatten(2).sum(2), reference=reference)
