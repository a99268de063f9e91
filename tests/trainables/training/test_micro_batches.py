"""Micro-batches: the whole batch's numbers, or a refusal."""

import dataclasses
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.trainables import tiny
from trainables import models
from trainables.errors import InputError
from trainables.losses import FACTS, LOSSES, Facts
from trainables.training.micro_batches import check, learned
from trainables.training.training import Training

torch.set_num_threads(1)
MEANS = [name for name, facts in FACTS.items() if facts.aggregation != "batch"]
SUMS = [name for name, facts in FACTS.items() if facts.aggregation == "batch"]


def batch(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Five samples of unlike content: one without foreground, one without a class; and weights."""
    draws = torch.Generator().manual_seed(seed)
    logits = torch.randn(5, 3, 6, 7, generator=draws) * 2
    target = torch.randint(0, 3, (5, 6, 7), generator=draws)
    target[0] = 0
    target[1][target[1] == 2] = 1
    return logits, target, 1 + 3 * torch.rand(5, 6, 7, generator=draws)


def gradients(name: str, parts: int, seed: int, *, weighted: bool = False) -> tuple[Tensor, Tensor]:
    logits, target, weight = batch(seed)
    logits.requires_grad_()
    maps = {"weight": weight} if weighted else {}
    value = learned(LOSSES[name], logits, target, maps, parts=parts)
    assert logits.grad is not None
    return value, logits.grad


@pytest.mark.parametrize("name", MEANS)
@pytest.mark.parametrize("weighted", [False, True])
def test_every_mean_over_samples_is_the_whole_batchs(name: str, weighted: bool) -> None:
    for seed in range(2):
        value, gradient = gradients(name, 1, seed, weighted=weighted)
        for parts in (2, 5, 9):  # 3 and 2 samples; each by itself; more than there are
            other_value, other_gradient = gradients(name, parts, seed, weighted=weighted)
            assert other_value.item() == pytest.approx(value.item(), rel=1e-5, abs=1e-6)
            torch.testing.assert_close(other_gradient, gradient, rtol=0, atol=1e-5 * gradient.abs().max().item())


@pytest.mark.parametrize("name", SUMS)
def test_what_sums_over_the_batch_would_be_another_loss(name: str) -> None:
    _, gradient = gradients(name, 1, 0)
    _, other = gradients(name, 5, 0)
    assert (other - gradient).abs().max() > 1e-3 * gradient.abs().max()
    with pytest.raises(InputError, match=f"losses.{name} sums over the whole batch, so a batch is not the mean"):
        check(spec(loss=name), network(), ignores=False)


def spec(**changes: Any) -> Any:
    return tiny.spec(**{"micro_batches": 2, "batch_size": 4, "augment": (), **changes})


def network(name: str = "unet3d", **parameters: Any) -> nn.Module:
    given = {"width": 2, **parameters}
    return models.build(name, in_channels=1, out_channels=3, dim=3, parameters=given, seed=1)


def test_a_training_in_parts_is_the_training() -> None:
    cases = tiny.dataset()
    ends = []
    for parts in (1, 2, 3):
        training = Training(spec(micro_batches=parts, optimizer="sgd", learning_rate=0.1), cases)
        points = training.advance(5)
        ends.append((points[-1].value, torch.cat([p.detach().flatten() for p in training.network.parameters()])))
    for loss, weights in ends[1:]:
        assert loss == pytest.approx(ends[0][0], rel=1e-5)
        torch.testing.assert_close(weights, ends[0][1], rtol=0, atol=1e-5)
    assert not torch.equal(ends[0][1], ends[1][1])  # it did go another way


def test_fewer_samples_go_through_the_network_at_once() -> None:
    seen: list[int] = []
    training = Training(spec(micro_batches=4), tiny.dataset())
    training.network.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    training.advance(1)
    assert seen == [1, 1, 1, 1]


def test_a_resumed_training_in_parts_is_the_same_to_the_bit() -> None:
    cases = tiny.dataset()
    whole, cut = Training(spec(), cases), Training(spec(), cases)
    whole.advance(3)
    cut.advance(1)
    resumed = Training(spec(), cases)
    resumed.load_state_dict(cut.state_dict())
    resumed.advance(3)
    assert resumed.digest() == whole.digest()


class Dropping(nn.Module):
    def __init__(self, share: float) -> None:
        super().__init__()
        self.drop = nn.Dropout3d(share)


@pytest.mark.parametrize(
    ("changes", "made", "said"),
    [
        ({}, network(norm="batch"), "unet3d normalises over the batch; give it `norm: instance`"),
        ({}, Dropping(0.2), "unet3d has dropout"),
        ({"loss_parameters": {"log_cosh": True}}, network(), "losses.dice takes log cosh of a whole batch's loss"),
        (
            {"loss": "both", "loss_parameters": {"dice": {}, "top_k_cross_entropy": {"factor": 2.0}}},
            network(),
            "losses.top_k_cross_entropy sums over the whole batch",
        ),
        ({"loss": "custom", "loss_parameters": {"focal_reduction": "positives"}}, network(), "losses.custom sums"),
        ({"loss": "mine", "loss_parameters": {"code": "torch.nn.functional:mse_loss"}}, network(), "does not declare"),
    ],
)
def test_what_is_no_mean_is_refused(changes: dict[str, Any], made: nn.Module, said: str) -> None:
    with pytest.raises(InputError, match=f"^training.micro_batches: .*{said}"):
        check(spec(**changes), made, ignores=False)
    check(dataclasses.replace(spec(**changes), micro_batches=1), made, ignores=True)  # whole batches are never refused


def test_what_is_a_mean_is_taken() -> None:
    check(spec(), network(norm="instance"), ignores=False)
    check(spec(), Dropping(0.0), ignores=False)
    both = {"dice": {"factor": 2.0}, "cross_entropy": {}}
    check(spec(loss="both", loss_parameters=both), network(), ignores=False)
    with pytest.raises(InputError, match="voxels are ignored"):
        check(spec(), network(), ignores=True)


def declared(logits: Tensor, target: Tensor) -> Tensor:
    return logits.mean()


def test_a_loss_of_the_users_own_counts_by_what_it_declares() -> None:
    code = {"code": f"{__name__}:declared"}
    declared.facts = Facts("all", "sample", 0.0, True, "mine")  # type: ignore[attr-defined]
    check(spec(loss="mine", loss_parameters=code), network(), ignores=False)
    declared.facts = Facts("all", "batch", 0.0, True, "mine")  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"losses\.mine sums over the whole batch"):
        check(spec(loss="mine", loss_parameters=code), network(), ignores=False)
