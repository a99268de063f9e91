"""Weighted integration of focal and Dice loss: the chest-ct study's `custom` loss."""

import torch
from torch import Tensor

from trainables.losses.dice_forms import dice_lin_loss
from trainables.losses.focal import focal_loss
from trainables.losses.parts.parameter_checks import one_of


def custom_loss(
    logits: Tensor,
    target: Tensor,
    *,
    delta: float = 0.7,
    alpha: float = 0.25,
    gamma: float = 4.0,
    swap: bool = False,
    focal_reduction: str = "mean",
    eps: float = 1e-5,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """`delta * focal + (1 - delta) * dice_lin`.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        delta: Share of the focal loss in `[0, 1]`.
        alpha: The focal loss's two-sided weight in `[0, 1]`.
        gamma: How fast a voxel that is right fades, >= 0.
        swap: `delta` is the share of the Dice loss instead: the study does not say which it is.
        focal_reduction: `mean` over all voxels, or `positives`: the sum over all voxels for each foreground voxel of
            the batch (at least one), as the focal-loss paper normalises.
        eps: Smoothing of the Dice loss, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar >= 0. The mean focal loss is about a hundredth of the Dice loss, which so dominates at any `delta` of the
        study. Patches without foreground have the focal loss's gradient alone.

    Raises:
        ValueError: The shapes disagree, or a parameter is outside its range.

    Source: "A Study on Lung Cancer Segmentation Algorithm using Weighted Integration Loss on Volumetric Chest CT
    Image", Journal of Korea Multimedia Society 2020, JAKO202015555312473, whose abstract gives the parameters.
    """
    if not 0 <= delta <= 1:
        raise ValueError(f"delta: expected a number in [0, 1], found {delta}")
    one_of(("mean", "positives"), focal_reduction=focal_reduction)
    focal = focal_loss(logits, target, alpha=alpha, gamma=gamma, weight=weight, ignore=ignore)
    if focal_reduction == "positives":
        kept = torch.ones_like(target, dtype=torch.bool) if ignore is None else ~ignore
        focal = focal * kept.sum() / ((target > 0) & kept).sum().clamp(min=1)
    share = 1 - delta if swap else delta
    return share * focal + (1 - share) * dice_lin_loss(logits, target, eps=eps, weight=weight, ignore=ignore)
