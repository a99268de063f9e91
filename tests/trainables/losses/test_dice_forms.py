"""Squared, linear and flat Dice: values by hand, their identities, and MONAI."""

import pytest
import torch
from monai.losses import DiceLoss

from tests.trainables.losses.examples import LOGITS, TARGET, binary
from trainables.losses import LOSSES, dice_flat_s1_loss, dice_lin_loss
from trainables.losses.conformance import example


# TP = 1.3, FP = 0.2, FN = 0.7, TN = 0.8; sum p² = 1.01, of the background 1.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dice_sq", 1 - 2.6 / (1.01 + 2)),
        ("dice_lin", 1 - 2.6 / 3.5),
        ("dice_flat_s1", 1 - 3.6 / 4.5),
    ],
)
def test_value_by_hand(name: str, expected: float) -> None:
    assert LOSSES[name](LOGITS, TARGET).item() == pytest.approx(expected, abs=1e-5)


def test_flat_dice_of_one_sample_is_linear_dice_and_of_a_batch_is_one_image() -> None:
    logits, target = example(2, samples=3)
    flat = dice_flat_s1_loss(logits, target).item()
    image = logits.movedim(0, 1).flatten(1)[None], target.flatten()[None]
    assert flat == pytest.approx(dice_lin_loss(*image, eps=1.0).item(), rel=1e-12)


@pytest.mark.parametrize("name", ["dice_sq", "asl_sq"])
def test_lesion_weights_enter_both_squares(name: str) -> None:
    # w = (1, 5, 2): sum w p g = 0.9 + 0.8, sum w p² = 0.81 + 0.2 + 0.32, sum w g² = 3.
    weight = torch.tensor([[1.0, 5.0, 2.0]])
    square = 1.0 if name == "dice_sq" else 2.25
    expected = 1 - (1 + square) * 1.7 / (square * 3 + 1.33)
    assert LOSSES[name](LOGITS, TARGET, weight=weight).item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("dice_lin", {}),
        ("dice_sq", {"squared_pred": True, "smooth_nr": 0, "smooth_dr": 1e-7}),
        ("dice_flat_s1", {"batch": True, "smooth_nr": 1, "smooth_dr": 1}),
    ],
)
def test_dice_forms_beside_monai(name: str, arguments: dict[str, float]) -> None:
    logits, target, one = binary()
    theirs = DiceLoss(sigmoid=True, **arguments)(one, target[:, None].double())
    assert LOSSES[name](logits, target).item() == pytest.approx(theirs.item(), rel=1e-9)
