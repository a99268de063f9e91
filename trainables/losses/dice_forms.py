"""The Dice losses that papers mean by the one name, on the foreground classes: squared, linear, and the flat batch.

`trainables.losses.dice` has the fourth, over all classes.
"""

from torch import Tensor

from trainables.losses.parts.parameter_checks import positive
from trainables.losses.parts.soft_counts import soft_counts


def dice_sq_loss(
    logits: Tensor,
    target: Tensor,
    *,
    eps: float = 1e-7,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over batch and foreground classes of `1 - 2 TP / (sum p² + sum g² + eps)`.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        eps: In the denominator only, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`. An absent class costs 1, with next to no gradient, whatever is predicted.

    Raises:
        ValueError: The shapes disagree, or `eps` is not positive.

    Source: V-Net, Milletari et al. 2016, https://arxiv.org/abs/1606.04797.
    """
    positive(eps=eps)
    counts = soft_counts(logits, target, weight=weight, ignore=ignore).foreground
    return 1 - (2 * counts.tp / (counts.squares + counts.reference + eps)).mean()


def dice_lin_loss(
    logits: Tensor,
    target: Tensor,
    *,
    eps: float = 1e-5,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over batch and foreground classes of `1 - (2 TP + eps) / (sum p + sum g + eps)`.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        eps: Smoothing in numerator and denominator, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`. A class neither present nor predicted costs 0; one that is absent and predicted costs about
        1, with next to no gradient.

    Raises:
        ValueError: The shapes disagree, or `eps` is not positive.

    Source: the Dice part of the chest-ct study's loss; MONAI's `DiceLoss(sigmoid=True)`.
    """
    positive(eps=eps)
    counts = soft_counts(logits, target, weight=weight, ignore=ignore).foreground
    return 1 - ((2 * counts.tp + eps) / (counts.predicted + counts.reference + eps)).mean()


def dice_flat_s1_loss(
    logits: Tensor,
    target: Tensor,
    *,
    smooth: float = 1.0,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over foreground classes of `1 - (2 TP + smooth) / (sum p + sum g + smooth)`, sums over the whole batch.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        smooth: In numerator and denominator, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`. A class absent from the batch costs 0 where it is not predicted.

    Raises:
        ValueError: The shapes disagree, or `smooth` is not positive.

    Source: the liver study's notebook, and Jadon 2020, https://arxiv.org/abs/2006.14822.
    """
    positive(smooth=smooth)
    counts = soft_counts(logits, target, weight=weight, ignore=ignore).foreground.pooled
    return 1 - ((2 * counts.tp + smooth) / (counts.predicted + counts.reference + smooth)).mean()
