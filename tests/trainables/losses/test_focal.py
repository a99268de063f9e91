"""Focal loss: values by hand, its identities, and MONAI."""

import math

import pytest
import torch
from monai.losses import FocalLoss

from tests.trainables.losses.examples import log_odds, with_empty_sample
from trainables.losses import binary_cross_entropy_loss, cross_entropy_loss, focal_loss
from trainables.losses.conformance import example


def test_focal() -> None:
    # Foreground 0.9 and 0.4 weigh 0.75, background (p of background 0.8) 0.25; gamma 2.
    expected = 0.75 * 0.1**2 * -math.log(0.9) + 0.25 * 0.2**2 * -math.log(0.8) + 0.75 * 0.6**2 * -math.log(0.4)
    loss = focal_loss(log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]]), alpha=0.75, gamma=2.0)
    assert loss.item() == pytest.approx(expected / 3, rel=1e-9)


def test_focal_without_focus_is_cross_entropy_and_with_half_half_of_it() -> None:
    logits, target = log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]])
    whole = cross_entropy_loss(logits, target).item()
    assert focal_loss(logits, target, gamma=0).item() == pytest.approx(whole, rel=1e-12)
    assert focal_loss(logits, target, gamma=0, alpha=0.5).item() == pytest.approx(whole / 2, rel=1e-12)


def test_focal_keeps_its_precision_where_a_voxel_is_nearly_right() -> None:
    # 1 - p = exp(-12): subtracting p from 1 in float32 would be 1 % off, squared 2 %.
    loss = focal_loss(torch.tensor([[[0.0], [12.0]]]), torch.tensor([[1]]))
    wrong = 1 / (1 + math.exp(12))
    assert loss.item() == pytest.approx(wrong**2 * -math.log1p(-wrong), rel=1e-4)


def test_focal_without_focus_and_with_half_is_half_of_binary_cross_entropy() -> None:
    logits, target = example(2)
    half = focal_loss(logits, target, alpha=0.5, gamma=0.0).item()
    assert half == pytest.approx(binary_cross_entropy_loss(logits, target).item() / 2, rel=1e-12)


def test_focal_with_alpha_one_deletes_the_background_and_with_none_does_not() -> None:
    background = torch.zeros(1, 4, dtype=torch.int64)
    assert focal_loss(torch.zeros(1, 2, 4), background, alpha=1.0, gamma=0.0) == 0
    assert focal_loss(torch.zeros(1, 2, 4), background, gamma=0.0).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("gamma", [0.0, 2.0, 3.5])
@pytest.mark.parametrize("alpha", [None, 0.25, 0.75])
def test_binary_focal_beside_monai(alpha: float | None, gamma: float) -> None:
    logits, target = with_empty_sample(2)
    foreground = (logits[:, 1] - logits[:, 0])[:, None]
    theirs = FocalLoss(gamma=gamma, alpha=alpha)(foreground, target[:, None])
    # MONAI casts to float32.
    assert focal_loss(logits, target, alpha=alpha, gamma=gamma).item() == pytest.approx(theirs.item(), rel=1e-5)


@pytest.mark.parametrize("alpha", [None, 0.75])
def test_focal_of_many_classes_beside_monai(alpha: float | None) -> None:
    logits, target = with_empty_sample(4)
    oracle = FocalLoss(gamma=2.0, alpha=alpha, use_softmax=True, to_onehot_y=True)
    theirs = 4 * oracle(logits, target[:, None])  # its mean runs over the classes too, of which one is not 0
    assert focal_loss(logits, target, alpha=alpha).item() == pytest.approx(theirs.item(), rel=1e-5)
