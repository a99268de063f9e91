"""Losses that are each other at some parameters, and values worked by hand."""

import math

import pytest
import torch
from sklearn.metrics import matthews_corrcoef
from torch import Tensor

from trainables.class_distances import MATRICES
from trainables.losses import (
    LOSSES,
    asl_lin_loss,
    asl_sq_loss,
    dice_flat_s1_loss,
    dice_lin_loss,
    dice_loss,
    dice_sq_loss,
    focal_tversky_loss,
    gdl_iw_loss,
    gdl_sudre_loss,
    log_cosh,
    matthews_loss,
    tversky_loss,
    wasserstein_dice_loss,
    weighted_dice_loss,
)
from trainables.losses.conformance import example


def log_odds(*foreground: float) -> Tensor:
    """Two-class logits of one sample whose foreground probabilities these are."""
    p = torch.tensor(foreground, dtype=torch.float64)
    return torch.stack([torch.log(1 - p), torch.log(p)])[None]


LOGITS, TARGET = log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]])
# TP = 1.3, FP = 0.2, FN = 0.7, TN = 0.8; sum p² = 0.81 + 0.04 + 0.16 = 1.01, of the background 0.01 + 0.64 + 0.36.


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dice_sq", 1 - 2.6 / (1.01 + 2)),
        ("dice_lin", 1 - 2.6 / 3.5),
        ("dice_flat_s1", 1 - 3.6 / 4.5),
        ("weighted_dice", 1 - (1 * (1.6 / 2.5) + 2 * (2.6 / 3.5)) / 3),
        ("gdl_sudre", 1 - 2 * (0.8 / 1 + 1.3 / 4) / (2.5 / 1 + 3.5 / 4)),
        ("gdl_iw", 1 - 2 * (0.8 / 2 + 1.3 / 5) / (2.01 / 2 + 3.01 / 5)),
        ("focal_tversky", ((1 - 1.3 / 1.85) ** 0.75 + (1 - 0.8 / (0.8 + 0.7 * 0.2 + 0.3 * 0.7)) ** 0.75) / 2),
        ("asl_sq", 1 - 3.25 * 1.3 / (2.25 * 2 + 1.01)),
        ("asl_lin", 1 - 3.25 * 1.3 / (3.25 * 1.3 + 2.25 * 0.7 + 0.2)),
        ("matthews", 1 - (1.3 * 0.8 - 0.2 * 0.7) / math.sqrt(1.5 * 2 * 1 * 1.5)),
        ("wasserstein_dice", 1 - 2.6 / (2.6 + 0.1 + 0.2 + 0.6)),
        ("log_cosh_dice", math.log(math.cosh(1 - (1.6 / 2.5 + 2.6 / 3.5) / 2))),
    ],
)
def test_by_hand(name: str, expected: float) -> None:
    assert LOSSES[name](LOGITS, TARGET).item() == pytest.approx(expected, abs=1e-5)


def test_wasserstein_of_two_classes_is_linear_dice() -> None:
    logits, target = example(2)
    assert wasserstein_dice_loss(logits, target).item() == pytest.approx(dice_lin_loss(logits, target).item(), abs=1e-6)


def test_wasserstein_by_hand_with_distances() -> None:
    # True 1 predicted (0.2, 0.5, 0, 0.3, 0): 0.2 * 1 + 0.3 * 0.2 = 0.26. Background predicted (0.9, 0, 0, 0, 0.1): 0.1.
    p = torch.tensor([[0.2, 0.5, 0.0, 0.3, 0.0], [0.9, 0.0, 0.0, 0.0, 0.1]], dtype=torch.float64)
    loss = wasserstein_dice_loss(torch.log(p.clamp(min=1e-300)).T[None], torch.tensor([[1, 0]]), matrix="brats5")
    assert loss.item() == pytest.approx(1 - 2 * 0.74 / (2 * 0.74 + 0.36), abs=1e-5)


def test_brats_matrices_obey_the_triangle_inequality_and_the_small_one_is_the_large_without_class_3() -> None:
    large, small = (torch.tensor(MATRICES[name]) for name in ("brats5", "brats4"))
    rest = [0, 1, 2, 4]
    assert torch.equal(large[rest][:, rest], small)
    for k in range(5):
        assert (large <= large[:, k : k + 1] + large[k : k + 1] + 1e-6).all()


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_micro_matthews_is_soft_accuracy(classes: int) -> None:
    logits, target = example(classes)
    a = torch.softmax(logits, 1).gather(1, target[:, None]).mean().item()
    value = matthews_loss(logits, target, form="micro_all").item()
    assert value == pytest.approx(1 - (classes * a - 1) / (classes - 1), rel=1e-9)


