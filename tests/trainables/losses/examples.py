"""Small inputs that the losses' tests share."""

import torch
from torch import Tensor

from trainables.losses import LOSSES

EVEN = torch.zeros(1, 2, 4, dtype=torch.float64)  # 50/50 everywhere
TRUTH = torch.tensor([[1, 1, 1, 0]])


def log_odds(*foreground: float) -> Tensor:
    """Two-class logits of one sample with these foreground probabilities."""
    p = torch.tensor(foreground, dtype=torch.float64)
    return torch.stack([torch.log(1 - p), torch.log(p)])[None]


LOGITS, TARGET = log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]])
"""TP = 1.3, FP = 0.2, FN = 0.7, TN = 0.8; sum p² = 0.81 + 0.04 + 0.16 = 1.01, of the background 0.01 + 0.64 + 0.36."""


def two(*odds: float) -> Tensor:
    """Two-class logits of one sample with these differences."""
    z = torch.tensor(odds)
    return torch.stack([torch.zeros_like(z), z])[None]


def gradient(name: str, logits: Tensor, target: Tensor, **parameters: object) -> tuple[float, Tensor]:
    """Value and gradient of a loss."""
    logits = logits.clone().requires_grad_()
    value = LOSSES[name](logits, target, **parameters)
    value.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    return value.item(), logits.grad


def with_empty_sample(classes: int) -> tuple[Tensor, Tensor]:
    """Random logits and class indices of three samples; the first reference is empty."""
    generator = torch.Generator().manual_seed(classes)
    logits = 3 * torch.randn(3, classes, 6, 5, 4, generator=generator, dtype=torch.float64)
    target = torch.randint(classes, (3, 6, 5, 4), generator=generator)
    target[0] = 0
    return logits, target


def binary() -> tuple[Tensor, Tensor, Tensor]:
    """Two-class logits, target, and the one logit that a single-channel loss takes."""
    logits, target = with_empty_sample(2)
    return logits, target, (logits[:, 1] - logits[:, 0])[:, None]
