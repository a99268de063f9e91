"""Losses made of two beside MONAI's, and what their parts are."""

import pytest
import torch
from monai.losses import DiceCELoss, DiceFocalLoss, SoftclDiceLoss
from monai.losses.unified_focal_loss import AsymmetricFocalLoss, AsymmetricFocalTverskyLoss

from trainables.losses import (
    cl_dice_loss,
    cross_entropy_loss,
    custom_loss,
    dice_cross_entropy_loss,
    dice_focal_loss,
    dice_lin_loss,
    focal_loss,
    unified_focal_loss,
)
from trainables.losses.cl_dice import soft_skeleton
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


def test_unified_focal_is_made_of_monais_parts() -> None:
    logits, target = example(2)
    p = torch.softmax(logits, 1)
    focal = AsymmetricFocalLoss(to_onehot_y=True, delta=0.6, gamma=0.5)(p, target[:, None])
    tversky = AsymmetricFocalTverskyLoss(to_onehot_y=True, delta=0.6, gamma=0.5)(p, target[:, None])
    expected = 0.3 * 2 * focal + 0.7 * tversky  # its focal mean runs over the classes too, of which one is 0
    assert unified_focal_loss(logits, target, share=0.3).item() == pytest.approx(expected.item(), rel=1e-5)


def test_unified_focal_without_focus_at_equal_prices_is_half_of_cross_entropy() -> None:
    logits, target = example(3)
    value = unified_focal_loss(logits, target, share=1.0, delta=0.5, gamma=0.0).item()
    assert value == pytest.approx(cross_entropy_loss(logits, target).item() / 2, rel=1e-12)
