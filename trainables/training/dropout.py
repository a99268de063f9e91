"""Random numbers of dropout: PyTorch's own generators, seeded for each iteration and restored afterwards."""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from trainables.random_streams import seed_of


def has_dropout(network: nn.Module) -> bool:
    """Tell whether any layer of a network is dropout."""
    return any(isinstance(module, _DropoutNd) for module in network.modules())


@contextlib.contextmanager
def drawn_for(seed: int, iteration: int, device: torch.device) -> Iterator[None]:
    """Make dropout inside the block a function of seed and iteration.

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
