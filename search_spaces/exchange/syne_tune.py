"""Search spaces of Syne Tune: the JSON that `config_space_to_json_dict` writes.

Its whole numbers have both ends. `lograndint` draws the lowest value half as often as its logarithm says (rounding).
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from search_spaces.exchange.exchanged import (
    NO_FIRST,
    Exchanged,
    First,
    Text,
    choice_of,
    named_rows,
    number,
    read_each,
    single_or_range,
    varied,
    whole,
)
from search_spaces.grammar import Choice, Fixed, GrammarError, Parameter, Space

_LOG_INTEGERS = "Syne Tune draws the ends of a log range of whole numbers half as often as segstudy"


def write(space: Space, first: First = NO_FIRST) -> Text:
    """Return the JSON that `config_space_from_json_dict` reads."""
    notes = [f"the first trial, for points_to_evaluate: {varied(space, first)}"] if first else []
    plain = {name: _written(name, parameter, notes) for name, parameter in space.items()}
    return Text(json.dumps(plain, indent=2) + "\n", tuple(notes))


def _written(name: str, parameter: Parameter, notes: list[str]) -> Any:
    if isinstance(parameter, Fixed):
        return parameter.value
    if isinstance(parameter, Choice):
        return _domain("Categorical", {"categories": list(parameter.values)}, "Uniform")
    ends = {"lower": parameter.low, "upper": parameter.high}
    if parameter.step is not None and not (parameter.whole and parameter.step == 1):
        size = round((parameter.high - parameter.low) / parameter.step) + 1
        return _domain("FiniteRange", {**ends, "log_scale": False, "cast_int": parameter.whole, "size": size})
    if parameter.whole and parameter.log:
        notes.append(f"{name}: {_LOG_INTEGERS}")
    return _domain("Integer" if parameter.whole else "Float", ends, "LogUniform" if parameter.log else "Uniform")


def _domain(kind: str, arguments: Mapping[str, Any], sampler: str | None = None) -> dict[str, Any]:
    drawn = {"sampler_cls": sampler, "sampler_kwargs": {"base": math.e} if sampler == "LogUniform" else {}}
    return {"domain_cls": kind, "domain_kwargs": dict(arguments), **(drawn if sampler else {})}


def read(text: str) -> Exchanged:
    """Return the search space of Syne Tune's JSON.

    A value that is no domain is fixed. `FiniteRange` on a log scale and ordinals become choices.

    Raises:
        GrammarError: It is no JSON object, or has a domain that a study file cannot say.
    """
    notes: list[str] = []
    rows = named_rows(text, "name → domain or value")
    space = read_each(
        rows.items(),
        lambda name, row: _domain_read(row, name, notes) if isinstance(row, dict) else choice_of([row], name),
    )
    return Exchanged(space, tuple(notes))


def _domain_read(value: Mapping[str, Any], name: str, notes: list[str]) -> Parameter:
    kind, arguments = value.get("domain_cls"), value.get("domain_kwargs")
    if not isinstance(arguments, Mapping) or not isinstance(kind, str) or kind not in _DOMAINS:
        raise GrammarError([(name, f"is a {kind}; known are {', '.join(_DOMAINS)}")])
    sampler = value.get("sampler_cls")
    if sampler not in (None, "Uniform", "LogUniform"):
        raise GrammarError([(name, f"is drawn by {sampler}; a study file has uniform and log-uniform ranges")])
    return _DOMAINS[kind](arguments, sampler == "LogUniform", name, notes)


def _float(given: Mapping[str, Any], log: bool, name: str, notes: list[str]) -> Parameter:
    low, high = (float(number(given.get(end), name, end)) for end in ("lower", "upper"))
    if log and high < 1 and low > 0.5:
        notes.append(f"{name}: Syne Tune writes reverseloguniform as LogUniform, so it may have been that")
    return single_or_range(low, high, name, log=log)


def _integer(given: Mapping[str, Any], log: bool, name: str, notes: list[str]) -> Parameter:
    low, high = (whole(given.get(end), name, end) for end in ("lower", "upper"))
    if log:
        notes.append(f"{name}: {_LOG_INTEGERS}")
    return single_or_range(low, high, name, log=log)


def _categorical(given: Mapping[str, Any], log: bool, name: str, notes: list[str]) -> Parameter:
    return choice_of(given.get("categories"), name)


def _ordinal(given: Mapping[str, Any], log: bool, name: str, notes: list[str]) -> Parameter:
    notes.append(f"{name}: an ordinal becomes a choice, which has no order")
    return choice_of(given.get("categories"), name)


def _finite(given: Mapping[str, Any], log: bool, name: str, notes: list[str]) -> Parameter:
    low, high = (number(given.get(end), name, end) for end in ("lower", "upper"))
    size, exact = whole(given.get("size"), name, "size"), bool(given.get("cast_int"))
    if size < 2:
        raise GrammarError([(name, f"has size {size}, expected at least 2")])
    if given.get("log_scale"):
        if low <= 0:
            raise GrammarError([(name, f"a log range must start above 0, found lower {low}")])
        notes.append(f"{name}: steps on a log scale become a choice, which has no order")
        middle = [low * (high / low) ** (index / (size - 1)) for index in range(1, size - 1)]
        values = [float(low), *middle, float(high)]
        return choice_of([round(value) for value in values] if exact else values, name)
    step = (high - low) / (size - 1)
    if exact and all(value == int(value) for value in (low, high, step)):
        return single_or_range(int(low), int(high), name, step=int(step))
    try:
        if not exact:
            return single_or_range(float(low), float(high), name, step=round(step, 12))
    except GrammarError:  # such as thirds
        pass
    notes.append(f"{name}: steps that no decimal number says become a choice, which has no order")
    values = [low + index * step for index in range(size)]
    return choice_of([round(value) for value in values] if exact else values, name)


_DOMAINS: Mapping[str, Callable[[Mapping[str, Any], bool, str, list[str]], Parameter]] = {
    "Float": _float,
    "Integer": _integer,
    "Categorical": _categorical,
    "Ordinal": _ordinal,
    "OrdinalNearestNeighbor": _ordinal,
    "FiniteRange": _finite,
}
