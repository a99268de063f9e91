"""Cross-entropies: values by hand, identities between them, and where their numbers become extreme."""

import math

import pytest
import torch
from monai.losses import FocalLoss
from torch import Tensor

from trainables.losses import (
    balanced_loss,
    binary_cross_entropy_loss,
    cross_entropy_loss,
    focal_loss,
    top_k_cross_entropy_loss,
    weighted_cross_entropy_loss,
)
from trainables.losses.conformance import example


def log_odds(*foreground: float) -> Tensor:
    """Two-class logits of one sample whose foreground probabilities these are."""
    p = torch.tensor(foreground, dtype=torch.float64)
    return torch.stack([torch.log(1 - p), torch.log(p)])[None]


LOGITS, TARGET = log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]])


def test_binary_cross_entropy_of_two_classes_is_cross_entropy_and_of_three_is_not() -> None:
    assert binary_cross_entropy_loss(LOGITS, TARGET).item() == pytest.approx(-math.log(0.9 * 0.8 * 0.4) / 3)
    logits, target = example(2)
    assert binary_cross_entropy_loss(logits, target).item() == pytest.approx(cross_entropy_loss(logits, target).item())
    # Three classes at a third each: log 3 for the true class and log 3/2 for the other, over two foreground classes.
    value = binary_cross_entropy_loss(torch.zeros(1, 3, 4), torch.ones(1, 4, dtype=torch.int64)).item()
    assert value == pytest.approx((math.log(3) + math.log(1.5)) / 2, rel=1e-6)


@pytest.mark.parametrize("alpha", [0.25, 0.75])
def test_balanced_is_monais_focal_without_focus(alpha: float) -> None:
    logits, target = example(2)
    theirs = FocalLoss(gamma=0.0, alpha=alpha)((logits[:, 1] - logits[:, 0])[:, None], target[:, None])
    assert balanced_loss(logits, target, alpha=alpha).item() == pytest.approx(theirs.item(), rel=1e-6)


def test_focal_without_focus_and_with_half_is_half_of_binary_cross_entropy() -> None:
    logits, target = example(2)
    half = focal_loss(logits, target, alpha=0.5, gamma=0.0).item()
    assert half == pytest.approx(binary_cross_entropy_loss(logits, target).item() / 2, rel=1e-12)


def test_focal_with_alpha_one_deletes_the_background_and_with_none_does_not() -> None:
    background = torch.zeros(1, 4, dtype=torch.int64)
    assert focal_loss(torch.zeros(1, 2, 4), background, alpha=1.0, gamma=0.0) == 0
    assert focal_loss(torch.zeros(1, 2, 4), background, gamma=0.0).item() == pytest.approx(math.log(2))


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
