"""Deep supervision: the weights of the depths, and one output as if it were not there."""

import pytest
import torch

from trainables.losses import dice_loss
from trainables.losses.deep import over_depths
from trainables.models import build

torch.set_num_threads(1)


def test_each_depth_has_half_the_weight_of_the_one_above() -> None:
    generator = torch.Generator().manual_seed(0)
    logits, target = torch.randn(2, 3, 3, 5, 4, generator=generator), torch.randint(3, (2, 5, 4), generator=generator)
    values = [dice_loss(logits[:, depth], target, eps=0.1).item() for depth in range(3)]
    expected = (4 * values[0] + 2 * values[1] + values[2]) / 7
    assert over_depths(dice_loss)(logits, target, eps=0.1).item() == pytest.approx(expected, rel=1e-6)
    assert over_depths(dice_loss)(logits[:, 1], target, eps=0.1).item() == values[1]


def test_voxel_weights_and_ignored_voxels_reach_every_depth() -> None:
    logits = torch.randn(1, 2, 2, 6, generator=torch.Generator().manual_seed(0))
    target, ignore = torch.tensor([[0, 1, 1, 0, 1, 0]]), torch.tensor([[True, False, False, False, False, True]])
    whole = over_depths(dice_loss)(logits, target, ignore=ignore).item()
    assert whole == pytest.approx(over_depths(dice_loss)(logits[..., 1:5], target[:, 1:5]).item(), rel=1e-6)


def test_dynunet_gives_four_depths_in_training_and_one_output_after() -> None:
    parameters = {"width": 2, "deep_supervision": True}
    network = build("dynunet", in_channels=1, out_channels=3, dim=2, parameters=parameters, seed=0)
    x = torch.randn(2, 1, 33, 40, generator=torch.Generator().manual_seed(0))
    logits = network.train()(x)
    assert logits.shape == (2, 4, 3, 33, 40)
    over_depths(dice_loss)(logits, torch.zeros(2, 33, 40, dtype=torch.int64)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for n, p in network.named_parameters() if "heads" in n)
    assert network.eval()(x).shape == (2, 3, 33, 40)
