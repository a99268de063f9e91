"""Unified focal loss, asymmetric: a focal loss and a focal Tversky loss with shared parameters."""

import torch
from torch import Tensor

from trainables.losses.focal_tversky import LEAST
from trainables.losses.parts.parameter_checks import positive
from trainables.losses.parts.soft_counts import counts_of
from trainables.losses.parts.voxels import read


def unified_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    share: float = 0.5,
    delta: float = 0.6,
    gamma: float = 0.5,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """`share * focal + (1 - share) * focal_tversky`, where foreground is never turned away from.

    The focal part is the mean over voxels of `-delta log p` in the foreground and `-(1 - delta) (1 - p)^gamma log p` in
    the background. The Tversky part is the mean over batch and classes of `(1 - TI)^(1 - gamma)` for foreground classes
    and `1 - TI` for the background; a missed voxel costs `delta`, a false one `1 - delta`.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        share: Weight of the focal part, in `[0, 1]`.
        delta: Price of the foreground and of a missed voxel, in `[0, 1]`.
        gamma: In `[0, 1)`; larger turns more to rare classes. 0 is a sum of weighted cross-entropy and Tversky.
        eps: Smoothing of the Tversky index, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar >= 0; what is raised to a power is at least 1e-7, so a perfect overlap costs about 1e-4.

    Raises:
        ValueError: The shapes disagree, or a parameter is outside its range.

    Source: Yeung et al. 2022, https://arxiv.org/abs/2102.04525, the asymmetric variant.
    """
    positive(eps=eps)
    for name, number in (("share", share), ("delta", delta)):
        if not 0 <= number <= 1:
            raise ValueError(f"{name}: expected a number in [0, 1], found {number}")
    if not 0 <= gamma < 1:
        raise ValueError(f"gamma: expected a number in [0, 1), found {gamma}")
    voxels = read(logits, target, weight=weight, ignore=ignore)
    cost = voxels.negative_log_likelihood
    wrong = -torch.expm1(-cost)  # 1 - p without the cancellation of subtracting
    # The slope of wrong^gamma at 0 is infinite, and infinite times 0 would be NaN.
    faded = wrong.clamp(min=torch.finfo(cost.dtype).tiny) ** gamma * cost
    focal = voxels.mean(torch.where(voxels.target > 0, delta * cost, (1 - delta) * faded))
    counts = counts_of(voxels)
    index = (counts.tp + eps) / (counts.tp + delta * counts.fn + (1 - delta) * counts.fp + eps)
    missing = (1 - index).clamp(LEAST, 1)
    tversky = torch.cat([missing[:, :1], missing[:, 1:] ** (1 - gamma)], 1).mean()
    return share * focal + (1 - share) * tversky
