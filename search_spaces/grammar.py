"""Grammar of a study file's parameters: a scalar is fixed, a list a choice, `{low, high, log, step, first}` a range."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeGuard

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
    """A number in `[low, high]`; an int where `low` and `high` are ints and `step` is None or an int.

    An arm's first trial has the value `first`; None: the one nearest to the parameter's default.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    first: float | None = None

    @property
    def whole(self) -> bool:
        """True if its values are ints."""
        return all(isinstance(number, int) for number in (self.low, self.high, self.step or 0))


Parameter = Fixed | Choice | Range
Space = Mapping[str, Parameter]
"""Dotted name (`loss.gamma`, `training.learning_rate`, `loss.weights.kidney`) → parameter."""

RANGE_KEYS = ("low", "high", "log", "step", "first")


class GrammarError(ValueError):
    """A study file's entry for a parameter is not valid.

    Attributes:
        problems: Every problem found: (dotted key, what was expected and what was found).
    """

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{key}: {text}" for key, text in self.problems))


def parse(value: object, key: str) -> Parameter:
    """Parses one parameter of a study file.

    Args:
        value: A scalar, a list of scalars (a list of one is that scalar), or a mapping with `low` and `high`.
        key: The parameter's dotted name, for errors.

    Raises:
        GrammarError: It is none of these, or a range whose `low` exceeds `high`, or whose step does not divide it.
    """
    if isinstance(value, Mapping):
        return _range(value, key)
    if isinstance(value, list | tuple):
        return _choice(value, key)
    return Fixed(_scalar(value, key))


def flatten(mapping: Mapping[str, object], prefix: str = "") -> dict[str, Parameter]:
    """Flattens nested mappings to parameters by dotted name: `{weights: {kidney: 2}}` → `{"weights.kidney": Fixed(2)}`.

    A mapping with a `low` or a `high` is a range; any other mapping is a level of names.

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


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Nests values by dotted name into mappings: `{"weights.kidney": 2}` → `{weights: {kidney: 2}}`."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        inside = tree
        for part in path:
            inside = inside.setdefault(part, {})
        inside[last] = value
    return tree


def to_plain(parameter: Parameter) -> dict[str, Any]:
    """Converts to the ledger's form: `{fixed: …}`, `{choice: […]}`, `{low:, high:, log:, step:}` (and a `first:`)."""
    if isinstance(parameter, Fixed):
        return {"fixed": parameter.value}
    if isinstance(parameter, Choice):
        return {"choice": list(parameter.values)}
    return _keys(parameter)


def from_plain(plain: Mapping[str, Any]) -> Parameter:
    """Parses the ledger's form; the inverse of `to_plain`."""
    if "fixed" in plain:
        return Fixed(plain["fixed"])
    if "choice" in plain:
        return Choice(tuple(plain["choice"]))
    return Range(**plain)


def written(parameter: Parameter) -> Any:
    """Converts to the study file's form; the inverse of `parse`."""
    if isinstance(parameter, Fixed):
        return parameter.value
    if isinstance(parameter, Choice):
        return list(parameter.values)
    return _keys(parameter)


def _keys(parameter: Range) -> dict[str, Any]:
    """Returns a range's keys; `first` only where it was given."""
    keys = dataclasses.asdict(parameter)
    return keys if parameter.first is not None else {key: value for key, value in keys.items() if key != "first"}


def _range(value: Mapping[str, object], key: str) -> Range:
    problems = [
        (f"{key}.{name}", "a range has only low, high, log, step and first") for name in value if name not in RANGE_KEYS
    ]
    problems += [(key, f"a range needs `{name}`") for name in ("low", "high") if value.get(name) is None]
    for name in ("low", "high", "step", "first"):
        given = value.get(name)
        if given is not None and not (is_number(given) and math.isfinite(given)):
            problems.append((f"{key}.{name}", f"expected a number, found {given!r}"))
    if not isinstance(value.get("log", False), bool):
        problems.append((f"{key}.log", f"expected true or false, found {value['log']!r}"))
    if problems:
        raise GrammarError(problems)
    parameter = Range(**value)  # type: ignore[arg-type]  # checked just above
    if not parameter.whole:
        step = None if parameter.step is None else float(parameter.step)
        first = None if parameter.first is None else float(parameter.first)
        parameter = Range(float(parameter.low), float(parameter.high), parameter.log, step, first)
    if (problem := _flaw(parameter)) is not None:
        raise GrammarError([(key, problem)])
    return parameter


def _flaw(parameter: Range) -> str | None:
    low, high = parameter.low, parameter.high
    if low > high:
        return f"the range is upside down: low {low} is above high {high}"
    if low == high:
        return f"low and high are both {low}: write the number itself"
    if parameter.log and low <= 0:
        return f"a log range must start above 0, found low {low}"
    return _step_flaw(parameter) or _first_flaw(parameter)


def _first_flaw(parameter: Range) -> str | None:
    first = parameter.first
    if first is None:
        return None
    if not parameter.low <= first <= parameter.high:
        return f"first must lie between low {parameter.low} and high {parameter.high}, found {first}"
    if parameter.whole and first != int(first):
        return f"first must be a whole number, as low and high are, found {first}"
    if parameter.step is not None and (Decimal(repr(first)) - Decimal(repr(parameter.low))) % Decimal(
        repr(parameter.step)
    ):
        return f"first {first} is not among the steps of {parameter.step} from low {parameter.low}"
    return None


def _step_flaw(parameter: Range) -> str | None:
    low, high, step = parameter.low, parameter.high, parameter.step
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
        if option in options[:index]:  # also 1 and 1.0, or 1 and true, which are equal as dictionary keys
            raise GrammarError([(key, f"{option!r} is listed twice")])
    return Choice(options) if len(options) > 1 else Fixed(options[0])


def _scalar(value: object, key: str) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        raise GrammarError([(key, f"expected a finite number, found {value}")])
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise GrammarError([(key, f"expected a number, a word or a range, found {value!r}")])


def is_number(value: object) -> TypeGuard[int | float]:
    """Tell whether a value is an int or a float; true and false are neither."""
    return isinstance(value, int | float) and not isinstance(value, bool)
