"""log cosh: values, slope, and the losses built with it."""

import math

import pytest
import torch

from tests.trainables.losses.examples import LOGITS, TARGET
from trainables.losses import LOSSES, log_cosh


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        # TP = 1.3, FP = 0.2, FN = 0.7, TN = 0.8; sum p² = 1.01, of the background 1.
        ("log_cosh_dice", 1 - (1.6 / 2.5 + 2.6 / 3.5) / 2),
        ("log_cosh_weighted_dice", 1 - (1 * (1.6 / 2.5) + 2 * (2.6 / 3.5)) / 3),
        (
            "log_cosh_focal_tversky",
            ((1 - 1.3 / 1.85) ** 0.75 + (1 - 0.8 / (0.8 + 0.7 * 0.2 + 0.3 * 0.7)) ** 0.75) / 2,
        ),
    ],
)
def test_value_by_hand(name: str, loss: float) -> None:
    assert LOSSES[name](LOGITS, TARGET).item() == pytest.approx(math.log(math.cosh(loss)), abs=1e-5)


def test_slope_of_log_cosh_is_tanh() -> None:
    x = torch.linspace(-30, 30, 601, dtype=torch.float64, requires_grad=True)
    log_cosh(x).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert torch.allclose(x.grad, torch.tanh(x.detach()), rtol=0, atol=1e-12)


def test_log_cosh_near_zero_and_far_away() -> None:
    assert log_cosh(torch.tensor(1e-4)).item() == pytest.approx(5.0e-9, rel=1e-4)
    assert torch.log(torch.cosh(torch.tensor(1e-4))).item() == 0  # what it replaces
    x = torch.tensor(200.0, requires_grad=True)
    log_cosh(x).backward()  # type: ignore[no-untyped-call]
    assert log_cosh(x).item() == pytest.approx(200 - math.log(2))
    assert x.grad is not None
    assert x.grad.item() == 1
    near, beyond = (log_cosh(torch.tensor(v, dtype=torch.float64)).item() for v in (20 - 1e-9, 20 + 1e-9))
    assert beyond - near == pytest.approx(2e-9, rel=1e-3)
