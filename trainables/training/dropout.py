"""Dropout's draws: PyTorch's own generators, seeded for an iteration and given back as they were."""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from trainables.random_streams import seed_of


def drops(network: nn.Module) -> bool:
    """Whether any of it is dropout."""
    return any(isinstance(module, _DropoutNd) for module in network.modules())


@contextlib.contextmanager
def drawn_for(seed: int, iteration: int, device: torch.device) -> Iterator[None]:
    """What is dropped in here is a function of seed and iteration.

    Args:
        seed: The trial's seed.
        iteration: Training iteration, from 0.
        device: Where the network is.
    """
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        own = seed_of(seed, "dropout", iteration)
        torch.default_generator.manual_seed(own)
        if device.type == "cuda":
            torch.cuda.manual_seed(own)
        yield
