"""The chest-ct study's custom loss: value by hand and beside MONAI."""

import math

import pytest
import torch
from monai.losses import DiceFocalLoss

from tests.trainables.losses.examples import LOGITS, TARGET
from trainables.losses import custom_loss, dice_lin_loss, focal_loss
from trainables.losses.conformance import example


@pytest.mark.parametrize("delta", [0.1, 0.7])
@pytest.mark.parametrize("swap", [False, True])
def test_custom_is_monais_dice_focal(delta: float, swap: bool) -> None:
    logits, target = example(2)
    first, second = (1 - delta, delta) if swap else (delta, 1 - delta)
    oracle = DiceFocalLoss(sigmoid=True, gamma=4.0, alpha=0.25, lambda_focal=first, lambda_dice=second)
    theirs = oracle((logits[:, 1] - logits[:, 0])[:, None], target[:, None])
    assert custom_loss(logits, target, delta=delta, swap=swap).item() == pytest.approx(theirs.item(), rel=1e-5)


def test_custom_for_each_positive_counts_only_voxels_that_are_not_ignored() -> None:
    logits, target = example(2)
    ignore = torch.zeros(target.shape, dtype=torch.bool)
    ignore[:, :2] = True
    maps = {"alpha": 0.25, "gamma": 4.0, "ignore": ignore}
    positives = int((target[:, 2:] > 0).sum())
    expected = focal_loss(logits, target, **maps).item() * int((~ignore).sum()) / positives
    value = custom_loss(logits, target, delta=1.0, focal_reduction="positives", ignore=ignore).item()
    assert value == pytest.approx(expected, rel=1e-12)
    assert custom_loss(logits, target, delta=0.0).item() == pytest.approx(dice_lin_loss(logits, target).item())


def test_value_by_hand() -> None:
    focal = -(0.25 * 0.1**4 * math.log(0.9) + 0.75 * 0.2**4 * math.log(0.8) + 0.25 * 0.6**4 * math.log(0.4)) / 3
    assert custom_loss(LOGITS, TARGET).item() == pytest.approx(0.7 * focal + 0.3 * (1 - 2.6 / 3.5), abs=1e-5)
