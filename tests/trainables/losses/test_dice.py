"""Dice loss: values by hand, the absent class, and MONAI."""

import pytest
import torch
from monai.losses import DiceLoss

from tests.trainables.losses.examples import EVEN, TRUTH, with_empty_sample
from trainables.losses import dice_loss
from trainables.losses.conformance import example


def test_dice() -> None:
    # Foreground: TP = 1.5, sum p = 2, sum g = 3, Dice = 3/5. Background: TP = 0.5, sum p = 2, sum g = 1, Dice = 1/3.
    assert dice_loss(EVEN, TRUTH).item() == pytest.approx(1 - (3 / 5 + 1 / 3) / 2, abs=1e-5)


def test_dice_counts_an_absent_class_in_full() -> None:
    # Two voxels, background and class 1; class 2 is absent and predicted with 1e-3 in the first voxel alone.
    # Dice: 2 * 0.999 / 1.999 and 1 and 1e-5 / (1e-3 + 1e-5).
    p = torch.tensor([[0.999, 0.0], [0.0, 1.0], [0.001, 0.0]], dtype=torch.float64)
    loss = dice_loss(torch.log(p.clamp(min=1e-300))[None], torch.tensor([[0, 1]]))
    assert loss.item() == pytest.approx(1 - (1.998 / 1.999 + 1 + 1 / 101) / 3, abs=1e-6)


def test_mean_of_foreground_and_background_dice_is_dice_of_two_classes() -> None:
    # Sudre's DL2, eq. 8 of kits19: no factor 2, so eps weighs double.
    logits, target = example(2)
    p, g = torch.softmax(logits, 1)[:, 1], (target == 1).double()
    ratios = [((a * b).sum((1, 2, 3)) + 1e-5) / ((a + b).sum((1, 2, 3)) + 1e-5) for a, b in ((p, g), (1 - p, 1 - g))]
    assert dice_loss(logits, target).item() == pytest.approx((1 - sum(ratios)).mean().item(), abs=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_dice_beside_monai(classes: int) -> None:
    logits, target = with_empty_sample(classes)
    theirs = DiceLoss(softmax=True, to_onehot_y=True)(logits, target[:, None])
    assert dice_loss(logits, target).item() == pytest.approx(theirs.item(), rel=1e-9)
