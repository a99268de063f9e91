"""Binary cross-entropy: each foreground class against the rest."""

import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from trainables.losses.parts.voxels import read


def binary_cross_entropy_loss(
    logits: Tensor, target: Tensor, *, weight: Tensor | None = None, ignore: Tensor | None = None
) -> Tensor:
    """Mean over voxels and foreground classes of `-(g log p + (1 - g) log(1 - p))`, p the softmax probability.

    With two classes p is `sigmoid(z1 - z0)`, and it is cross-entropy. With more, a voxel pays for each foreground class
    by itself.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar >= 0, in nats; log 2 where p is one half. A patch without foreground counts like any other.

    Raises:
        ValueError: The shapes disagree.

    Source: the cross-entropy of each class against the rest; with two classes that of Ronneberger et al. 2015.
    """
    voxels = read(logits, target, weight=weight, ignore=ignore)
    odds, truth = voxels.log_odds, voxels.one_hot[:, 1:].to(voxels.logits.dtype)
    return voxels.mean((F.softplus(odds) - truth * odds).mean(1))
