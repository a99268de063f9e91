"""How a study file says what may vary: a scalar is fixed, a list is a choice, `{low, high, log, step}` is a range."""

import dataclasses
from collections.abc import Mapping

Scalar = bool | int | float | str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Fixed:
    """One value for all trials."""

    value: Scalar


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """One of several values, unordered. At least two, all different."""

    values: tuple[Scalar, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """A number in `[low, high]`; whole numbers where `low` and `high` are whole (ints) and `step` is None or whole."""

    low: float
    high: float
    log: bool = False
    step: float | None = None


Parameter = Fixed | Choice | Range
Space = Mapping[str, Parameter]
"""Dotted name (`loss.gamma`, `training.learning_rate`, `loss.weights.kidney`) → parameter."""
