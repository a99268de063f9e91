"""Sums of Dice with cross-entropy or focal loss: values by hand and beside MONAI."""

import math

import pytest
from monai.losses import DiceCELoss

from tests.trainables.losses.examples import LOGITS, TARGET
from trainables.losses import dice_cross_entropy_loss, dice_focal_loss
from trainables.losses.conformance import example


def test_dice_cross_entropy_is_monais() -> None:
    logits, target = example(3)
    theirs = DiceCELoss(softmax=True, to_onehot_y=True, lambda_dice=0.5, lambda_ce=2.0)(logits, target[:, None])
    ours = dice_cross_entropy_loss(logits, target, dice_weight=0.5, cross_entropy_weight=2.0)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-6)


def test_dice_focal_without_focus_is_dice_cross_entropy() -> None:
    logits, target = example(3)
    ours = dice_focal_loss(logits, target, gamma=0.0, dice_weight=0.3, focal_weight=0.8).item()
    other = dice_cross_entropy_loss(logits, target, dice_weight=0.3, cross_entropy_weight=0.8).item()
    assert ours == pytest.approx(other, rel=1e-12)


def test_values_by_hand() -> None:
    dice = 1 - (1.6 / 2.5 + 2.6 / 3.5) / 2
    entropy = -(math.log(0.9) + math.log(0.8) + math.log(0.4)) / 3
    focal = -(0.1**2 * math.log(0.9) + 0.2**2 * math.log(0.8) + 0.6**2 * math.log(0.4)) / 3
    found = dice_cross_entropy_loss(LOGITS, TARGET, dice_weight=2.0, cross_entropy_weight=0.3)
    assert found.item() == pytest.approx(2 * dice + 0.3 * entropy, abs=1e-5)
    found = dice_focal_loss(LOGITS, TARGET, dice_weight=2.0, focal_weight=0.3)
    assert found.item() == pytest.approx(2 * dice + 0.3 * focal, abs=1e-5)
