"""Patience beside Keras' own callbacks, written out once more as they stand there."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from trainables.training.patience import EarlyStopping, Plateau


@dataclasses.dataclass
class KerasPlateau:
    """`keras.callbacks.ReduceLROnPlateau.on_epoch_end`, line by line, with what it calls."""

    rate: float
    factor: float
    patience: int
    min_rate: float
    min_delta: float
    cooldown: int
    greater: bool

    def __post_init__(self) -> None:
        self.best, self.wait, self.resting = (-math.inf if self.greater else math.inf), 0, 0

    def better(self, value: float) -> bool:
        return value > self.best + self.min_delta if self.greater else value < self.best - self.min_delta

    def epoch(self, value: float) -> float:
        if self.resting > 0:
            self.resting -= 1
            self.wait = 0
        if self.better(value):
            self.best = value
            self.wait = 0
        elif not self.resting > 0:
            self.wait += 1
            if self.wait >= self.patience and self.rate > self.min_rate:
                self.rate = max(self.rate * self.factor, self.min_rate)
                self.resting = self.cooldown
                self.wait = 0
        return self.rate


def walk(seed: int, count: int = 120) -> list[float]:
    """Values that fall at first and then wander."""
    rng = np.random.default_rng(seed)
    return [float(v) for v in np.exp(-np.arange(count) / 8) + rng.normal(0, 0.02, count)]


HOW: list[dict[str, Any]] = [
    {"factor": 0.1, "patience": 5, "min_rate": 1e-5, "min_delta": 1e-4, "cooldown": 1, "greater": False},
    {"factor": 0.5, "patience": 2, "min_rate": 1e-6, "min_delta": 0.05, "cooldown": 0, "greater": False},
    {"factor": 0.5, "patience": 3, "min_rate": 0.0, "min_delta": 0.0, "cooldown": 4, "greater": True},
    {"factor": 0.3, "patience": 1, "min_rate": 1e-7, "min_delta": 0.01, "cooldown": 2, "greater": True},
]


@pytest.mark.parametrize("how", HOW)
def test_plateau_is_kerass(how: dict[str, Any]) -> None:
    for seed in range(10):
        ours, theirs = Plateau(1e-4, **how), KerasPlateau(1e-4, **how)
        rates = []
        for value in walk(seed):
            before = ours.rate
            assert ours.look(value) == (ours.rate != before)
            assert ours.rate == theirs.epoch(value)
            rates.append(ours.rate)
        assert len(set(rates)) > 1


def test_a_plateau_falls_when_the_count_reaches_its_patience() -> None:
    plateau = Plateau(1e-4, factor=0.1, patience=3, min_rate=1e-5)
    assert [plateau.look(value) for value in (1.0, 1.0, 0.99999, 1.0)] == [False, False, False, True]
    assert plateau.rate == pytest.approx(1e-5)
    assert not any(plateau.look(1.0) for _ in range(20))  # at the lowest rate: exactly one fall


def test_missing_and_nan_are_never_better() -> None:
    plateau = Plateau(1.0, patience=2, factor=0.5)
    assert [plateau.look(value) for value in (None, math.nan, 0.5, math.nan, None)] == [False, True, False, False, True]
    stopping = EarlyStopping(patience=2)
    assert [stopping.look(value) for value in (math.nan, 1.0, None, math.nan)] == [False, False, False, True]


def test_stopping_by_hand() -> None:
    stopping = EarlyStopping(patience=2, min_delta=0.1)
    seen = [stopping.look(value) for value in (1.0, 0.95, 0.85, 0.8, 0.76)]
    assert seen == [False, False, False, False, True]  # 0.85 is better than 1 by enough, 0.76 not than 0.85
    upwards = EarlyStopping(patience=2, greater=True)
    assert [upwards.look(value) for value in (0.1, 0.2, 0.2, 0.2)] == [False, False, False, True]
    assert upwards.stopped


@pytest.mark.parametrize("cut", [1, 9, 40, 41, 42, 43, 80])
def test_states_go_on_where_they_were(cut: int) -> None:
    for how in HOW:
        straight, first, second = (Plateau(1e-4, **how) for _ in range(3))
        values = walk(3)
        rates = [(straight.look(v), straight.rate)[1] for v in values]
        for value in values[:cut]:
            first.look(value)
        second.load_state_dict(first.state_dict())
        assert [(second.look(v), second.rate)[1] for v in values[cut:]] == rates[cut:]
    one, two, three = (EarlyStopping(patience=12) for _ in range(3))
    stops = [one.look(v) for v in walk(5)]
    for value in walk(5)[:cut]:
        two.look(value)
    three.load_state_dict(two.state_dict())
    assert three.stopped == stops[cut - 1]
    assert [three.look(v) for v in walk(5)[cut:]] == stops[cut:]
    assert stops[-1]
    assert not stops[0]
