"""Generalised Dice: one ratio for all classes, each weighed by its inverse squared volume in the reference."""

import torch
from torch import Tensor

from trainables.losses.parts.soft_counts import soft_counts


def gdl_sudre_loss(
    logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None
) -> Tensor:
    """Mean over the batch of `1 - 2 sum_l w_l TP_l / sum_l w_l (sum p_l + sum g_l)`, `w_l = 1 / V_l²`, all classes.

    No smoothing: at real volumes 1e-5 is as large as `w_l V_l`, and another loss.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`. An absent class has the largest weight of those that are present.

    Raises:
        ValueError: The shapes disagree.

    Source: Sudre et al. 2017, https://arxiv.org/abs/1707.03237; an absent class as in NiftyNet and MONAI.
    """
    counts = soft_counts(logits, target, weight=weight, ignore=ignore)
    volume = counts.reference
    present = volume > 0
    # All weights times the smallest volume squared: the ratio stays, and nothing underflows.
    least = torch.where(present, volume, torch.inf).amin(1, keepdim=True)
    prices = torch.where(present, (least / volume.clamp(min=1e-30)) ** 2, 1)
    return _one_minus_ratio(prices, counts.tp, counts.predicted + volume)


def gdl_iw_loss(
    logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None
) -> Tensor:
    """Mean over the batch of `1 - 2 sum_l w_l TP_l / sum_l w_l (sum p_l² + sum g_l²)`, `w_l = 1 / (1 + V_l²)`.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`. An absent class has the weight 1, against about `1 / V²` of the background: where the
        reference is empty the loss is about 1, with a small gradient, until next to nothing is predicted.

    Raises:
        ValueError: The shapes disagree.

    Source: the code of Shirokikh et al. 2020, https://arxiv.org/abs/2007.10033.
    """
    counts = soft_counts(logits, target, weight=weight, ignore=ignore)
    volume = counts.reference
    prices = (1 + volume.amin(1, keepdim=True) ** 2) / (1 + volume**2)
    return _one_minus_ratio(prices, counts.tp, counts.squares + volume)


def _one_minus_ratio(prices: Tensor, tp: Tensor, size: Tensor) -> Tensor:
    below = (prices * size).sum(1).clamp(min=torch.finfo(size.dtype).tiny)  # 0 only where all voxels are ignored
    return 1 - (2 * (prices * tp).sum(1) / below).mean()
