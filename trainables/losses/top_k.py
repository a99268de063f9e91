"""Top-k cross-entropy: the mean over the batch's hardest voxels alone."""

import torch
from torch import Tensor

from trainables.losses.parts.voxels import read


def top_k_cross_entropy_loss(
    logits: Tensor,
    target: Tensor,
    *,
    fraction: float = 0.1,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean of the largest `fraction` of the batch's voxel costs `-log p` of the true class.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        fraction: Share of the voxels that count, in `(0, 1]`, rounded down, at least one voxel; 1 is cross-entropy.
        weight: Factor >= 0 of each voxel's cost, before the hardest are chosen, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar >= 0, in nats. A patch without foreground counts like any other.

    Raises:
        ValueError: The shapes disagree, or `fraction` is outside `(0, 1]`.

    Source: Wu et al. 2016, https://arxiv.org/abs/1605.06885; a tenth as in nnU-Net's TopKLoss.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction: expected a number in (0, 1], found {fraction}")
    voxels = read(logits, target, weight=weight, ignore=ignore)
    cost = voxels.negative_log_likelihood
    if voxels.weight is not None:
        cost = cost * voxels.weight
    count = cost.numel() if voxels.kept is None else int(voxels.kept.sum())
    # An ignored voxel costs 0 and has no gradient, so it is chosen only among others that cost 0, and changes nothing.
    return torch.topk(cost.flatten(), max(1, int(fraction * count)), sorted=False).values.mean()
