"""An iteration never waits for its device: no operation in it gives Python a number, or has a size that data decide."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.trainables import tiny
from trainables.losses import LOSSES
from trainables.training.training import Training

DATA = tiny.dataset()
WAITING = {"_local_scalar_dense", "item", "is_nonzero", "equal", "nonzero", "_unique2", "unique_dim", "masked_select"}
ON_THE_HOST = {"hausdorff"}
"""Losses whose distances are computed there."""


class Waiting(TorchDispatchMode):
    """Notes what would wait for a GPU."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Runs the operation, and notes it where it waits."""
        name = function.overloadpacket.__name__
        masks = args[1] if name in ("index", "index_put", "index_put_") else ()
        if name in WAITING or any(isinstance(one, torch.Tensor) and one.dtype == torch.bool for one in masks):
            self.seen.append(name)
        return function(*args, **(kwargs or {}))


def seen_in(learner: Training, iterations: int) -> list[str]:
    """Count the waits of the next iterations, apart from making a batch."""
    torch.set_num_threads(1)
    batch = learner._batch(learner.iteration)
    learner._batch = lambda _: batch  # type: ignore[method-assign]
    with Waiting() as waiting:
        learner.advance(learner.iteration + iterations)
    return waiting.seen


@pytest.mark.parametrize("loss", [name for name in LOSSES if name not in ON_THE_HOST])
def test_no_loss_waits(loss: str) -> None:
    learner = Training(tiny.spec(loss=loss, iterations=500, marks=(500,)), DATA)
    assert seen_in(learner, 2) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "vnet", "optimizer": "adamw", "precision": "bfloat16"},
        {"model_parameters": {"width": 2, "norm": "batch"}, "optimizer": "sgd", "schedule": "polynomial"},
        {"model": "resunet3d", "deterministic": True},
        {"train_on": "regions", "early_stopping": {"patience": 3}, "epoch": 100},
    ],
)
def test_no_other_part_waits(changes: dict[str, Any]) -> None:
    learner = Training(tiny.spec(iterations=500, marks=(500,), **changes), DATA)
    assert seen_in(learner, 2) == []
