"""How a study file says what may vary: a scalar is fixed, a list is a choice, `{low, high, log, step}` is a range."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

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

    @property
    def whole(self) -> bool:
        """Whether its values are ints."""
        return all(isinstance(number, int) for number in (self.low, self.high, self.step or 0))


Parameter = Fixed | Choice | Range
Space = Mapping[str, Parameter]
"""Dotted name (`loss.gamma`, `training.learning_rate`, `loss.weights.kidney`) → parameter."""

RANGE_KEYS = ("low", "high", "log", "step")


class GrammarError(ValueError):
    """What a study file says of a parameter cannot be understood.

    Attributes:
        problems: Every problem found: (dotted key, what was expected and what was found).
    """

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{key}: {text}" for key, text in self.problems))


def parse(value: object, key: str) -> Parameter:
    """One parameter as a study file writes it.

    Args:
        value: A scalar, a list of scalars (a list of one is that scalar), or a mapping with `low` and `high`.
        key: The parameter's dotted name, for errors.

    Raises:
        GrammarError: It is none of these, or a range that is upside down, or whose step does not divide it.
    """
    if isinstance(value, Mapping):
        return _range(value, key)
    if isinstance(value, list | tuple):
        return _choice(value, key)
    return Fixed(_scalar(value, key))


def flatten(mapping: Mapping[str, object], prefix: str = "") -> dict[str, Parameter]:
    """All parameters of nested mappings, by dotted name: `{weights: {kidney: 2}}` → `{"weights.kidney": Fixed(2)}`.

    A mapping with a `low` or a `high` is a range; any other one is a level of names.

    Raises:
        GrammarError: With every problem in the mapping, not only the first.
    """
    space: dict[str, Parameter] = {}
    problems: list[tuple[str, str]] = []
    for name, value in mapping.items():
        key = f"{prefix}.{name}" if prefix else str(name)
        try:
            if isinstance(value, Mapping) and value and not {"low", "high"} & set(value):
                space |= flatten(value, key)
            else:
                space[key] = parse(value, key)
        except GrammarError as error:
            problems += error.problems
    if problems:
        raise GrammarError(problems)
    return space


def contains(parameter: Parameter, value: Scalar) -> bool:
    """Whether a trial may have this value. Floats of a stepped range may be off by 1e-9 of a step."""
    if isinstance(parameter, Fixed):
        return _same(parameter.value, value)
    if isinstance(parameter, Choice):
        return any(_same(option, value) for option in parameter.values)
    if not _is_number(value) or not parameter.low <= value <= parameter.high:
        return False
    if parameter.whole and not isinstance(value, int):
        return False
    if parameter.step is None:
        return True
    steps = (value - parameter.low) / parameter.step
    return abs(steps - round(steps)) <= 1e-9


def nearest(parameter: Parameter, value: Scalar) -> Scalar:
    """The allowed value that is closest to `value`: itself where it is allowed.

    Where the two cannot be compared (a word that is not among the choices, None in a range), a choice gives its first
    value and a range its middle (the geometric middle of a log range).
    """
    if isinstance(parameter, Fixed):
        return parameter.value
    if isinstance(parameter, Choice):
        return _nearest_of(parameter.values, value)
    if not _is_number(value):
        return from_unit(parameter, 0.5)
    clipped = min(max(float(value), parameter.low), parameter.high)
    if parameter.step is not None:
        return _at_step(parameter, round((clipped - parameter.low) / parameter.step))
    return round(clipped) if parameter.whole else float(clipped)


def from_unit(parameter: Parameter, u: float) -> Scalar:
    """The value at a point of the unit interval: equal parts for choices and steps, logarithms for a log range.

    Args:
        parameter: Where the value comes from.
        u: In `[0, 1)`.

    Raises:
        ValueError: `u` is outside.
    """
    if not 0 <= u < 1:
        raise ValueError(f"u is {u}; expected a number in [0, 1)")
    if isinstance(parameter, Fixed):
        return parameter.value
    if isinstance(parameter, Choice):
        return parameter.values[int(u * len(parameter.values))]
    low, high = parameter.low, parameter.high
    if parameter.log:
        half = 0.5 if parameter.whole else 0.0  # so that each whole number has its own stretch
        bottom, top = math.log(low - half), math.log(high + half)
        drawn = math.exp(bottom + u * (top - bottom))
        return min(max(round(drawn), int(low)), int(high)) if parameter.whole else float(min(max(drawn, low), high))
    if (count := _points(parameter)) is not None:
        return _at_step(parameter, int(u * count))
    return float(min(low + u * (high - low), high))


def grid_points(space: Space) -> int | None:
    """How many configurations there are; None where a parameter is continuous."""
    counts = [_points(parameter) for parameter in space.values()]
    return math.prod(count for count in counts if count is not None) if None not in counts else None


def grid_values(parameter: Parameter) -> tuple[Scalar, ...]:
    """Every value that a parameter can have, in order.

    Raises:
        ValueError: It is continuous.
    """
    if isinstance(parameter, Fixed):
        return (parameter.value,)
    if isinstance(parameter, Choice):
        return parameter.values
    if (count := _points(parameter)) is None:
        raise ValueError(f"a range from {parameter.low} to {parameter.high} without step has no finite grid")
    return tuple(_at_step(parameter, index) for index in range(count))


def distributions(space: Space) -> dict[str, "BaseDistribution"]:
    """What varies, in Optuna's words. Fixed parameters are left out."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    found: dict[str, BaseDistribution] = {}
    for name, parameter in space.items():
        if isinstance(parameter, Choice):
            found[name] = CategoricalDistribution(parameter.values)
        elif isinstance(parameter, Range) and parameter.whole:
            step = int(parameter.step or 1)
            found[name] = IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log, step=step)
        elif isinstance(parameter, Range):
            found[name] = FloatDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
    return found


