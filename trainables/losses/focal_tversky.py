"""Focal Tversky: a power of each class's Tversky loss."""

from torch import Tensor

from trainables.losses.parts.parameter_checks import not_negative, one_of, positive
from trainables.losses.parts.soft_counts import soft_counts

LEAST = 1e-7  # of what is raised to a power: below 1 its slope at 0 is infinite, and rounding can make it negative


def focal_tversky_loss(
    logits: Tensor,
    target: Tensor,
    *,
    exponent: float = 0.75,
    fn_weight: float = 0.7,
    fp_weight: float = 0.3,
    focus: str = "loss",
    reduction: str = "mean",
    background: bool = True,
    eps: float = 1e-6,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over the batch of the classes' `(1 - TI_c)^exponent`, TI_c the index of `tversky`.

    Papers write the exponent as 1/gamma and code as gamma: kits19's "1/gamma = .75" is the exponent 0.75. Below 1 the
    classes that are nearly right have the larger relative gradient, above 1 the hard ones.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        exponent: Exponent of each class's loss before the reduction, > 0; 1 is the Tversky loss.
        fn_weight: Price of one missed voxel, >= 0.
        fp_weight: Price of one false voxel, >= 0.
        focus: `loss` is `(1 - TI)^exponent`; `index` is `1 - TI^exponent`.
        reduction: `mean` or `sum` over the classes.
        background: Whether class 0 is one of them.
        eps: Smoothing in numerator and denominator, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`, times the number of classes with `sum`. What is raised is at least 1e-7, so a perfect
        overlap costs 6e-6 with the exponent 0.75.

    Raises:
        ValueError: The shapes disagree, or a parameter is outside its range.

    Source: Abraham and Khan 2018, https://arxiv.org/abs/1810.07842; by class and sample as in MIScnn.
    """
    positive(exponent=exponent, eps=eps)
    not_negative(fn_weight=fn_weight, fp_weight=fp_weight)
    one_of(("loss", "index"), focus=focus)
    one_of(("mean", "sum"), reduction=reduction)
    counts = soft_counts(logits, target, weight=weight, ignore=ignore)
    if not background:
        counts = counts.foreground
    index = (counts.tp + eps) / (counts.tp + fn_weight * counts.fn + fp_weight * counts.fp + eps)
    cost = (1 - index).clamp(LEAST, 1) ** exponent if focus == "loss" else 1 - index.clamp(LEAST, 1) ** exponent
    return (cost.mean(1) if reduction == "mean" else cost.sum(1)).mean()
