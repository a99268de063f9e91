"""Dice loss: one minus the soft Dice of each class, background included."""

from torch import Tensor

from trainables.losses.parts.parameter_checks import positive
from trainables.losses.parts.soft_counts import soft_counts


def dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    eps: float = 1e-5,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over batch and all C classes of `1 - (2 TP + eps) / (sum p + sum g + eps)`.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        eps: Smoothing in numerator and denominator, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`; 0 is a perfect overlap. A class that is absent costs about 1 however little of it is
        predicted, and its gradient is next to nothing: patches without a small class add a constant of about 1 / C.

    Raises:
        ValueError: The shapes disagree, or `eps` is not positive.

    Source: `dice_soft_loss` of MIScnn, Müller and Kramer 2021, https://arxiv.org/abs/1910.09308.
    """
    positive(eps=eps)  # without it an absent class would be 0 / 0
    counts = soft_counts(logits, target, weight=weight, ignore=ignore)
    return 1 - ((2 * counts.tp + eps) / (counts.predicted + counts.reference + eps)).mean()
