"""Binary cross-entropy: with two classes it is cross-entropy."""

import math

import pytest
import torch

from tests.trainables.losses.examples import LOGITS, TARGET
from trainables.losses import binary_cross_entropy_loss, cross_entropy_loss
from trainables.losses.conformance import example


def test_binary_cross_entropy_of_two_classes_is_cross_entropy_and_of_three_is_not() -> None:
    assert binary_cross_entropy_loss(LOGITS, TARGET).item() == pytest.approx(-math.log(0.9 * 0.8 * 0.4) / 3)
    logits, target = example(2)
    assert binary_cross_entropy_loss(logits, target).item() == pytest.approx(cross_entropy_loss(logits, target).item())
    # Three classes at a third each: log 3 for the true class and log 3/2 for the other, over two foreground classes.
    value = binary_cross_entropy_loss(torch.zeros(1, 3, 4), torch.ones(1, 4, dtype=torch.int64)).item()
    assert value == pytest.approx((math.log(3) + math.log(1.5)) / 2, rel=1e-6)


def test_value_by_hand_of_three_classes() -> None:
    # Softmax (1, 2, 5) / 8 of a voxel of class 2: class 1 costs -log(1 - 2/8), class 2 -log(5/8).
    logits = torch.tensor([[[0.0], [math.log(2)], [math.log(5)]]], dtype=torch.float64)
    expected = -(math.log(6 / 8) + math.log(5 / 8)) / 2
    assert binary_cross_entropy_loss(logits, torch.tensor([[2]])).item() == pytest.approx(expected, rel=1e-9)
