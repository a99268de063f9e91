"""Cross-entropy: the mean over voxels of `-log p` of the true class."""

from torch import Tensor

from trainables.losses.counts import negative_log_likelihood


def cross_entropy_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Mean over all voxels of the batch of `-log softmax(logits)[target]`. With two classes it is binary cross-entropy.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.

    Returns:
        Scalar >= 0, in nats; log C where nothing is known. A patch without foreground counts like any other.

    Raises:
        ValueError: The shapes disagree.

    Source: the cross-entropy of Ronneberger et al. 2015, https://arxiv.org/abs/1505.04597, without its weight map.
    """
    return negative_log_likelihood(logits, target).mean()
