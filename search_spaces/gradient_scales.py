"""Gradient scales of the losses: where plain gradient descent (`sgd`) looks for its learning rate.

Adam divides a gradient by its own size, so one range fits all losses. A step of sgd is rate times gradient, and
first-batch gradients of the losses differ 300-fold: one range for all would leave some losses outside of it. The range
of a loss is that of cross-entropy divided by the loss's scale: the norm of the network's first gradient over that of
cross-entropy, measured by `benchmarks/gradient_norms.py` (six untrained networks, two seeds) and rounded to half a
decade. A loss keeps two decades, more than the spread of its scale over networks.
"""

import math
from collections.abc import Mapping

from search_spaces.defaults import LOSSES, SGD_LEARNING_RATE, Default
from search_spaces.grammar import Choice, Fixed, Parameter, Range

GRADIENT_SCALES: dict[str, tuple[float, str]] = {
    "cross_entropy": (1.0, "by definition"),
    "bce": (0.3, "0.39 (0.23 to 0.61): a mean over classes too"),
    "balanced": (1.0, "0.64 (0.50 to 0.93)"),
    "weighted_cross_entropy": (1.0, "0.74 (0.35 to 2.1): the weight moves with the predictions"),
    "top_k_cross_entropy": (3.0, "3.4 (1.8 to 6.1): only the hardest tenth is averaged"),
    "dice": (0.3, "0.21 (0.13 to 0.26)"),
    "dice_sq": (0.3, "0.41 (0.22 to 0.67)"),
    "dice_lin": (0.3, "0.24 (0.13 to 0.37)"),
    "dice_flat_s1": (0.3, "0.24 (0.13 to 0.37)"),
    "weighted_dice": (0.3, "0.17 (0.09 to 0.24)"),
    "gdl_sudre": (0.1, "0.10 (0.04 to 0.27)"),
    "gdl_iw": (0.3, "0.24 (0.09 to 0.70)"),
    "focal": (1.0, "1.0 (0.90 to 1.1)"),
    "tversky": (0.3, "0.28 (0.16 to 0.42)"),
    "focal_tversky": (0.3, "0.19 (0.11 to 0.24)"),
    "asl_sq": (0.3, "0.40 (0.21 to 0.59)"),
    "asl_lin": (0.3, "0.28 (0.16 to 0.42)"),
    "log_cosh_dice": (0.1, "0.14 (0.09 to 0.17): dice times tanh of it"),
    "log_cosh_weighted_dice": (0.1, "0.12 (0.06 to 0.16)"),
    "log_cosh_focal_tversky": (0.1, "0.13 (0.08 to 0.16)"),
    "matthews": (0.3, "0.34 (0.20 to 0.48)"),
    "wasserstein_dice": (0.3, "0.31 (0.17 to 0.39)"),
    "custom": (0.3, "0.43 (0.27 to 0.57)"),
    "dice_cross_entropy": (1.0, "1.2 (1.1 to 1.3)"),
    "dice_focal": (1.0, "1.2 (1.0 to 1.3)"),
    "cl_dice": (0.3, "0.35 (0.18 to 1.0)"),
    "hausdorff": (30.0, "28 (7.8 to 170): squared distances in voxels"),
    "unified_focal": (0.3, "0.32 (0.26 to 0.35)"),
}
"""Loss → its scale at its defaults, and what was measured: geometric mean (least to greatest)."""

INVERSE = (3.0, "4.1 (2.0 to 7.3) with cross-entropy: weights of lesions are above 1")
"""Factor of a scale under `weighting: inverse`."""


def gradient_scale(loss: str, parameters: Mapping[str, Parameter], weighting: str = "none") -> float:
    """Return the gradient scale of a loss of a study.

    Args:
        loss: Its name: one of ours, or of a sum of them; 1 for the user's own.
        parameters: Its parameters by dotted name; a sum's parts have a `factor` each.
        weighting: `none` or `inverse`.
    """
    own = 1.0 if weighting == "none" else INVERSE[0]
    if loss in GRADIENT_SCALES:
        return own * GRADIENT_SCALES[loss][0]
    parts = {name.partition(".")[0] for name in parameters if "." in name} & set(LOSSES)
    squares = [(_middle(parameters.get(f"{part}.factor")) * GRADIENT_SCALES[part][0]) ** 2 for part in parts]
    return own * (math.sqrt(sum(squares)) or 1.0)


def sgd_learning_rate(scale: float) -> Default:
    """Return the learning rate of sgd, and where a search looks for it, for a loss of this gradient scale."""
    usual = SGD_LEARNING_RATE
    assert isinstance(usual.search, Range)
    assert isinstance(usual.value, float)
    low, high, value = (_rounded(number / scale) for number in (usual.search.low, usual.search.high, usual.value))
    return Default(value, Range(low, high, log=True), f"{usual.reason}: {scale:g}", above=0)


def _middle(factor: Parameter | None) -> float:
    if isinstance(factor, Range):
        return math.sqrt(factor.low * factor.high) if factor.log else (factor.low + factor.high) / 2
    value = factor.values[0] if isinstance(factor, Choice) else factor.value if isinstance(factor, Fixed) else 1.0
    return float(value) if isinstance(value, int | float) else 1.0


def _rounded(number: float) -> float:
    """Two digits, so that 0.001 / 0.3 is 0.0033."""
    return float(f"{number:.2g}")
