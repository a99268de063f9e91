"""Balanced cross-entropy: foreground and background voxels have fixed prices that sum to one."""

from torch import Tensor

from trainables.losses.focal import focal_loss


def balanced_loss(
    logits: Tensor,
    target: Tensor,
    *,
    alpha: float = 0.25,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over all voxels of the batch of `-a log p` of the true class: the focal loss without its focus.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        alpha: Price of a foreground voxel in `[0, 1]`; a background voxel has `1 - alpha`. Below one half it weighs the
            foreground down.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar >= 0. A patch without foreground counts like any other.

    Raises:
        ValueError: The shapes disagree, or `alpha` is outside `[0, 1]`.

    Source: alpha-balanced cross-entropy of Lin et al. 2017, https://arxiv.org/abs/1708.02002, section 3.1; the
    "balanced loss" of the chest-ct study, and with lambda for alpha the cost-sensitive cross-entropy.
    """
    return focal_loss(logits, target, alpha=alpha, gamma=0.0, weight=weight, ignore=ignore)
