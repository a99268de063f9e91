"""Numerical hazards of all losses: half precision, empty references, large voxel weights."""

import math

import pytest
import torch

from tests.trainables.losses.examples import gradient, two
from trainables.losses import FACTS, LOSSES


@pytest.mark.parametrize(("kind", "odds"), [(torch.float16, 8.5), (torch.bfloat16, 6.5)])
@pytest.mark.parametrize("name", LOSSES)
def test_a_sigmoid_that_rounds_to_one_keeps_its_gradient(name: str, kind: torch.dtype, odds: float) -> None:
    assert torch.sigmoid(torch.tensor(odds, dtype=kind)) == 1
    logits = two(odds, odds, -odds, 0.0).to(kind)
    value, slope = gradient(name, logits, torch.tensor([[0, 1, 0, 1]]))
    assert math.isfinite(value)
    assert slope[0, 1, 0] != 0  # a false positive


@pytest.mark.parametrize(
    "name", ["dice_sq", "dice_lin", "tversky", "asl_sq", "asl_lin", "matthews", "wasserstein_dice"]
)
def test_an_empty_reference_is_a_plateau(name: str) -> None:
    noise = torch.randn(1, 2, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    value, slope = gradient(name, noise, torch.zeros(1, 16, 16, 16, dtype=torch.int64))
    assert value == pytest.approx(1, abs=1e-6)
    assert slope.abs().max() < 1e-9
    assert not FACTS[name].learns_from_empty


@pytest.mark.parametrize("name", LOSSES)
def test_lesion_weights_of_2e5_stay_finite(name: str) -> None:
    target = torch.zeros(1, 8, 8, 8, dtype=torch.int64)
    target[0, 0, 0, 0] = 1
    weight = torch.where(target > 0, 2e5, 1.0)
    logits = torch.randn(1, 2, 8, 8, 8, generator=torch.Generator().manual_seed(0)).half()
    value, slope = gradient(name, logits.float(), target, weight=weight)
    assert math.isfinite(value)
    assert torch.isfinite(slope).all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert LOSSES[name](logits, target, weight=weight).item() == pytest.approx(value, rel=1e-5)
