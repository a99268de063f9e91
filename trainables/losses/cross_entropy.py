"""Cross-entropy: the mean over voxels of `-log p` of the true class."""

from torch import Tensor

from trainables.losses.parts.voxels import read


def cross_entropy_loss(
    logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None
) -> Tensor:
    """Mean over all voxels of the batch of `-log softmax(logits)[target]`. With two classes it is binary cross-entropy.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar >= 0, in nats; log C where nothing is known. A patch without foreground counts like any other.

    Raises:
        ValueError: The shapes disagree.

    Source: the cross-entropy of Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597, without its weight map.
    """
    voxels = read(logits, target, weight=weight, ignore=ignore)
    return voxels.mean(voxels.negative_log_likelihood)
