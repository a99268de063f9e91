"""Patience: learning-rate reduction and early stopping when a watched value stops improving, counted as in Keras."""

import dataclasses
import math
from typing import Any


@dataclasses.dataclass
class _Watched:
    """The best value so far and the looks since then; a value that is missing or NaN is never better.

    Attributes:
        greater: Whether greater values are better.
        min_delta: By how much, absolutely, a value must be better to count.
        best: Best value so far; None before the first.
        wait: Looks since then.
    """

    greater: bool
    min_delta: float
    best: float | None = None
    wait: int = 0

    def improves(self, value: float | None) -> bool:
        """Tell whether a value is better than the best so far, and keep it if it is."""
        if value is None or math.isnan(value):
            return False
        if self.best is not None:
            better = value > self.best + self.min_delta if self.greater else value < self.best - self.min_delta
            if not better:
                return False
        self.best, self.wait = value, 0
        return True

    def state_dict(self) -> dict[str, Any]:
        """The state that changes."""
        return {"best": self.best, "wait": self.wait}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.best, self.wait = state["best"], state["wait"]


class Plateau:
    """Keras' ReduceLROnPlateau: the learning rate falls when the watched value stands still.

    The rate falls at the look at which the count of looks without an improvement reaches `patience` (PyTorch's
    scheduler waits one look longer). During the cooldown after a fall nothing is counted.

    Attributes:
        rate: The learning rate now.
    """

    def __init__(
        self,
        rate: float,
        *,
        factor: float = 0.1,
        patience: int = 10,
        min_rate: float = 0.0,
        min_delta: float = 1e-4,
        cooldown: int = 0,
        greater: bool = False,
    ) -> None:
        """Start before the first look.

        Args:
            rate: Initial learning rate.
            factor: Multiplier at each reduction, in (0, 1).
            patience: Looks without an improvement before a fall.
            min_rate: The rate does not fall below this.
            min_delta: By how much, absolutely, a value must be better to count.
            cooldown: Looks after a fall during which nothing is counted.
            greater: Whether greater values are better.
        """
        self.rate = rate
        self._factor, self._patience, self._min_rate, self._cooldown = factor, patience, min_rate, cooldown
        self._watched = _Watched(greater, min_delta)
        self._resting = 0

    def look(self, value: float | None) -> bool:
        """Record the next value; return whether the rate fell."""
        if self._resting:
            self._resting -= 1
            self._watched.wait = 0
        if self._watched.improves(value) or self._resting:
            return False
        self._watched.wait += 1
        if self._watched.wait < self._patience or self.rate <= self._min_rate:
            return False
        self.rate = max(self.rate * self._factor, self._min_rate)
        self._resting, self._watched.wait = self._cooldown, 0
        return True

    def state_dict(self) -> dict[str, Any]:
        """Rate, best value and counters."""
        return {"rate": self.rate, "resting": self._resting, "watched": self._watched.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.rate, self._resting = state["rate"], state["resting"]
        self._watched.load_state_dict(state["watched"])


class EarlyStopping:
    """Keras' EarlyStopping: the training is over when the watched value has not become better for `patience` looks.

    Attributes:
        stopped: Whether it is over.
    """

    def __init__(self, *, patience: int = 20, min_delta: float = 0.0, greater: bool = False) -> None:
        """Start before the first look.

        Args:
            patience: Looks without an improvement.
            min_delta: By how much, absolutely, a value must be better to count.
            greater: Whether greater values are better.
        """
        self._patience = patience
        self._watched = _Watched(greater, min_delta)
        self.stopped = False

    def look(self, value: float | None) -> bool:
        """Record the next value; return whether the training is over."""
        if not self._watched.improves(value):
            self._watched.wait += 1
            self.stopped |= self._watched.wait >= self._patience
        return self.stopped

    def state_dict(self) -> dict[str, Any]:
        """Best value, counter and whether it is over."""
        return {"stopped": self.stopped, "watched": self._watched.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
        self.stopped = state["stopped"]
        self._watched.load_state_dict(state["watched"])
