"""Cross-entropy: values by hand and beside MONAI."""

import math

import pytest
import torch

from tests.trainables.losses.examples import log_odds, with_empty_sample
from trainables.losses import cross_entropy_loss


def test_cross_entropy() -> None:
    # -log of 0.9, 0.8 (background) and 0.4.
    expected = -(math.log(0.9) + math.log(0.8) + math.log(0.4)) / 3
    loss = cross_entropy_loss(log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]]))
    assert loss.item() == pytest.approx(expected, rel=1e-9)


def test_cross_entropy_beside_monai() -> None:
    logits, target = with_empty_sample(3)
    theirs = torch.nn.CrossEntropyLoss()(logits, target)
    assert cross_entropy_loss(logits, target).item() == pytest.approx(theirs.item(), rel=1e-12)
