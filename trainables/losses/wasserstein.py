"""Generalised Wasserstein Dice: confusing two classes costs what a matrix says."""

import torch
from torch import Tensor

from trainables.class_distances import UNIFORM, Rows, flaw_of, rows_of
from trainables.losses.parts.parameter_checks import positive
from trainables.losses.parts.soft_confusion import soft_confusion
from trainables.losses.parts.voxels import read


def wasserstein_dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    matrix: str | Rows = UNIFORM,
    eps: float = 1e-5,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over the batch of `1 - (2 TP + eps) / (2 TP + E + eps)` with the distances M between classes.

    `d = sum_l M[y, l] p_l` is what a voxel of class y costs; E its sum over all voxels, TP that of `1 - d` over those
    with y > 0. It is summed from the soft confusion matrix, so no voxel carries a row of M.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        matrix: `uniform` (all confusions cost 1), `brats5`, `brats4`, or C rows of C distances in `[0, 1]`, also as
            JSON text: symmetric, 0 on the diagonal, 1 between background and any other class.
        eps: Smoothing in numerator and denominator, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`; with two classes it is `dice_lin`. Without foreground in the sample it is about 1 with next
        to no gradient as soon as anything is predicted.

    Raises:
        ValueError: The shapes disagree, `eps` is not positive, or the matrix is none for these classes.

    Source: Fidon et al. 2017, https://arxiv.org/abs/1707.00478.
    """
    positive(eps=eps)
    distances = _distances(matrix, logits.shape[1])
    voxels = read(logits, target, weight=weight, ignore=ignore)
    confusion = soft_confusion(voxels)
    cost = (confusion * distances.to(confusion)).sum(2)
    hit = (confusion.sum(2) - cost)[:, 1:].sum(1)
    return 1 - ((2 * hit + eps) / (2 * hit + cost.sum(1) + eps)).mean()


def _distances(matrix: str | Rows, classes: int) -> Tensor:
    """The matrix in float64, checked."""
    if (flaw := flaw_of(matrix, classes)) is not None:
        raise ValueError(f"matrix: {flaw}")
    if matrix == UNIFORM:
        return 1 - torch.eye(classes, dtype=torch.float64)
    return torch.tensor([list(row) for row in rows_of(matrix) or ()], dtype=torch.float64)
