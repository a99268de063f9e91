"""A search space on its way from or to another program, with notes on what does not carry over."""

import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

from search_spaces.grammar import Fixed, GrammarError, Parameter, Range, Scalar, Space, is_number, parse
from search_spaces.values import grid_values

T = TypeVar("T")
MOST_VALUES = 1000
"""Steps that are written as a list of values at most."""


@dataclasses.dataclass(frozen=True, slots=True)
class Exchanged:
    """A search space that was read.

    Attributes:
        space: Its parameters by name; nested ones by dotted name.
        notes: One line for each difference in what is drawn.
    """

    space: Space
    notes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """A search space that was written.

    Attributes:
        text: The file's text.
        notes: One line for each difference in what is drawn.
    """

    text: str
    notes: tuple[str, ...] = ()


First = Mapping[str, Scalar]
"""The configuration of an arm's first trial: name → value."""

NO_FIRST: First = MappingProxyType({})


def read_each(
    rows: Iterable[tuple[str, T]], read: Callable[[str, T], Parameter], problems: Sequence[tuple[str, str]] = ()
) -> dict[str, Parameter]:
    """Return the parameters of all rows by name.

    Args:
        rows: Name and row of each.
        read: Returns a row's parameter, or raises GrammarError.
        problems: Those that were found before.

    Raises:
        GrammarError: With every problem, not only the first.
    """
    space: dict[str, Parameter] = {}
    found = list(problems)
    for name, row in rows:
        try:
            space[name] = read(name, row)
        except GrammarError as error:
            found += error.problems
    if found:
        raise GrammarError(found)
    return space


def named_rows(text: str, expected: str) -> dict[str, Any]:
    """Return the rows of a JSON object by name.

    Raises:
        GrammarError: It is no JSON, or no object with at least one name.
    """
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GrammarError([("the file", f"is no JSON ({error})")]) from error
    if not isinstance(plain, dict) or not plain:
        raise GrammarError([("the file", f"expected an object: {expected}")])
    return plain


def number(value: object, key: str, name: str) -> float:
    """Return a number of the other program's file.

    Raises:
        GrammarError: It is none.
    """
    if not is_number(value) or not math.isfinite(value):
        raise GrammarError([(key, f"{name} is {value!r}, expected a number")])
    return value


def whole(value: object, key: str, name: str) -> int:
    """Return a whole number of the other program's file, as an int also where it is written as 4.0.

    Raises:
        GrammarError: It is none.
    """
    found = number(value, key, name)
    if found != int(found):
        raise GrammarError([(key, f"{name} is {value!r}, expected a whole number")])
    return int(found)


def single_or_range(low: float, high: float, key: str, *, log: bool = False, step: float | None = None) -> Parameter:
    """Return a range with both ends, or its one value.

    Raises:
        GrammarError: It is upside down, a log range does not start above 0, or the step does not lead to the upper end.
    """
    return Fixed(low) if low == high else parse({"low": low, "high": high, "log": log, "step": step}, key)


def steps_of(parameter: Range, key: str) -> tuple[Scalar, ...]:
    """Return all values of a range with steps, in order.

    Raises:
        GrammarError: They are more than can be listed.
    """
    assert parameter.step is not None
    count = round((parameter.high - parameter.low) / parameter.step) + 1
    if count > MOST_VALUES:
        raise GrammarError([(key, f"{count} steps are too many to be listed ({MOST_VALUES} at most)")])
    return grid_values(parameter)


def choice_of(values: object, key: str) -> Parameter:
    """Return a choice among values, or the one value.

    Raises:
        GrammarError: It is no list, is empty, lists a value twice, or has values other than finite numbers, words,
            true, false and null.
    """
    if not isinstance(values, list | tuple):
        raise GrammarError([(key, f"expected a list of values, found {values!r}")])
    return parse(values, key)


def varied(space: Space, first: First) -> str:
    """Return the first trial's values of the parameters that vary, as JSON."""
    return json.dumps({name: value for name, value in first.items() if not isinstance(space[name], Fixed)})
