"""Focal loss: cross-entropy that turns away from voxels that are right already."""

import torch
from torch import Tensor

from trainables.losses.parts.voxels import read


def focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: float | None = None,
    gamma: float = 2.0,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over all voxels of the batch of `-a (1 - p)^gamma log p`, p the softmax probability of the true class.

    With two classes p is `sigmoid(z1 - z0)` in the foreground and one minus that in the background: the binary focal
    loss of the paper on the foreground channel. With more classes the same formula takes the true class's softmax
    probability (the paper's p_t), and every foreground class has the weight `alpha`.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        alpha: Two-sided weight in `[0, 1]`: `a` is `alpha` in the foreground, `1 - alpha` in the background. None
            weighs both with 1, so that `gamma=0` gives cross-entropy (`alpha=0.5, gamma=0` gives half of it).
        gamma: How fast a voxel that is right fades, >= 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar >= 0; 0 where every voxel is certain and right. A patch without foreground counts like any other.

    Raises:
        ValueError: The shapes disagree, or a parameter is outside its range.

    Source: Lin et al. 2017, https://arxiv.org/abs/1708.02002.
    """
    if not gamma >= 0:
        raise ValueError(f"gamma: expected a number >= 0, found {gamma}")
    if alpha is not None and not 0 <= alpha <= 1:
        raise ValueError(f"alpha: expected None or a number in [0, 1], found {alpha}")
    voxels = read(logits, target, weight=weight, ignore=ignore)
    cost = voxels.negative_log_likelihood
    if gamma > 0:
        wrong = -torch.expm1(-cost)  # 1 - p without the cancellation of subtracting
        # The slope of wrong^gamma at 0 is infinite for gamma < 1, and infinite times 0 would be NaN.
        cost = wrong.clamp(min=torch.finfo(cost.dtype).tiny) ** gamma * cost
    if alpha is not None:
        cost = cost * torch.where(voxels.target > 0, alpha, 1 - alpha).to(cost.dtype)
    return voxels.mean(cost)
