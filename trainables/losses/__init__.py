"""The losses by name. Each takes logits `(N, C, *spatial)` and class indices `(N, *spatial)` and returns a scalar."""

from collections.abc import Callable

from torch import Tensor

from trainables.losses.cross_entropy import cross_entropy_loss
from trainables.losses.dice import dice_loss
from trainables.losses.facts import FACTS, Facts
from trainables.losses.focal import focal_loss
from trainables.losses.tversky import tversky_loss

Loss = Callable[..., Tensor]
"""`(logits, target, *, parameters, weight, ignore) -> scalar`."""

LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy_loss,
    "dice": dice_loss,
    "focal": focal_loss,
    "tversky": tversky_loss,
}

__all__ = ["FACTS", "LOSSES", "Facts", "Loss", "cross_entropy_loss", "dice_loss", "focal_loss", "tversky_loss"]
