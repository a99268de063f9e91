"""Asymmetric similarity: one minus the soft F-beta score of each foreground class, squared or linear."""

from torch import Tensor

from trainables.losses.parts.parameter_checks import positive
from trainables.losses.parts.soft_counts import soft_counts


def asl_sq_loss(
    logits: Tensor,
    target: Tensor,
    *,
    beta: float = 1.5,
    eps: float = 1e-7,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over batch and foreground classes of `1 - (1 + b²) TP / (b² sum g² + sum p² + eps)`, b is `beta`.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        beta: How much a missed voxel costs against a false one, > 0; 1 is `dice_sq`.
        eps: In the denominator only, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]` but for rounding. An absent class costs 1, with no gradient, whatever is predicted.

    Raises:
        ValueError: The shapes disagree, or a parameter is not positive.

    Source: the code of Shirokikh et al. 2020, https://arxiv.org/abs/2007.10033, after Hashemi et al. 2018,
    https://arxiv.org/abs/1803.11078.
    """
    positive(beta=beta, eps=eps)
    counts, square = soft_counts(logits, target, weight=weight, ignore=ignore).foreground, beta**2
    return 1 - ((1 + square) * counts.tp / (square * counts.reference + counts.squares + eps)).mean()


def asl_lin_loss(
    logits: Tensor,
    target: Tensor,
    *,
    beta: float = 1.5,
    eps: float = 1e-7,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over batch and foreground classes of `1 - (1 + b²) TP / ((1 + b²) TP + b² FN + FP + eps)`, b is `beta`.

    It is the Tversky loss with the prices `b² / (1 + b²)` of a missed and `1 / (1 + b²)` of a false voxel.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        beta: How much a missed voxel costs against a false one, > 0; 1.5 is Tversky with 0.692 and 0.308.
        eps: In the denominator only, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`. An absent class costs 1, with no gradient, whatever is predicted.

    Raises:
        ValueError: The shapes disagree, or a parameter is not positive.

    Source: Hashemi et al. 2018, https://arxiv.org/abs/1803.11078.
    """
    positive(beta=beta, eps=eps)
    counts, square = soft_counts(logits, target, weight=weight, ignore=ignore).foreground, beta**2
    hit = (1 + square) * counts.tp
    return 1 - (hit / (hit + square * counts.fn + counts.fp + eps)).mean()
