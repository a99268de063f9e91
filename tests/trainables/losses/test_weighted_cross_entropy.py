"""Cross-entropy weighted by the predictions: value by hand, growth, limit, detached weight."""

import math

import pytest
import torch

from tests.trainables.losses.examples import LOGITS, TARGET, log_odds
from trainables.losses import weighted_cross_entropy_loss


def test_weighted_cross_entropy_by_hand() -> None:
    # sum p = 1.5 of 3, so the weight is 1; with p halved in two voxels it is (3 - 0.75) / 0.75 = 3.
    assert weighted_cross_entropy_loss(LOGITS, TARGET).item() == pytest.approx(-math.log(0.9 * 0.8 * 0.4) / 3)
    value = weighted_cross_entropy_loss(log_odds(0.45, 0.1, 0.2), TARGET).item()
    assert value == pytest.approx(-(3 * math.log(0.45) + math.log(0.9) + 3 * math.log(0.2)) / 3)


@pytest.mark.parametrize(("odds", "ratio"), [(-5.0, 148.413), (-10.0, 22026.5), (-20.0, 4.85165e8)])
def test_weighted_cross_entropy_grows_as_published(odds: float, ratio: float) -> None:
    logits = torch.zeros(1, 2, 8)
    logits[:, 1] = odds
    value = weighted_cross_entropy_loss(logits, torch.ones(1, 8, dtype=torch.int64)).item()
    assert value == pytest.approx(ratio * math.log1p(math.exp(-odds)), rel=1e-4)


def test_weighted_cross_entropy_stops_at_its_greatest_weight_where_its_sums_are_zero_in_float32() -> None:
    logits = torch.zeros(1, 2, 8)
    logits[:, 1] = -200
    logits.requires_grad_()
    value = weighted_cross_entropy_loss(logits, torch.ones(1, 8, dtype=torch.int64), max_weight=50.0)
    value.backward()  # type: ignore[no-untyped-call]
    assert value.item() == pytest.approx(50 * 200)
    assert logits.grad is not None
    assert logits.grad[0, 1].tolist() == pytest.approx([-50 / 8] * 8)


def test_weighted_cross_entropy_moves_its_weight_unless_it_is_detached() -> None:
    gradients = []
    for detach in (False, True):
        logits = log_odds(0.45, 0.1, 0.2).requires_grad_()
        weighted_cross_entropy_loss(logits, TARGET, detach=detach).backward()  # type: ignore[no-untyped-call]
        assert logits.grad is not None
        gradients.append(logits.grad[0, 1])
    # With the weight 3 a constant: 3 (p - 1) in the foreground and p in the background, over 3 voxels.
    assert gradients[1].tolist() == pytest.approx([-0.55, 0.1 / 3, -0.8])
    # dr/dz = -M / S² p (1 - p) times the foreground's cost, M = 3, S = 0.75.
    cost = -(math.log(0.45) + math.log(0.2)) / 3
    moved = [-3 / 0.75**2 * p * (1 - p) * cost for p in (0.45, 0.1, 0.2)]
    assert (gradients[0] - gradients[1]).tolist() == pytest.approx(moved)
