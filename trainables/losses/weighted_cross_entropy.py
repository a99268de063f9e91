"""Weighted cross-entropy whose weight adapts: the rarer foreground is predicted, the more a foreground voxel costs."""

import math

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from trainables.losses.parts.voxels import Voxels, read


def weighted_cross_entropy_loss(
    logits: Tensor,
    target: Tensor,
    *,
    detach: bool = False,
    max_weight: float = 1e12,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over voxels and foreground classes of `-(r g log p + (1 - g) log(1 - p))`, `r = sum(1 - p) / sum p`.

    The sums of r run over all voxels of the batch, of the predictions and not of the reference.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        detach: Whether r is a constant to the gradient. The source's is not: raising p also lowers r.
        max_weight: Where r stops, > 0: it is 148 when all log-odds are -5 and 4.9e8 when they are -20. No gradient
            flows through an r that stands there.
        weight: Factor >= 0 of each voxel's cost, `(N, *spatial)`; None is all ones. It does not enter r.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar >= 0. A patch without foreground counts like any other, as background.

    Raises:
        ValueError: The shapes disagree, or `max_weight` is not positive.

    Source: deep_pipe's weighted cross-entropy, of Shirokikh et al. 2020, https://arxiv.org/abs/2007.10033, after Sudre
    et al. 2017, https://arxiv.org/abs/1707.03237.
    """
    if not max_weight > 0:
        raise ValueError(f"max_weight: expected a positive number, found {max_weight}")
    voxels = read(logits, target, weight=weight, ignore=ignore)
    odds, truth = voxels.log_odds, voxels.one_hot[:, 1:].to(voxels.logits.dtype)
    ratio = torch.exp((_log_sum(voxels, -odds) - _log_sum(voxels, odds)).clamp(max=math.log(max_weight)))
    if detach:
        ratio = ratio.detach()
    return voxels.mean((ratio * truth * F.softplus(-odds) + (1 - truth) * F.softplus(odds)).mean(1))


def _log_sum(voxels: Voxels, odds: Tensor) -> Tensor:
    """Log of the sum of `sigmoid(odds)` over the batch, `(1, C - 1, 1, …)`: finite where the sum itself is 0."""
    logs = F.logsigmoid(odds)
    if voxels.kept is not None:
        logs = torch.where(voxels.kept[:, None], logs, torch.finfo(logs.dtype).min / 2)
    return torch.logsumexp(logs, dim=(0, *range(2, logs.ndim)), keepdim=True)
