"""Optimisers and learning-rate schedules by name."""

from collections.abc import Callable, Iterable

import torch
from torch import nn

Schedule = Callable[[int, int], float]
"""`(iteration, iterations) -> factor` of the initial learning rate, for iteration 0 to `iterations - 1`."""


def constant(iteration: int, iterations: int) -> float:
    """1 throughout."""
    return 1.0


def polynomial(iteration: int, iterations: int) -> float:
    """`(1 - iteration / iterations)^0.9`: 1 at first, almost 0 at last, over the whole training.

    Source: nnU-Net, Isensee et al. 2021, https://doi.org/10.1038/s41592-020-01008-z.
    """
    return float((1 - iteration / iterations) ** 0.9)


SCHEDULES: dict[str, Schedule] = {"constant": constant, "polynomial": polynomial}


def adam(
    parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float, momentum: float
) -> torch.optim.Optimizer:
    """Adam with PyTorch's betas; weight decay is added to the gradient. `momentum` is not used."""
    return torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay, fused=True)


def adamw(
    parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float, momentum: float
) -> torch.optim.Optimizer:
    """Adam whose weight decay shrinks the weights apart from the gradient. `momentum` is not used."""
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, fused=True)


def sgd(
    parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float, momentum: float
) -> torch.optim.Optimizer:
    """Stochastic gradient descent with Nesterov's momentum (none where `momentum` is 0)."""
    return torch.optim.SGD(
        parameters, lr=learning_rate, weight_decay=weight_decay, momentum=momentum, nesterov=momentum > 0, fused=True
    )


Optimizer = Callable[[Iterable[nn.Parameter], float, float, float], torch.optim.Optimizer]
"""`(parameters, learning_rate, weight_decay, momentum) -> optimiser`."""

OPTIMIZERS: dict[str, Optimizer] = {"adam": adam, "adamw": adamw, "sgd": sgd}


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Gives every parameter group this rate. It is set anew at each iteration, so a schedule has no state to lose."""
    for group in optimizer.param_groups:
        group["lr"] = rate
