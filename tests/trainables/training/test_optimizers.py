"""Optimisers beside PyTorch's own by name."""

from typing import Any

import pytest
import torch

from search_spaces import defaults
from trainables.training.optimizers import OPTIMIZERS, set_learning_rate
from trainables.training.schedules import PLATEAU, SCHEDULES


@pytest.mark.parametrize(
    ("name", "momentum", "expected", "arguments"),
    [
        ("adam", 0.9, torch.optim.Adam, {"weight_decay": 0.1, "eps": 0.5}),
        ("adamw", 0.9, torch.optim.AdamW, {"weight_decay": 0.1, "eps": 0.5}),
        ("sgd", 0.8, torch.optim.SGD, {"weight_decay": 0.1, "momentum": 0.8, "nesterov": True}),
        ("sgd", 0.0, torch.optim.SGD, {"weight_decay": 0.1}),
    ],
)
def test_steps_are_pytorchs(name: str, momentum: float, expected: Any, arguments: dict[str, Any]) -> None:
    ends = []
    for make in (
        lambda weights: OPTIMIZERS[name](weights, 0.05, 0.1, momentum, 0.5),
        lambda weights: expected(weights, lr=0.05, **arguments),
    ):
        weight = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
        optimizer = make([weight])
        for _ in range(4):
            optimizer.zero_grad()
            (weight**3).sum().backward()
            optimizer.step()
        ends.append(weight.detach())
    assert torch.allclose(*ends, rtol=1e-6)


def test_names_are_those_of_the_search_spaces() -> None:
    assert set(OPTIMIZERS) == set(defaults.TRAINING["optimizer"].words)
    assert {*SCHEDULES, PLATEAU} == set(defaults.TRAINING["schedule"].words)


def test_the_rate_is_set_in_every_group() -> None:
    groups = [{"params": [torch.nn.Parameter(torch.ones(1))]} for _ in range(2)]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    set_learning_rate(optimizer, 0.25)
    assert [group["lr"] for group in optimizer.param_groups] == [0.25, 0.25]
