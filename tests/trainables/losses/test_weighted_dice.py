"""Weighted Dice: values by hand, proportions of weights, and MONAI."""

import pytest
import torch
from monai.losses import DiceLoss

from tests.trainables.losses.examples import LOGITS, TARGET, with_empty_sample
from trainables.losses import LOSSES, dice_loss, weighted_dice_loss
from trainables.losses.conformance import example


def test_value_by_hand() -> None:
    # TP = 1.3, FP = 0.2, FN = 0.7, TN = 0.8; sum p² = 1.01, of the background 1.
    expected = 1 - (1 * (1.6 / 2.5) + 2 * (2.6 / 3.5)) / 3
    assert LOSSES["weighted_dice"](LOGITS, TARGET).item() == pytest.approx(expected, abs=1e-5)


def test_weighted_dice_with_equal_weights_is_dice_and_only_proportions_matter() -> None:
    logits, target = example(3)
    plain = dice_loss(logits, target).item()
    assert weighted_dice_loss(logits, target, ratio=1.0).item() == pytest.approx(plain, rel=1e-12)
    assert weighted_dice_loss(logits, target, weights=[5, 5, 5]).item() == pytest.approx(plain, rel=1e-12)
    ours = weighted_dice_loss(logits, target).item()  # 1:2:4
    assert weighted_dice_loss(logits, target, weights={2: 2, 0: 0.5, 1: 1}).item() == pytest.approx(ours, rel=1e-12)
    assert ours != pytest.approx(plain, rel=1e-3)


def test_an_absent_class_adds_its_share() -> None:
    p = torch.tensor([0.998, 0.001, 0.001], dtype=torch.float64)
    logits = torch.log(p).view(1, 3, 1).repeat(1, 1, 1000)
    target = torch.zeros(1, 1000, dtype=torch.int64)
    target[0, :500] = 1
    logits[0, :, :500] = torch.log(p[[1, 0, 2]])[:, None]
    assert dice_loss(logits, target).item() == pytest.approx(1 / 3, abs=2e-3)
    assert weighted_dice_loss(logits, target).item() == pytest.approx(4 / 7, abs=2e-3)


@pytest.mark.parametrize("weights", [(1.0, 2.0, 4.0), (0.3, 0.2, 7.0)])
def test_weighted_dice_beside_monai(weights: tuple[float, ...]) -> None:
    logits, target = with_empty_sample(3)
    w = torch.tensor(weights, dtype=torch.float64)
    theirs = DiceLoss(softmax=True, to_onehot_y=True, weight=w * 3 / w.sum())(logits, target[:, None])
    assert weighted_dice_loss(logits, target, weights=weights).item() == pytest.approx(theirs.item(), rel=1e-9)
