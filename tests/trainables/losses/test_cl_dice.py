"""clDice: the skeleton of a bar, gaps, and MONAI."""

import pytest
import torch
from monai.losses import SoftclDiceLoss

from tests.trainables.losses.examples import LOGITS, TARGET
from trainables.losses import cl_dice_loss, dice_lin_loss
from trainables.losses.cl_dice import soft_skeleton
from trainables.losses.conformance import example


@pytest.mark.parametrize("size", [(9, 8), (6, 7, 5)])
def test_cl_dice_is_monais(size: tuple[int, ...]) -> None:
    logits, target = example(2, size)
    oracle = SoftclDiceLoss(softmax=True, to_onehot_y=True, include_background=False, smooth=1e-12)
    theirs = oracle(logits, target[:, None]).item()
    assert cl_dice_loss(logits, target, share=1.0).item() == pytest.approx(theirs, rel=1e-9)
    assert cl_dice_loss(logits, target, share=0.0).item() == pytest.approx(dice_lin_loss(logits, target, eps=1).item())


def test_the_skeleton_of_a_bar_is_its_middle_line() -> None:
    bar = torch.zeros(1, 1, 7, 11)
    bar[0, 0, 2:5, 1:10] = 1
    found = soft_skeleton(bar, 3)[0, 0]
    assert found[3, 2:9].tolist() == [1] * 7
    assert found[2, 3:8].tolist() == found[4, 3:8].tolist() == [0] * 5


def test_cl_dice_minds_a_gap_more_than_dice_does() -> None:
    target = torch.zeros(1, 9, 30, dtype=torch.int64)
    target[0, 4, 2:28] = 1
    broken = target.clone()
    broken[0, 4, 14:17] = 0  # three voxels missing from the line
    logits = torch.stack([20.0 * (1 - 2 * broken), 20.0 * (2 * broken - 1)], 1)
    assert cl_dice_loss(logits, target, share=1.0) > 0.04
    assert cl_dice_loss(logits, target, share=1.0, weight=target + 0.0) > 0.04


def test_value_by_hand() -> None:
    # One dimension: the skeleton of (1, 0, 1) is itself; of (0.9, 0.2, 0.4) erosion leaves 0.2 everywhere, so the
    # skeleton is (0.7, 0, 0.2), all of it in the reference. Of the reference's skeleton 1.3 of 2 is predicted.
    inside, found, dice = 1.0, (1.3 + 1) / (2 + 1), (2.6 + 1) / (3.5 + 1)
    expected = 0.6 * (1 - dice) + 0.4 * (1 - 2 * inside * found / (inside + found))
    assert cl_dice_loss(LOGITS, TARGET, share=0.4).item() == pytest.approx(expected, rel=1e-9)
