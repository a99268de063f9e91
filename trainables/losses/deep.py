"""Deep supervision: any loss of the outputs that a network gives at several depths."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Loss = Callable[..., Tensor]


def over_depths(loss: Loss) -> Loss:
    """A loss that also takes logits `(N, K, C, *spatial)` of K depths, finest first.

    Each depth has half the weight of the one above it, and the weights sum to 1: 8/15, 4/15, 2/15 and 1/15 for four.
    Logits `(N, C, *spatial)` go to the loss as they are.

    Args:
        loss: `(logits, target (N, *spatial), *, parameters, weight, ignore) -> scalar`.

    Source: Isensee et al. 2021, https://doi.org/10.1038/s41592-020-01008-z, with every depth enlarged to the
    reference's size, as `monai.networks.nets.DynUNet` gives them.
    """

    def of_all(logits: Tensor, target: Tensor, **others: Any) -> Tensor:
        if logits.ndim != target.ndim + 2:
            return loss(logits, target, **others)
        depths = logits.unbind(1)
        shares = [0.5**depth for depth in range(len(depths))]
        values = [loss(one, target, **others) for one in depths]
        return torch.stack([share / sum(shares) * one for share, one in zip(shares, values, strict=True)]).sum()

    return of_all
