"""The losses by name. Each takes logits `(N, C, *spatial)` and class indices `(N, *spatial)` and returns a scalar."""

from collections.abc import Callable

from torch import Tensor

from trainables.losses.balanced import balanced_loss
from trainables.losses.binary_cross_entropy import binary_cross_entropy_loss
from trainables.losses.cross_entropy import cross_entropy_loss
from trainables.losses.dice import dice_loss
from trainables.losses.facts import FACTS, Facts
from trainables.losses.focal import focal_loss
from trainables.losses.inverse_weights import inverse_weights
from trainables.losses.top_k import top_k_cross_entropy_loss
from trainables.losses.tversky import tversky_loss
from trainables.losses.weighted_cross_entropy import weighted_cross_entropy_loss

Loss = Callable[..., Tensor]
"""`(logits, target, *, parameters, weight, ignore) -> scalar`."""

LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy_loss,
    "bce": binary_cross_entropy_loss,
    "balanced": balanced_loss,
    "weighted_cross_entropy": weighted_cross_entropy_loss,
    "top_k_cross_entropy": top_k_cross_entropy_loss,
    "dice": dice_loss,
    "focal": focal_loss,
    "tversky": tversky_loss,
}

__all__ = [
    "FACTS",
    "LOSSES",
    "Facts",
    "Loss",
    "balanced_loss",
    "binary_cross_entropy_loss",
    "cross_entropy_loss",
    "dice_loss",
    "focal_loss",
    "inverse_weights",
    "top_k_cross_entropy_loss",
    "tversky_loss",
    "weighted_cross_entropy_loss",
]
