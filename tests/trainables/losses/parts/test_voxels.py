"""The input of losses: log-odds, maps of a wrong shape or type, ignored voxels."""

import math

import pytest
import torch

from trainables.losses import cross_entropy_loss, dice_lin_loss
from trainables.losses.parts.voxels import read


def test_log_odds_are_exact_where_one_minus_p_rounds_to_zero() -> None:
    logits = torch.tensor([[[40.0], [0.0], [-3.0]]])
    voxels = read(logits, torch.zeros(1, 1, dtype=torch.int64))
    expected = [-math.log(math.exp(40) + math.exp(-3)), -3 - math.log(math.exp(40) + 1)]
    assert voxels.log_odds.flatten().tolist() == pytest.approx(expected)
    assert torch.allclose(torch.sigmoid(voxels.log_odds), voxels.probabilities[:, 1:])


@pytest.mark.parametrize("name", ["weight", "ignore"])
def test_maps_of_another_shape_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}: expected the target's shape \(1, 4\), found \(1, 1, 4\)"):
        cross_entropy_loss(torch.zeros(1, 2, 4), torch.zeros(1, 4, dtype=torch.int64), **{name: torch.ones(1, 1, 4)})


def test_an_ignore_map_of_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="mask of bool"):
        dice_lin_loss(torch.zeros(1, 2, 4), torch.zeros(1, 4, dtype=torch.int64), ignore=torch.ones(1, 4))


def test_an_ignored_voxel_belongs_to_no_class() -> None:
    ignore = torch.tensor([[False, True, False]])
    voxels = read(torch.zeros(1, 2, 3), torch.tensor([[1, 255, 0]]), ignore=ignore)
    assert voxels.one_hot.tolist() == [[[False, False, True], [True, False, False]]]
