"""Unified focal loss: its parts beside MONAI."""

import math

import pytest
import torch
from monai.losses.unified_focal_loss import AsymmetricFocalLoss, AsymmetricFocalTverskyLoss

from tests.trainables.losses.examples import LOGITS, TARGET
from trainables.losses import cross_entropy_loss, unified_focal_loss
from trainables.losses.conformance import example


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


def test_value_by_hand() -> None:
    focal = -(0.6 * math.log(0.9) + 0.4 * math.sqrt(0.2) * math.log(0.8) + 0.6 * math.log(0.4)) / 3
    # Foreground TP 1.3, FN 0.7, FP 0.2; background TP 0.8, FN 0.2, FP 0.7.
    foreground, background = 1.3 / (1.3 + 0.6 * 0.7 + 0.4 * 0.2), 0.8 / (0.8 + 0.6 * 0.2 + 0.4 * 0.7)
    tversky = (math.sqrt(1 - foreground) + 1 - background) / 2
    assert unified_focal_loss(LOGITS, TARGET, share=0.3).item() == pytest.approx(0.3 * focal + 0.7 * tversky, abs=1e-5)
