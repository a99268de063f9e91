"""Focal Tversky: values by hand, its slopes, and MONAI."""

import math

import pytest
import torch
from monai.losses import TverskyLoss

from tests.trainables.losses.examples import LOGITS, TARGET, gradient, two, with_empty_sample
from trainables.losses import LOSSES, focal_tversky_loss, tversky_loss
from trainables.losses.conformance import example


def test_value_by_hand() -> None:
    # TP = 1.3, FP = 0.2, FN = 0.7, TN = 0.8; sum p² = 1.01, of the background 1.
    expected = ((1 - 1.3 / 1.85) ** 0.75 + (1 - 0.8 / (0.8 + 0.7 * 0.2 + 0.3 * 0.7)) ** 0.75) / 2
    assert LOSSES["focal_tversky"](LOGITS, TARGET).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("focus", ["loss", "index"])
def test_focal_tversky_with_exponent_one_is_tversky(focus: str) -> None:
    logits, target = example(3)
    value = focal_tversky_loss(logits, target, exponent=1.0, background=False, focus=focus).item()
    assert value == pytest.approx(tversky_loss(logits, target).item(), rel=1e-12)


def test_focal_tversky_at_a_perfect_overlap_has_no_infinite_slope() -> None:
    target = torch.tensor([[0, 1, 1, 0]])
    for size in (8.0, 20.0, 60.0, 200.0):
        for exponent in (0.5, 0.75, 5.0):
            logits = size * (2 * target - 1.0)
            value, slope = gradient("focal_tversky", two(*logits[0].tolist()), target, exponent=exponent)
            assert math.isfinite(value)
            assert torch.isfinite(slope).all()
    assert focal_tversky_loss(two(-200, 200, 200, -200), target).item() == pytest.approx(1e-7**0.75)


def test_focal_tversky_with_exponent_five_fades_near_the_goal() -> None:
    target = torch.tensor([[0, 1, 1, 0]])
    steep, flat = (
        gradient("focal_tversky", two(-4.0, 4.0, 4.0, -4.0), target, exponent=e)[1].abs().sum() for e in (0.75, 5.0)
    )
    assert flat < 1e-5 * steep


@pytest.mark.parametrize("exponent", [0.75, 5.0])
def test_focal_tversky_beside_monai(exponent: float) -> None:
    logits, target = with_empty_sample(3)
    oracle = TverskyLoss(
        softmax=True, to_onehot_y=True, alpha=0.3, beta=0.7, smooth_nr=1e-6, smooth_dr=1e-6, reduction="none"
    )
    theirs = oracle(logits, target[:, None]).pow(exponent).mean()
    assert focal_tversky_loss(logits, target, exponent=exponent).item() == pytest.approx(theirs.item(), rel=1e-9)


def test_the_sum_over_classes_as_kits19_prints_it() -> None:
    # Foreground index 1.3 / 1.85; background 0.8 / (0.8 + 0.7 * 0.2 + 0.3 * 0.7).
    costs = [(1 - 1.3 / 1.85) ** 0.75, (1 - 0.8 / (0.8 + 0.7 * 0.2 + 0.3 * 0.7)) ** 0.75]
    assert LOSSES["focal_tversky"](LOGITS, TARGET, reduction="sum").item() == pytest.approx(sum(costs), abs=1e-5)
    curved = LOSSES["log_cosh_focal_tversky"](LOGITS, TARGET, reduction="sum").item()
    assert curved == pytest.approx(math.log(math.cosh(sum(costs))), abs=1e-5)
