"""Generalised Dice, both forms: values by hand, real volumes, absent classes, and MONAI."""

import pytest
import torch
from monai.losses import GeneralizedDiceLoss

from tests.trainables.losses.examples import LOGITS, TARGET, with_empty_sample
from trainables.losses import LOSSES, asl_lin_loss, asl_sq_loss, gdl_iw_loss, gdl_sudre_loss
from trainables.losses.conformance import example


# TP = 1.3, FP = 0.2, FN = 0.7, TN = 0.8; sum p² = 1.01, of the background 1.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gdl_sudre", 1 - 2 * (0.8 / 1 + 1.3 / 4) / (2.5 / 1 + 3.5 / 4)),
        ("gdl_iw", 1 - 2 * (0.8 / 2 + 1.3 / 5) / (2.01 / 2 + 3.01 / 5)),
    ],
)
def test_value_by_hand(name: str, expected: float) -> None:
    assert LOSSES[name](LOGITS, TARGET).item() == pytest.approx(expected, abs=1e-5)


def test_the_two_generalised_dice_differ_and_so_do_the_two_asymmetric_similarities() -> None:
    logits, target = example(2)
    assert abs(gdl_sudre_loss(logits, target) - gdl_iw_loss(logits, target)) > 0.01
    assert abs(asl_sq_loss(logits, target) - asl_lin_loss(logits, target)) > 0.01


def test_generalised_dice_at_real_volumes_is_not_smoothed_away() -> None:
    # A cube of 64,000 of 512,000 voxels, one half predicted everywhere: weights 1/64,000² and 1/448,000².
    target = torch.zeros(1, 80, 80, 80, dtype=torch.int64)
    target[0, :40, :40, :40] = 1
    small, large = 1 / 64_000**2, 1 / 448_000**2
    above = 2 * (small * 32_000 + large * 224_000)
    expected = 1 - above / (small * (256_000 + 64_000) + large * (256_000 + 448_000))
    assert gdl_sudre_loss(torch.zeros(1, 2, 80, 80, 80), target).item() == pytest.approx(expected, abs=1e-6)
    smoothed = 1 - (above + 1e-5) / (above / (1 - expected) + 1e-5)
    assert abs(smoothed - expected) > 0.01  # what 1e-5 would make of it


def test_generalised_dice_gives_an_absent_class_the_largest_finite_weight() -> None:
    # Background 3 voxels, class 1 one voxel, class 2 none; a third everywhere: weights 1/9, 1, 1.
    value = gdl_sudre_loss(torch.zeros(1, 3, 4, dtype=torch.float64), torch.tensor([[0, 0, 0, 1]])).item()
    above = 2 * (1 / 9 * 1 + 1 * 1 / 3)
    assert value == pytest.approx(1 - above / (1 / 9 * (4 / 3 + 3) + (4 / 3 + 1) + 4 / 3))


@pytest.mark.parametrize("classes", [2, 3])
def test_generalised_dice_beside_monai(classes: int) -> None:
    logits, target = with_empty_sample(classes)
    oracle = GeneralizedDiceLoss(softmax=True, to_onehot_y=True, w_type="square", smooth_nr=0, smooth_dr=0)
    assert gdl_sudre_loss(logits, target).item() == pytest.approx(oracle(logits, target[:, None]).item(), rel=1e-6)
