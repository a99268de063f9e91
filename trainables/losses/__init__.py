"""The losses by name. Each takes logits `(N, C, *spatial)` and class indices `(N, *spatial)` and returns a scalar."""

from collections.abc import Callable

from torch import Tensor

from trainables.losses.asymmetric import asl_lin_loss, asl_sq_loss
from trainables.losses.balanced import balanced_loss
from trainables.losses.binary_cross_entropy import binary_cross_entropy_loss
from trainables.losses.cl_dice import cl_dice_loss
from trainables.losses.compound import dice_cross_entropy_loss, dice_focal_loss
from trainables.losses.cross_entropy import cross_entropy_loss
from trainables.losses.dice import dice_loss
from trainables.losses.dice_forms import dice_flat_s1_loss, dice_lin_loss, dice_sq_loss
from trainables.losses.facts import FACTS, Facts
from trainables.losses.focal import focal_loss
from trainables.losses.focal_tversky import focal_tversky_loss
from trainables.losses.generalised_dice import gdl_iw_loss, gdl_sudre_loss
from trainables.losses.hausdorff import hausdorff_loss
from trainables.losses.inverse_weights import inverse_weights
from trainables.losses.log_cosh import (
    log_cosh,
    log_cosh_dice_loss,
    log_cosh_focal_tversky_loss,
    log_cosh_weighted_dice_loss,
)
from trainables.losses.matthews import matthews_loss
from trainables.losses.top_k import top_k_cross_entropy_loss
from trainables.losses.tversky import tversky_loss
from trainables.losses.unified_focal import unified_focal_loss
from trainables.losses.wasserstein import wasserstein_dice_loss
from trainables.losses.weighted_cross_entropy import weighted_cross_entropy_loss
from trainables.losses.weighted_dice import weighted_dice_loss
from trainables.losses.weighted_integration import custom_loss

Loss = Callable[..., Tensor]
"""`(logits, target, *, parameters, weight, ignore) -> scalar`."""

LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy_loss,
    "bce": binary_cross_entropy_loss,
    "balanced": balanced_loss,
    "weighted_cross_entropy": weighted_cross_entropy_loss,
    "top_k_cross_entropy": top_k_cross_entropy_loss,
    "dice": dice_loss,
    "dice_sq": dice_sq_loss,
    "dice_lin": dice_lin_loss,
    "dice_flat_s1": dice_flat_s1_loss,
    "weighted_dice": weighted_dice_loss,
    "gdl_sudre": gdl_sudre_loss,
    "gdl_iw": gdl_iw_loss,
    "focal": focal_loss,
    "tversky": tversky_loss,
    "focal_tversky": focal_tversky_loss,
    "asl_sq": asl_sq_loss,
    "asl_lin": asl_lin_loss,
    "log_cosh_dice": log_cosh_dice_loss,
    "log_cosh_weighted_dice": log_cosh_weighted_dice_loss,
    "log_cosh_focal_tversky": log_cosh_focal_tversky_loss,
    "matthews": matthews_loss,
    "wasserstein_dice": wasserstein_dice_loss,
    "custom": custom_loss,
    "dice_cross_entropy": dice_cross_entropy_loss,
    "dice_focal": dice_focal_loss,
    "cl_dice": cl_dice_loss,
    "hausdorff": hausdorff_loss,
    "unified_focal": unified_focal_loss,
}

__all__ = [
    "FACTS",
    "LOSSES",
    "Facts",
    "Loss",
    "asl_lin_loss",
    "asl_sq_loss",
    "balanced_loss",
    "binary_cross_entropy_loss",
    "cl_dice_loss",
    "cross_entropy_loss",
    "custom_loss",
    "dice_cross_entropy_loss",
    "dice_flat_s1_loss",
    "dice_focal_loss",
    "dice_lin_loss",
    "dice_loss",
    "dice_sq_loss",
    "focal_loss",
    "focal_tversky_loss",
    "gdl_iw_loss",
    "gdl_sudre_loss",
    "hausdorff_loss",
    "inverse_weights",
    "log_cosh",
    "log_cosh_dice_loss",
    "log_cosh_focal_tversky_loss",
    "log_cosh_weighted_dice_loss",
    "matthews_loss",
    "top_k_cross_entropy_loss",
    "tversky_loss",
    "unified_focal_loss",
    "wasserstein_dice_loss",
    "weighted_cross_entropy_loss",
    "weighted_dice_loss",
]