@pytest.mark.parametrize("form", ["sample", "batch"])
def test_matthews_of_hard_masks_is_sklearns(form: str) -> None:
    logits, target = example(2, (6, 6))
    hard = logits.argmax(1)
    certain = 400.0 * torch.stack([1 - hard, hard], 1).double()
    pairs = [(target, hard)] if form == "batch" else list(zip(target, hard, strict=True))
    expected = sum(1 - matthews_corrcoef(t.flatten(), h.flatten()) for t, h in pairs) / len(pairs)
    assert matthews_loss(certain, target, form=form).item() == pytest.approx(expected, rel=1e-9)


def test_mean_of_foreground_and_background_dice_is_dice_of_two_classes() -> None:
    # Sudre's DL2, eq. 8 of kits19: no factor 2, so eps weighs double.
    logits, target = example(2)
    p, g = torch.softmax(logits, 1)[:, 1], (target == 1).double()
    ratios = [((a * b).sum((1, 2, 3)) + 1e-5) / ((a + b).sum((1, 2, 3)) + 1e-5) for a, b in ((p, g), (1 - p, 1 - g))]
    assert dice_loss(logits, target).item() == pytest.approx((1 - sum(ratios)).mean().item(), abs=1e-6)


def test_linear_asymmetric_similarity_is_tversky() -> None:
    logits, target = example(3)
    other = tversky_loss(logits, target, fn_weight=2.25 / 3.25, fp_weight=1 / 3.25)
    assert asl_lin_loss(logits, target).item() == pytest.approx(other.item(), abs=1e-6)


def test_tversky_at_one_half_is_linear_dice() -> None:
    logits, target = example(3)
    half = tversky_loss(logits, target, fn_weight=0.5, fp_weight=0.5, eps=1e-9).item()
    assert half == pytest.approx(dice_lin_loss(logits, target, eps=1e-9).item(), rel=1e-9)


def test_squared_asymmetric_similarity_at_beta_one_is_squared_dice() -> None:
    logits, target = example(3)
    assert asl_sq_loss(logits, target, beta=1.0).item() == pytest.approx(dice_sq_loss(logits, target).item(), rel=1e-12)


@pytest.mark.parametrize("focus", ["loss", "index"])
def test_focal_tversky_with_exponent_one_is_tversky(focus: str) -> None:
    logits, target = example(3)
    value = focal_tversky_loss(logits, target, exponent=1.0, background=False, focus=focus).item()
    assert value == pytest.approx(tversky_loss(logits, target).item(), rel=1e-12)


def test_weighted_dice_with_equal_weights_is_dice_and_only_proportions_matter() -> None:
    logits, target = example(3)
    plain = dice_loss(logits, target).item()
    assert weighted_dice_loss(logits, target, ratio=1.0).item() == pytest.approx(plain, rel=1e-12)
    assert weighted_dice_loss(logits, target, weights=[5, 5, 5]).item() == pytest.approx(plain, rel=1e-12)
    ours = weighted_dice_loss(logits, target).item()  # 1:2:4
    assert weighted_dice_loss(logits, target, weights={2: 2, 0: 0.5, 1: 1}).item() == pytest.approx(ours, rel=1e-12)
    assert ours != pytest.approx(plain, rel=1e-3)


def test_the_two_generalised_dice_differ_and_so_do_the_two_asymmetric_similarities() -> None:
    logits, target = example(2)
    assert abs(gdl_sudre_loss(logits, target) - gdl_iw_loss(logits, target)) > 0.01
    assert abs(asl_sq_loss(logits, target) - asl_lin_loss(logits, target)) > 0.01


def test_flat_dice_of_one_sample_is_linear_dice_and_of_a_batch_is_one_image() -> None:
    logits, target = example(2, samples=3)
    flat = dice_flat_s1_loss(logits, target).item()
    image = logits.movedim(0, 1).flatten(1)[None], target.flatten()[None]
    assert flat == pytest.approx(dice_lin_loss(*image, eps=1.0).item(), rel=1e-12)


def test_slope_of_log_cosh_is_tanh() -> None:
    x = torch.linspace(-30, 30, 601, dtype=torch.float64, requires_grad=True)
    log_cosh(x).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert torch.allclose(x.grad, torch.tanh(x.detach()), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["dice_sq", "asl_sq"])
def test_lesion_weights_enter_both_squares(name: str) -> None:
    # w = (1, 5, 2): sum w p g = 0.9 + 0.8, sum w p² = 0.81 + 0.2 + 0.32, sum w g² = 3.
    weight = torch.tensor([[1.0, 5.0, 2.0]])
    square = 1.0 if name == "dice_sq" else 2.25
    expected = 1 - (1 + square) * 1.7 / (square * 3 + 1.33)
    assert LOSSES[name](LOGITS, TARGET, weight=weight).item() == pytest.approx(expected, abs=1e-6)
