"""Weighted Dice: the Dice of each class with a weight of its own."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from trainables.losses.parts.parameter_checks import positive
from trainables.losses.parts.soft_counts import soft_counts


def weighted_dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    ratio: float = 2.0,
    eps: float = 1e-5,
    weights: Sequence[float] | Mapping[int, float] | None = None,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over the batch of `1 - sum_c w_c D_c / sum_c w_c`, D_c as in `dice`, all classes.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        ratio: Weight of each class over that of the class before, > 0: 2 gives 1, 2, 4, …; 1 is `dice`.
        eps: Smoothing in numerator and denominator, in voxels, > 0.
        weights: One weight >= 0 for each class, as a sequence or by class index, instead of `ratio`; only their
            proportions matter.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`. An absent class adds about `w_c / sum w` where it is predicted at all.

    Raises:
        ValueError: The shapes disagree, a number is outside its range, or the weights are not one for each class.

    Source: eq. 13 of the kits19 study, which does not publish its weights.
    """
    positive(eps=eps, ratio=ratio)
    counts = soft_counts(logits, target, weight=weight, ignore=ignore)
    prices = counts.tp.new_tensor(_weights(logits.shape[1], ratio, weights))
    dice = (2 * counts.tp + eps) / (counts.predicted + counts.reference + eps)
    return 1 - (prices * dice).sum(1).mean() / prices.sum()


def _weights(classes: int, ratio: float, weights: Sequence[float] | Mapping[int, float] | None) -> list[float]:
    if weights is None:
        return [ratio**c for c in range(classes)]
    given = dict(weights) if isinstance(weights, Mapping) else dict(enumerate(weights))
    if set(given) != set(range(classes)):
        raise ValueError(f"weights: expected one for each class from 0 to {classes - 1}, found {sorted(given)}")
    if not (all(number >= 0 for number in given.values()) and sum(given.values()) > 0):
        raise ValueError(f"weights: expected numbers >= 0, not all 0, found {given}")
    return [float(given[c]) for c in range(classes)]
