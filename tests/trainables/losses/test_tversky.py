"""Tversky loss: values by hand, its identities, and MONAI."""

import pytest
import torch
from monai.losses import TverskyLoss

from tests.trainables.losses.examples import EVEN, TRUTH, log_odds, with_empty_sample
from trainables.losses import dice_lin_loss, tversky_loss
from trainables.losses.conformance import example


def test_tversky() -> None:
    # Class 1: TP = 1.5, FP = 0.5, FN = 1.5, so the index is 1.5 / (1.5 + 0.7 * 1.5 + 0.3 * 0.5) = 5/9.
    assert tversky_loss(EVEN, TRUTH).item() == pytest.approx(4 / 9, abs=1e-5)


def test_tversky_ignores_background_and_an_absent_class_costs_nothing_unless_predicted() -> None:
    scores = torch.full((1, 3, 4), -60.0)
    scores[0, 0] = 60.0
    assert tversky_loss(scores, torch.zeros(1, 4, dtype=torch.int64)).item() == pytest.approx(0, abs=1e-6)
    scores[0, 1, 0] = 120.0  # one voxel of class 1, which is absent: that class costs 1, class 2 nothing
    assert tversky_loss(scores, torch.zeros(1, 4, dtype=torch.int64)).item() == pytest.approx(1 / 2, abs=1e-4)


def test_tversky_with_equal_prices_is_foreground_dice() -> None:
    logits, target = log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]])
    loss = tversky_loss(logits, target, fn_weight=0.5, fp_weight=0.5, eps=1e-12)
    assert loss.item() == pytest.approx(1 - 2 * 1.3 / (1.5 + 2), rel=1e-9)


def test_tversky_at_one_half_is_linear_dice() -> None:
    logits, target = example(3)
    half = tversky_loss(logits, target, fn_weight=0.5, fp_weight=0.5, eps=1e-9).item()
    assert half == pytest.approx(dice_lin_loss(logits, target, eps=1e-9).item(), rel=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("fn_weight", "fp_weight"), [(0.7, 0.3), (0.2, 1.1)])
def test_tversky_beside_monai(classes: int, fn_weight: float, fp_weight: float) -> None:
    logits, target = with_empty_sample(classes)
    oracle = TverskyLoss(
        softmax=True,
        to_onehot_y=True,
        include_background=False,
        alpha=fp_weight,
        beta=fn_weight,
        smooth_nr=1e-6,
        smooth_dr=1e-6,
    )
    ours = tversky_loss(logits, target, fn_weight=fn_weight, fp_weight=fp_weight)
    assert ours.item() == pytest.approx(oracle(logits, target[:, None]).item(), rel=1e-9)


def test_miscnns_tversky_is_the_sum_over_all_classes() -> None:
    logits, target = with_empty_sample(3)
    oracle = TverskyLoss(
        softmax=True, to_onehot_y=True, alpha=0.5, beta=0.5, smooth_nr=1e-6, smooth_dr=1e-6, reduction="none"
    )
    theirs = oracle(logits, target[:, None]).flatten(1).sum(1).mean()
    ours = tversky_loss(logits, target, fn_weight=0.5, fp_weight=0.5, background=True, reduction="sum")
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)