def to_plain(parameter: Parameter) -> dict[str, Any]:
    """As the ledger keeps it: `{fixed: …}`, `{choice: […]}` or `{low:, high:, log:, step:}`."""
    if isinstance(parameter, Fixed):
        return {"fixed": parameter.value}
    if isinstance(parameter, Choice):
        return {"choice": list(parameter.values)}
    return dataclasses.asdict(parameter)


def from_plain(plain: Mapping[str, Any]) -> Parameter:
    """The inverse of `to_plain`."""
    if "fixed" in plain:
        return Fixed(plain["fixed"])
    if "choice" in plain:
        return Choice(tuple(plain["choice"]))
    return Range(**plain)


def written(parameter: Parameter) -> Any:
    """As a study file writes it: the inverse of `parse`."""
    if isinstance(parameter, Fixed):
        return parameter.value
    if isinstance(parameter, Choice):
        return list(parameter.values)
    return dataclasses.asdict(parameter)


def _range(value: Mapping[str, object], key: str) -> Range:
    problems = [
        (f"{key}.{name}", "a range has only low, high, log and step") for name in value if name not in RANGE_KEYS
    ]
    problems += [(key, f"a range needs `{name}`") for name in ("low", "high") if value.get(name) is None]
    for name in ("low", "high", "step"):
        given = value.get(name)
        if given is not None and not (_is_number(given) and math.isfinite(given)):
            problems.append((f"{key}.{name}", f"expected a number, found {given!r}"))
    if not isinstance(value.get("log", False), bool):
        problems.append((f"{key}.log", f"expected true or false, found {value['log']!r}"))
    if problems:
        raise GrammarError(problems)
    parameter = Range(**value)  # type: ignore[arg-type]  # checked just above
    if not parameter.whole:
        step = None if parameter.step is None else float(parameter.step)
        parameter = Range(float(parameter.low), float(parameter.high), parameter.log, step)
    if (problem := _flaw(parameter)) is not None:
        raise GrammarError([(key, problem)])
    return parameter


def _flaw(parameter: Range) -> str | None:
    low, high, step = parameter.low, parameter.high, parameter.step
    if low > high:
        return f"the range is upside down: low {low} is above high {high}"
    if low == high:
        return f"low and high are both {low}: write the number itself"
    if parameter.log and low <= 0:
        return f"a log range must start above 0, found low {low}"
    if step is None:
        return None
    if parameter.log:
        return "a log range cannot have a step: list the values instead"
    if step <= 0:
        return f"step must be above 0, found {step}"
    if (Decimal(repr(high)) - Decimal(repr(low))) % Decimal(repr(step)) != 0:
        return f"step {step} does not lead from low {low} to high {high}"
    return None


def _choice(values: Sequence[object], key: str) -> Parameter:
    if not values:
        raise GrammarError([(key, "the list is empty: give at least one value")])
    options = tuple(_scalar(value, key) for value in values)
    for index, option in enumerate(options):
        if option in options[:index]:  # also 1 and 1.0, or 1 and true: no table could tell them apart
            raise GrammarError([(key, f"{option!r} is listed twice")])
    return Choice(options) if len(options) > 1 else Fixed(options[0])


def _scalar(value: object, key: str) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        raise GrammarError([(key, f"expected a finite number, found {value}")])
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise GrammarError([(key, f"expected a number, a word or a range, found {value!r}")])


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(left: Scalar, right: Scalar) -> bool:
    """Equal as values of a parameter: 1 is 1.0, but true is not 1."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _nearest_of(options: Sequence[Scalar], value: Scalar) -> Scalar:
    for option in options:
        if _same(option, value):
            return option
    numbers = [option for option in options if _is_number(option)]
    return min(numbers, key=lambda option: abs(option - value)) if numbers and _is_number(value) else options[0]


def _points(parameter: Parameter) -> int | None:
    """How many values a parameter has; None for a continuous range."""
    if isinstance(parameter, Fixed):
        return 1
    if isinstance(parameter, Choice):
        return len(parameter.values)
    step = parameter.step if parameter.step is not None else (1 if parameter.whole else None)
    return None if step is None else round((parameter.high - parameter.low) / step) + 1


def _at_step(parameter: Range, index: int) -> float:
    """The value after `index` steps, computed in decimals: 0.1 + 2 * 0.1 is 0.3 and nothing else."""
    if parameter.whole:
        return int(parameter.low) + index * int(parameter.step or 1)
    return float(Decimal(repr(parameter.low)) + index * Decimal(repr(parameter.step)))
