"""Tversky loss: soft Dice with separate prices for false positives and misses."""

from torch import Tensor

from trainables.losses.parts.parameter_checks import not_negative, one_of, positive
from trainables.losses.parts.soft_counts import soft_counts


def tversky_loss(
    logits: Tensor,
    target: Tensor,
    *,
    fn_weight: float = 0.7,
    fp_weight: float = 0.3,
    reduction: str = "mean",
    background: bool = False,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over the batch of the classes' `1 - (TP + eps) / (TP + fn_weight FN + fp_weight FP + eps)`.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        fn_weight: Price of one missed voxel, >= 0. Papers swap the letters alpha and beta; words stay.
        fp_weight: Price of one false voxel, >= 0.
        reduction: `mean` or `sum` over the classes; MIScnn's `tversky_loss` is the sum with background at 0.5, 0.5.
        background: Whether class 0 is one of them.
        eps: Smoothing in numerator and denominator, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`, times the number of classes with `sum`; 0 is a perfect overlap. A class neither present nor
        predicted costs 0; one that is absent and predicted costs about 1, with next to no gradient.

    Raises:
        ValueError: The shapes disagree, a price is negative, `reduction` is another word, or `eps` is not positive.

    Source: Salehi et al. 2017, https://arxiv.org/abs/1706.05721.
    """
    not_negative(fn_weight=fn_weight, fp_weight=fp_weight)
    positive(eps=eps)  # without it an absent class would be 0 / 0
    one_of(("mean", "sum"), reduction=reduction)
    counts = soft_counts(logits, target, weight=weight, ignore=ignore)
    if not background:
        counts = counts.foreground
    index = (counts.tp + eps) / (counts.tp + fn_weight * counts.fn + fp_weight * counts.fp + eps)
    if reduction == "sum":
        return (1 - index).sum(1).mean()
    return 1 - index.mean()
