"""Asymmetric similarity losses: values by hand and their identities."""

import pytest
from monai.losses import TverskyLoss

from tests.trainables.losses.examples import LOGITS, TARGET, binary
from trainables.losses import LOSSES, asl_lin_loss, asl_sq_loss, dice_sq_loss, tversky_loss
from trainables.losses.conformance import example


# TP = 1.3, FP = 0.2, FN = 0.7, TN = 0.8; sum p² = 1.01, of the background 1.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("asl_sq", 1 - 3.25 * 1.3 / (2.25 * 2 + 1.01)),
        ("asl_lin", 1 - 3.25 * 1.3 / (3.25 * 1.3 + 2.25 * 0.7 + 0.2)),
    ],
)
def test_value_by_hand(name: str, expected: float) -> None:
    assert LOSSES[name](LOGITS, TARGET).item() == pytest.approx(expected, abs=1e-5)


def test_linear_asymmetric_similarity_is_tversky() -> None:
    logits, target = example(3)
    other = tversky_loss(logits, target, fn_weight=2.25 / 3.25, fp_weight=1 / 3.25)
    assert asl_lin_loss(logits, target).item() == pytest.approx(other.item(), abs=1e-6)


def test_squared_asymmetric_similarity_at_beta_one_is_squared_dice() -> None:
    logits, target = example(3)
    assert asl_sq_loss(logits, target, beta=1.0).item() == pytest.approx(dice_sq_loss(logits, target).item(), rel=1e-12)


def test_linear_asymmetric_similarity_beside_monai() -> None:
    logits, target, one = binary()
    oracle = TverskyLoss(sigmoid=True, alpha=1 / 3.25, beta=2.25 / 3.25, smooth_nr=0, smooth_dr=1e-12)
    assert asl_lin_loss(logits, target).item() == pytest.approx(oracle(one, target[:, None]).item(), rel=1e-6)
