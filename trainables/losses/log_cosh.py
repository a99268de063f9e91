"""log cosh of a loss: its value, and its gradient times `tanh(loss)`."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from trainables.losses.dice import dice_loss
from trainables.losses.focal_tversky import focal_tversky_loss
from trainables.losses.weighted_dice import weighted_dice_loss

FAR = 20.0  # from here on log cosh x is |x| - log 2 in float64 too


def log_cosh(value: Tensor) -> Tensor:
    """`log cosh x`, exact near 0 (5.000e-09 at 1e-4 in float32) and finite at any size; its slope is `tanh x`."""
    size = value.abs()
    half = size.clamp(max=FAR) / 2  # before sinh: an infinite branch would make the other's gradient NaN
    return torch.where(size < FAR, torch.log1p(2 * torch.sinh(half) ** 2), size - math.log(2))


def log_cosh_dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    eps: float = 1e-5,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """`log cosh` of the `dice` loss of the batch.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        eps: Smoothing in numerator and denominator, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 0.434]`; `dice` says what an empty reference does.

    Raises:
        ValueError: The shapes disagree, or `eps` is not positive.

    Source: Jadon 2020, https://arxiv.org/abs/2006.14822, on the Dice loss of MIScnn.
    """
    return log_cosh(dice_loss(logits, target, eps=eps, weight=weight, ignore=ignore))


def log_cosh_weighted_dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    ratio: float = 2.0,
    eps: float = 1e-5,
    weights: Sequence[float] | Mapping[int, float] | None = None,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """`log cosh` of the `weighted_dice` loss of the batch.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        ratio: Weight of each class over that of the class before, > 0.
        eps: Smoothing in numerator and denominator, in voxels, > 0.
        weights: One weight for each class instead of `ratio`.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 0.434]`; `weighted_dice` says what an empty reference does.

    Raises:
        ValueError: As `weighted_dice`.

    Source: the kits19 study.
    """
    maps = {"weight": weight, "ignore": ignore}
    return log_cosh(weighted_dice_loss(logits, target, ratio=ratio, eps=eps, weights=weights, **maps))


def log_cosh_focal_tversky_loss(
    logits: Tensor,
    target: Tensor,
    *,
    exponent: float = 0.75,
    fn_weight: float = 0.7,
    fp_weight: float = 0.3,
    reduction: str = "mean",
    background: bool = True,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """`log cosh` of the `focal_tversky` loss of the batch.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        exponent: Exponent of each class's loss before the reduction, > 0. The study does not say which it used.
        fn_weight: Price of one missed voxel, >= 0.
        fp_weight: Price of one false voxel, >= 0.
        reduction: `mean` or `sum` over the classes; a sum is nearly linear under log cosh.
        background: Whether class 0 is one of them.
        eps: Smoothing in numerator and denominator, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 0.434]` with `mean`; `focal_tversky` says what an empty reference does.

    Raises:
        ValueError: As `focal_tversky`.

    Source: the kits19 study.
    """
    loss = focal_tversky_loss(
        logits,
        target,
        exponent=exponent,
        fn_weight=fn_weight,
        fp_weight=fp_weight,
        reduction=reduction,
        background=background,
        eps=eps,
        weight=weight,
        ignore=ignore,
    )
    return log_cosh(loss)
