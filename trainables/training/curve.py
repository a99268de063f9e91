"""The training curve: mean losses over windows of iterations, and the first loss that is not finite.

A window ends at fixed iterations, so the same training gives the same points however it is interrupted.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from trainables.training.learner import Diverged
from trainables.trial import Point

POINTS = 50
"""Points of a whole training, apart from its marks."""


class Curve:
    """Sums losses on the device and reads them once a window, so that the device is not waited for.

    Args:
        iterations: Length of the whole training.
        marks: Iterations that end a window besides every fiftieth part of the training.
        device: Where the losses are.
    """

    def __init__(self, iterations: int, marks: Iterable[int], device: torch.device) -> None:
        self._every = max(1, iterations // POINTS)
        self._marks = frozenset(marks) | {iterations}
        self._device = device
        self._start(0)

    def add(self, loss: Tensor, iteration: int) -> tuple[Point, ...]:
        """Record the loss of the iteration that has just been done.

        Args:
            loss: Scalar without gradient.
            iteration: Iterations done, this one included.

        Returns:
            The window's mean, where this iteration ends one.

        Raises:
            Diverged: A loss of the window that ends here is not finite.
        """
        self._sum += loss
        self._finite += torch.isfinite(self._sum)  # once the sum is infinite or NaN it stays so
        if iteration % self._every and iteration not in self._marks:
            return ()
        total, finite = torch.stack([self._sum, self._finite.double()]).tolist()  # the device is waited for once
        count = iteration - self._from
        if finite < count:
            raise Diverged(
                f"non-finite loss at iteration {self._from + int(finite) + 1}; a lower learning rate may keep it finite"
            )
        self._start(iteration)
        return (Point(iteration, "loss", total / count),)

    def state_dict(self) -> dict[str, Any]:
        """The window under way."""
        return {"from": self._from, "sum": self._sum.item(), "finite": int(self._finite.item())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self._start(state["from"])
        self._sum += state["sum"]
        self._finite += state["finite"]

    def _start(self, iteration: int) -> None:
        self._from = iteration
        self._sum = torch.zeros((), dtype=torch.float64, device=self._device)
        self._finite = torch.zeros((), dtype=torch.int64, device=self._device)
