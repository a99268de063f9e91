"""Dice with a voxel-wise loss: weighted sums of two losses that make up for each other's blind spots."""

from torch import Tensor

from trainables.losses.cross_entropy import cross_entropy_loss
from trainables.losses.dice import dice_loss
from trainables.losses.focal import focal_loss
from trainables.losses.parts.parameter_checks import not_negative


def dice_cross_entropy_loss(
    logits: Tensor,
    target: Tensor,
    *,
    dice_weight: float = 1.0,
    cross_entropy_weight: float = 1.0,
    eps: float = 1e-5,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """`dice_weight * dice + cross_entropy_weight * cross_entropy`.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        dice_weight: Factor of the `dice` loss, all classes, >= 0.
        cross_entropy_weight: Factor of cross-entropy, >= 0.
        eps: Smoothing of the Dice loss, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar >= 0. Patches without a class have cross-entropy's gradient for it.

    Raises:
        ValueError: The shapes disagree, or a parameter is outside its range.

    Source: `dice_crossentropy` of MIScnn, Müller and Kramer 2021, https://arxiv.org/abs/1910.09308.
    """
    not_negative(dice_weight=dice_weight, cross_entropy_weight=cross_entropy_weight)
    overlap = dice_loss(logits, target, eps=eps, weight=weight, ignore=ignore)
    return dice_weight * overlap + cross_entropy_weight * cross_entropy_loss(
        logits, target, weight=weight, ignore=ignore
    )


def dice_focal_loss(
    logits: Tensor,
    target: Tensor,
    *,
    dice_weight: float = 1.0,
    focal_weight: float = 1.0,
    alpha: float | None = None,
    gamma: float = 2.0,
    eps: float = 1e-5,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """`dice_weight * dice + focal_weight * focal`.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        dice_weight: Factor of the `dice` loss, all classes, >= 0.
        focal_weight: Factor of the focal loss, >= 0.
        alpha: The focal loss's two-sided weight in `[0, 1]`; None weighs both sides with 1.
        gamma: How fast a voxel that is right fades, >= 0.
        eps: Smoothing of the Dice loss, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar >= 0. Patches without a class have the focal loss's gradient for it.

    Raises:
        ValueError: The shapes disagree, or a parameter is outside its range.

    Source: Zhu et al. 2018 (AnatomyNet), https://arxiv.org/abs/1808.05238, with this Dice and a mean focal loss.
    """
    not_negative(dice_weight=dice_weight, focal_weight=focal_weight)
    overlap = dice_loss(logits, target, eps=eps, weight=weight, ignore=ignore)
    focal = focal_loss(logits, target, alpha=alpha, gamma=gamma, weight=weight, ignore=ignore)
    return dice_weight * overlap + focal_weight * focal
