"""Values worked by hand, lopsided on purpose: swapped prices or classes give another number."""

import math

import pytest
import torch

from trainables.losses import cross_entropy_loss, dice_loss, focal_loss, tversky_loss
from trainables.losses.parts.soft_counts import soft_counts

EVEN = torch.zeros(1, 2, 4, dtype=torch.float64)  # 50/50 everywhere
TRUTH = torch.tensor([[1, 1, 1, 0]])


def log_odds(*foreground: float) -> torch.Tensor:
    """Two-class logits of one sample whose foreground probabilities these are."""
    p = torch.tensor(foreground, dtype=torch.float64)
    return torch.stack([torch.log(1 - p), torch.log(p)])[None]


def test_counts() -> None:
    # p = (0.9, 0.2, 0.4) against (1, 0, 1): TP = 0.9 + 0.4, FP = 0.2, FN = 0.1 + 0.6.
    counts = soft_counts(log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]]))
    assert counts.tp[0, 1].item() == pytest.approx(1.3)
    assert counts.fp[0, 1].item() == pytest.approx(0.2)
    assert counts.fn[0, 1].item() == pytest.approx(0.7)
    assert counts.tp[0, 0].item() == pytest.approx(0.8)
    assert counts.reference.tolist() == [[1, 2]]


def test_weights_of_voxels_weigh_all_sums() -> None:
    # The second voxel counts three times, the third not at all: TP = 0.9, FP = 3 * 0.2, FN = 0.1.
    weight = torch.tensor([[1.0, 3.0, 0.0]])
    counts = soft_counts(log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]]), weight=weight)
    assert [value[0, 1].item() for value in (counts.tp, counts.fp, counts.fn)] == pytest.approx([0.9, 0.6, 0.1])
    assert counts.reference.tolist() == [[3, 1]]


def test_weights_of_one_change_nothing() -> None:
    logits, target = log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]])
    plain, weighted = soft_counts(logits, target), soft_counts(logits, target, weight=torch.ones(1, 3))
    assert torch.equal(plain.tp, weighted.tp)
    assert torch.equal(plain.predicted, weighted.predicted)
    assert torch.equal(plain.reference, weighted.reference)


def test_cross_entropy() -> None:
    # -log of 0.9, 0.8 (background) and 0.4.
    expected = -(math.log(0.9) + math.log(0.8) + math.log(0.4)) / 3
    loss = cross_entropy_loss(log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]]))
    assert loss.item() == pytest.approx(expected, rel=1e-9)


def test_dice() -> None:
    # Foreground: TP = 1.5, sum p = 2, sum g = 3, Dice = 3/5. Background: TP = 0.5, sum p = 2, sum g = 1, Dice = 1/3.
    assert dice_loss(EVEN, TRUTH).item() == pytest.approx(1 - (3 / 5 + 1 / 3) / 2, abs=1e-5)


def test_dice_counts_an_absent_class_in_full() -> None:
    # Two voxels, background and class 1; class 2 is absent and predicted with 1e-3 in the first voxel alone.
    # Dice: 2 * 0.999 / 1.999 and 1 and 1e-5 / (1e-3 + 1e-5).
    p = torch.tensor([[0.999, 0.0], [0.0, 1.0], [0.001, 0.0]], dtype=torch.float64)
    loss = dice_loss(torch.log(p.clamp(min=1e-300))[None], torch.tensor([[0, 1]]))
    assert loss.item() == pytest.approx(1 - (1.998 / 1.999 + 1 + 1 / 101) / 3, abs=1e-6)


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
