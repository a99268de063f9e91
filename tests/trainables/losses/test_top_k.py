"""Top-k cross-entropy: value by hand."""

import math

import pytest
import torch

from tests.trainables.losses.examples import LOGITS, TARGET
from trainables.losses import cross_entropy_loss, top_k_cross_entropy_loss
from trainables.losses.conformance import example


def test_top_k_by_hand() -> None:
    assert top_k_cross_entropy_loss(LOGITS, TARGET, fraction=0.1).item() == pytest.approx(-math.log(0.4))
    assert top_k_cross_entropy_loss(LOGITS, TARGET, fraction=0.7).item() == pytest.approx(-math.log(0.4 * 0.8) / 2)
    logits, target = example(3)
    whole = top_k_cross_entropy_loss(logits, target, fraction=1.0).item()
    assert whole == pytest.approx(cross_entropy_loss(logits, target).item(), rel=1e-12)
    # Five times the first voxel's cost is still less than twice the second's, and more than the third's.
    weight = torch.tensor([[5.0, 5.0, 1.0]])
    assert top_k_cross_entropy_loss(LOGITS, TARGET, fraction=0.4, weight=weight).item() == pytest.approx(
        -5 * math.log(0.8)
    )
