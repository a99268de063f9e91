"""Optimisers by name."""

from collections.abc import Callable, Iterable

import torch
from torch import nn

from trainables.errors import InputError
from trainables.trial import TrialSpec


def adam(
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    weight_decay: float,
    momentum: float,
    eps: float,
) -> torch.optim.Optimizer:
    """Adam with PyTorch's betas; weight decay is added to the gradient. `momentum` is not used.

    `eps` is added to the root of the bias-corrected second moment; Keras' 1e-7 stands there too.
    """
    return torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay, eps=eps, fused=True)


def adamw(
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    weight_decay: float,
    momentum: float,
    eps: float,
) -> torch.optim.Optimizer:
    """Adam whose weight decay shrinks the weights apart from the gradient. `momentum` is not used."""
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, eps=eps, fused=True)


def sgd(
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    weight_decay: float,
    momentum: float,
    eps: float,
) -> torch.optim.Optimizer:
    """Stochastic gradient descent with Nesterov's momentum (none where `momentum` is 0). `eps` is not used."""
    return torch.optim.SGD(
        parameters, lr=learning_rate, weight_decay=weight_decay, momentum=momentum, nesterov=momentum > 0, fused=True
    )


Optimizer = Callable[[Iterable[nn.Parameter], float, float, float, float], torch.optim.Optimizer]
"""`(parameters, learning_rate, weight_decay, momentum, eps) -> optimiser`."""

OPTIMIZERS: dict[str, Optimizer] = {"adam": adam, "adamw": adamw, "sgd": sgd}


def optimizer_of(spec: TrialSpec, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return a trial's optimiser.

    Raises:
        InputError: There is none of that name.
    """
    if spec.optimizer not in OPTIMIZERS:
        raise InputError(f"no optimizer named {spec.optimizer!r}; there are {', '.join(OPTIMIZERS)}")
    return OPTIMIZERS[spec.optimizer](parameters, spec.learning_rate, spec.weight_decay, spec.momentum, spec.eps)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every parameter group. It is set before each iteration, so a schedule has no state to save."""
    for group in optimizer.param_groups:
        group["lr"] = rate
