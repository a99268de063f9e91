"""Declared properties: registered for every loss, and some of them by hand."""

import pytest
import torch

from trainables.losses import FACTS, LOSSES


def test_every_loss_declares_its_properties() -> None:
    assert list(FACTS) == list(LOSSES)


@pytest.mark.parametrize("name", ["dice_sq", "gdl_iw", "cross_entropy", "matthews", "unified_focal"])
def test_value_of_a_right_empty_prediction_is_the_declared_one(name: str) -> None:
    logits = torch.tensor([60.0, -60.0]).view(1, 2, 1).expand(1, 2, 27).reshape(1, 2, 3, 3, 3)
    value = LOSSES[name](logits, torch.zeros(1, 3, 3, 3, dtype=torch.int64)).item()
    assert value == pytest.approx(FACTS[name].clean, abs=1e-3)


def test_losses_over_the_batch_are_declared() -> None:
    # One sample with class 1 in both voxels, one without: their batch is not the mean of the two.
    logits = torch.tensor([[[0.0, 0.0], [1.0, 3.0]], [[0.0, 0.0], [2.0, -1.0]]], dtype=torch.float64)
    target = torch.tensor([[1, 1], [0, 0]])
    for name in ("dice_flat_s1", "dice_lin"):
        each = [LOSSES[name](logits[i : i + 1], target[i : i + 1]).item() for i in range(2)]
        is_mean = LOSSES[name](logits, target).item() == pytest.approx(sum(each) / 2, rel=1e-9)
        assert is_mean == (FACTS[name].aggregation != "batch")
