"""Search spaces of ConfigSpace (SMAC, DEHB, auto-sklearn): the JSON that `ConfigurationSpace.to_json` writes.

ConfigSpace has no steps: a range with steps is an `ordinal`, which keeps their order and draws each equally often. The
default of a log range is its geometric middle (10 for 1 to 100), so the first trial is always written as default.
"""

import itertools
import json
import math
from collections.abc import Mapping
from typing import Any

from search_spaces.exchange.exchanged import (
    NO_FIRST,
    Exchanged,
    First,
    Text,
    choice_of,
    number,
    read_each,
    single_or_range,
    steps_of,
    whole,
)
from search_spaces.grammar import (
    Choice,
    Fixed,
    GrammarError,
    Parameter,
    Range,
    Scalar,
    Space,
    is_number,
    parse,
    to_plain,
)
from search_spaces.values import first_of

FORMAT = 0.4
"""Version of the JSON format, that of ConfigSpace 1.0 to 1.2."""

_LOG_INTEGERS = "ConfigSpace draws both ends of a log range of whole numbers less often than segstudy"


def write(space: Space, first: First = NO_FIRST) -> Text:
    """Return the JSON that `ConfigurationSpace.from_json` reads, with the first trial as the default configuration.

    Raises:
        GrammarError: A range has more than 1,000 steps.
    """
    notes: list[str] = []
    rows = [_written(name, parameter, first.get(name), notes) for name, parameter in space.items()]
    plain = {
        "name": None,
        "hyperparameters": rows,
        "conditions": [],
        "forbiddens": [],
        "python_module_version": "1.2.0",
        "format_version": FORMAT,
    }
    return Text(json.dumps(plain, indent=2) + "\n", tuple(notes))


def _written(name: str, parameter: Parameter, first: Scalar, notes: list[str]) -> dict[str, Any]:
    if isinstance(parameter, Fixed):
        return {"type": "constant", "name": name, "value": parameter.value, "meta": None}
    default = first_of(parameter, first)
    if isinstance(parameter, Choice):
        rest = {"choices": list(parameter.values), "weights": None, "default_value": default}
        return {"type": "categorical", "name": name, **rest, "meta": None}
    if parameter.step is not None and not (parameter.whole and parameter.step == 1):
        steps = {"sequence": list(steps_of(parameter, name)), "default_value": default}
        return {"type": "ordinal", "name": name, **steps, "meta": None}
    if parameter.whole and parameter.log:
        notes.append(f"{name}: {_LOG_INTEGERS}")
    ends = {"lower": parameter.low, "upper": parameter.high, "default_value": default, "log": parameter.log}
    return {"type": "uniform_int" if parameter.whole else "uniform_float", "name": name, **ends, "meta": None}


def read(text: str) -> Exchanged:
    """Return the search space of ConfigSpace's JSON; a default becomes the range's `first`.

    Raises:
        GrammarError: It is no such JSON, or has conditions, forbidden combinations, weights or normal distributions.
    """
    try:
        plain = json.loads(text)
        rows = list(plain["hyperparameters"])
        rest = [key for key in ("conditions", "forbiddens") if plain.get(key)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise GrammarError([("the file", "is no JSON of ConfigSpace: it has no `hyperparameters`")]) from error
    problems = [("the file", f"has {key}; a study file has none") for key in rest]
    notes: list[str] = []
    names = [row.get("name") if isinstance(row, Mapping) else None for row in rows]
    problems += [
        (f"hyperparameters[{at}]", "has no name") for at, name in enumerate(names) if not isinstance(name, str)
    ]
    named = [(name, row) for name, row in zip(names, rows, strict=True) if isinstance(name, str)]
    space = read_each(named, lambda name, row: _parameter(row, name, notes), problems)
    return Exchanged(space, tuple(notes))


def _parameter(row: Mapping[str, Any], name: str, notes: list[str]) -> Parameter:
    kind = row.get("type")
    if kind == "constant":
        return choice_of([row.get("value")], name)
    if kind == "categorical":
        weights = row.get("weights")
        if isinstance(weights, list) and len(set(weights)) > 1:
            raise GrammarError([(name, "has weights; a study file's choices are drawn equally often")])
        return choice_of(row.get("choices"), name)
    if kind == "ordinal":
        return _ordinal(choice_of(row.get("sequence"), name), row, notes)
    if kind not in ("uniform_int", "uniform_float"):
        raise GrammarError(
            [(name, f"is of type {kind!r}; a study file has uniform and log-uniform ranges and choices")]
        )
    read_number = whole if kind == "uniform_int" else number
    low, high = (read_number(row.get(end), name, end) for end in ("lower", "upper"))
    if kind == "uniform_float":
        low, high = float(low), float(high)
    parameter = single_or_range(low, high, name, log=bool(row.get("log")))
    if isinstance(parameter, Range) and parameter.whole and parameter.log:
        notes.append(f"{name}: {_LOG_INTEGERS}")
    return _beginning(parameter, row.get("default_value"), name)


def _ordinal(values: Parameter, row: Mapping[str, Any], notes: list[str]) -> Parameter:
    """Return a range with steps where the values are evenly spaced numbers, else a choice."""
    if not isinstance(values, Choice) or not all(is_number(value) for value in values.values):
        return values
    numbers = [float(value) for value in values.values if is_number(value)]
    steps = [after - before for before, after in itertools.pairwise(numbers)]
    exact = all(isinstance(value, int) for value in values.values)
    if min(steps) <= 0 or not math.isclose(min(steps), max(steps), rel_tol=1e-9):
        notes.append(f"{row['name']}: an ordinal whose steps differ becomes a choice, which has no order")
        return values
    low, high, step = numbers[0], numbers[-1], round(steps[0], 12)
    try:
        if exact:
            found = single_or_range(int(low), int(high), row["name"], step=int(step))
        else:
            found = single_or_range(low, high, row["name"], step=step)
    except GrammarError:  # steps that no decimal number says, such as thirds
        return values
    return _beginning(found, row.get("default_value"), row["name"])


def _beginning(parameter: Parameter, default: object, name: str) -> Parameter:
    """Return a range whose first trial has ConfigSpace's default.

    Raises:
        GrammarError: The default is outside the range.
    """
    if not isinstance(parameter, Range) or not is_number(default):
        return parameter
    return parse({**to_plain(parameter), "first": default}, name)
