"""Batch normalisation's running statistics: a mean over all batches at first, a moving one later.

With Keras' momentum of 0.99 from the start (PyTorch's 0.01) the statistics still hold a third of their initial 0 and
1 after 100 iterations, and a network that is evaluated then looks as if it had learnt nothing.
"""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def set_momentum(network: nn.Module, iteration: int) -> None:
    """Sets the share of the next batch in every running mean and variance to `max(0.01, 1 / (iteration + 1))`.

    Args:
        network: Whatever normalisation it has; only batch normalisation is touched.
        iteration: Iterations done, from 0. The first batch counts whole.
    """
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = max(0.01, 1 / (iteration + 1))
