"""Course: decisions that depend on a training's progress (learning rate on a plateau, best weights, early stop).

Two values are watched: the mean loss of each epoch (a fixed number of iterations), and the objective on validation
cases every `evaluate_every` iterations and at each mark. Both come at fixed iterations, so interruptions change
nothing. A value that no option asks for is not computed.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from trainables.errors import InputError
from trainables.evaluation.objective import objective
from trainables.training.patience import EarlyStopping, Plateau
from trainables.training.schedules import PLATEAU, SCHEDULES
from trainables.trial import Point, Score, TrialSpec

Weights = dict[str, Tensor]


class Course:
    """Learning rate, best weights and end of one training.

    Attributes:
        best: The network's best weights by the validation cases, on the CPU; None where they are not asked for, or
            before the first validation that has a value: then the last ones count.
        open: Validation cases still to be scored in the validation under way, in order; empty where there is none.
    """

    def __init__(self, spec: TrialSpec, device: torch.device) -> None:
        """Start before the first iteration.

        Raises:
            InputError: The schedule does not exist, or a value that is to be watched is missing.
        """
        self._spec, self._device = spec, device
        self.best: Weights | None = None
        self.open: list[str] = []
        self._best_value: float | None = None
        self._scores: list[Score] = []
        self._factor = _schedule(spec)
        self._plateau = self._stopping = None
        watchers: list[Mapping[str, Any]] = []
        if spec.schedule == PLATEAU:
            watchers.append(spec.plateau)
            self._plateau = Plateau(spec.learning_rate, greater=self._greater(spec.plateau), **_options(spec.plateau))
        if spec.early_stopping:
            watchers.append(spec.early_stopping)
            self._stopping = EarlyStopping(greater=self._greater(spec.early_stopping), **_options(spec.early_stopping))
        watched = {_monitor(watcher) for watcher in watchers}
        self._epoch = spec.epoch if "loss" in watched else 0
        self._every = spec.evaluate_every if "validation" in watched or spec.checkpoint == "best" else 0
        if "loss" in watched and not self._epoch:
            raise InputError("epoch: expected its length in iterations, since the training loss is watched by epochs")
        if ("validation" in watched or spec.checkpoint == "best") and not (self._every and spec.validate):
            raise InputError("expected validation cases and evaluate_every, since something is chosen by them")
        self._sum = self._zero()

    @property
    def stopped(self) -> bool:
        """True once early stopping ended the training; its weights stay as they are from here on."""
        return self._stopping is not None and self._stopping.stopped

    def rate(self, iteration: int) -> float:
        """Return the learning rate of iteration number `iteration`, counted from 0."""
        if self._plateau is not None:
            return self._plateau.rate
        return self._spec.learning_rate * self._factor(iteration, self._spec.iterations)

    def learned(self, loss: Tensor, iteration: int) -> tuple[Point, ...]:
        """Record the loss of the iteration that has just been done; start a validation where one is due.

        Args:
            loss: Scalar without gradient.
            iteration: Iterations done, this one included.

        Returns:
            Curve points of the decisions that were made.
        """
        points: tuple[Point, ...] = ()
        if self._epoch:
            self._sum += loss
            if iteration % self._epoch == 0:
                value, self._sum = self._sum.item() / self._epoch, self._zero()
                points = self._look("loss", value, iteration)
        if self._every and not self.stopped and (iteration % self._every == 0 or iteration in self._spec.marks):
            self.open = list(self._spec.validate)
        return points

    def validated(self, scores: Sequence[Score], iteration: int, weights: Callable[[], Weights]) -> tuple[Point, ...]:
        """Record the scores of `open[0]`; after the last case, decide by the validation's value.

        Args:
            scores: Scores of the case.
            iteration: Iterations done.
            weights: Returns a copy of the network's weights; called where they are the best so far.

        Returns:
            Curve points: the value, where this was the last case, and the decisions that were made.
        """
        self._scores += scores
        self.open.pop(0)
        if self.open:
            return ()
        how = self._spec.objective
        value = objective(self._scores, metric=how["metric"], regions=how["regions"], empty=how.get("empty", "report"))
        self._scores = []
        if self._spec.checkpoint == "best" and value is not None and self._is_best(value):
            self._best_value, self.best = value, weights()
        points = () if value is None else (Point(iteration, "validation", value),)
        return (*points, *self._look("validation", value, iteration))

    def state_dict(self) -> dict[str, Any]:
        """The state without the best weights (`best`): numbers, strings, lists and dicts."""
        return {
            "sum": self._sum.item(),
            "open": list(self.open),
            "scores": [list(dataclasses.astuple(score)) for score in self._scores],
            "best_value": self._best_value,
            "plateau": self._plateau.state_dict() if self._plateau is not None else {},
            "stopping": self._stopping.state_dict() if self._stopping is not None else {},
        }

    def load_state_dict(self, state: Mapping[str, Any], best: Weights | None) -> None:
        """The inverse of `state_dict`, with the best weights."""
        self._sum = self._zero() + state["sum"]
        self.open, self._scores = list(state["open"]), [Score(*score) for score in state["scores"]]
        self._best_value, self.best = state["best_value"], best
        if self._plateau is not None:
            self._plateau.load_state_dict(state["plateau"])
        if self._stopping is not None:
            self._stopping.load_state_dict(state["stopping"])

    def _look(self, monitor: Literal["loss", "validation"], value: float | None, iteration: int) -> tuple[Point, ...]:
        points = []
        if self._plateau is not None and _monitor(self._spec.plateau) == monitor and self._plateau.look(value):
            points.append(Point(iteration, "learning_rate", self._plateau.rate))
        if self._stopping is not None and _monitor(self._spec.early_stopping) == monitor and self._stopping.look(value):
            points.append(Point(iteration, "stopped", 1.0))
        return tuple(points)

    def _is_best(self, value: float) -> bool:
        """Tell whether a value is better than the best; of equal values the first stays."""
        if self._best_value is None:
            return True
        return value > self._best_value if self._spec.objective["maximize"] else value < self._best_value

    def _greater(self, options: Mapping[str, Any]) -> bool:
        return _monitor(options) == "validation" and bool(self._spec.objective.get("maximize", True))

    def _zero(self) -> Tensor:
        return torch.zeros((), dtype=torch.float64, device=self._device)


def _schedule(spec: TrialSpec) -> Callable[[int, int], float]:
    if spec.schedule == PLATEAU:
        return SCHEDULES["constant"]
    if spec.schedule not in SCHEDULES:
        raise InputError(f"no schedule named {spec.schedule!r}; there are {', '.join((*SCHEDULES, PLATEAU))}")
    return partial(SCHEDULES[spec.schedule], **spec.step) if spec.schedule == "step" else SCHEDULES[spec.schedule]


def _monitor(options: Mapping[str, Any]) -> str:
    return str(options.get("monitor", "loss"))


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "monitor"}
