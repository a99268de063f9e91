"""Search spaces of Ray Tune: a Python file with a dictionary of `tune.uniform(…)` and the like. It is parsed, not run.

Ray Tune's ends differ by function (read in Ray 2.60, `tune/search/sample.py`): `randint` and `lograndint` never give
their upper bound; `qrandint` gives it, but with a step of 1 does not; `quniform` gives both ends half as often as what
lies between.
"""

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

from search_spaces.exchange.exchanged import (
    NO_FIRST,
    Exchanged,
    First,
    Text,
    choice_of,
    number,
    single_or_range,
    steps_of,
    whole,
)
from search_spaces.grammar import Choice, Fixed, GrammarError, Parameter, Space

_LOG_INTEGERS = (
    "Ray Tune draws k as often as log((k + 1) / k), segstudy as log((k + 1/2) / (k - 1/2)), so more of the lowest"
)
_ENDS = "Ray Tune draws both ends half as often as the steps between them; here all are drawn equally often"
_TRIED = "Ray Tune tries every value of a grid_search; here it is a choice (`sampler: grid` tries all)"
_STEPS = "steps are a choice there: Ray Tune's quniform draws both ends half as often"


def write(space: Space, first: First = NO_FIRST) -> Text:
    """Return a Python file that defines `space`, and `first` for a searcher's `points_to_evaluate`.

    Raises:
        GrammarError: A range has more than 1,000 steps.
    """
    notes: list[str] = []
    lines = [f"    {name!r}: {_written(parameter, name, notes)}," for name, parameter in space.items()]
    text = [
        "from ray import tune",
        "",
        "# randint and lograndint never give their upper bound",
        "space = {",
        *lines,
        "}",
    ]
    if first:
        values = [f"    {name!r}: {value!r}," for name, value in first.items()]
        text += ["", "# the first trial, for a searcher's points_to_evaluate=[first]", "first = {", *values, "}"]
    return Text("\n".join(text) + "\n", tuple(notes))


def _written(parameter: Parameter, name: str, notes: list[str]) -> str:
    if isinstance(parameter, Fixed):
        return repr(parameter.value)
    if isinstance(parameter, Choice):
        return f"tune.choice({list(parameter.values)!r})"
    low, high = parameter.low, parameter.high
    if parameter.step is not None and not (parameter.whole and parameter.step == 1):
        notes.append(f"{name}: {_STEPS}")
        return f"tune.choice({list(steps_of(parameter, name))!r})"
    if parameter.whole:
        if parameter.log:
            notes.append(f"{name}: {_LOG_INTEGERS}")
        return f"tune.{'lograndint' if parameter.log else 'randint'}({low}, {int(high) + 1})"
    return f"tune.{'loguniform' if parameter.log else 'uniform'}({low!r}, {high!r})"


def read(text: str) -> Exchanged:
    """Return the search space of a Python file; no part of the file is run.

    The file has one dictionary with calls of `tune`, such as `space = {"lr": tune.loguniform(1e-4, 1e-1)}` or
    `param_space={…}` in a call. Dictionaries inside it become dotted names.

    Raises:
        GrammarError: There is no such dictionary or more than one, or it has what a study file cannot say.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise GrammarError([("the file", f"is no Python ({error.__class__.__name__})")]) from error
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Dict) and _has_calls(node)]
    inside = {id(each) for node in found for value in node.values for each in ast.walk(value)}
    spaces = [node for node in found if id(node) not in inside]
    if len(spaces) != 1:
        raise GrammarError([("the file", f"has {len(spaces) or 'no'} dictionaries with tune.… in them, expected one")])
    space: dict[str, Parameter] = {}
    notes: list[str] = []
    problems: list[tuple[str, str]] = []
    _collect(spaces[0], "", space, notes, problems)
    if problems:
        raise GrammarError(problems)
    return Exchanged(space, tuple(notes))


def _collect(
    node: ast.Dict, prefix: str, space: dict[str, Parameter], notes: list[str], problems: list[tuple[str, str]]
) -> None:
    for key, value in zip(node.keys, node.values, strict=True):
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            problems.append((prefix or "the file", "a key is no word in quotes; write the dictionary out"))
            continue
        name = f"{prefix}.{key.value}" if prefix else key.value
        if isinstance(value, ast.Dict) and not _is_grid(value):
            _collect(value, name, space, notes, problems)
            continue
        try:
            space[name] = _parameter(value, name, notes)
        except GrammarError as error:
            problems += error.problems


def _function(node: ast.AST) -> str | None:
    """Return the function's name where a node is a call of `tune.name`, `ray.tune.name` or `name`."""
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in ("tune", "ray.tune"):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) and node.func.id in _READERS else None


def _is_grid(node: ast.Dict) -> bool:
    return [key.value for key in node.keys if isinstance(key, ast.Constant)] == ["grid_search"]


def _has_calls(node: ast.Dict) -> bool:
    return any(
        _function(value) is not None or (isinstance(value, ast.Dict) and (_is_grid(value) or _has_calls(value)))
        for value in node.values
    )


def _parameter(node: ast.expr, name: str, notes: list[str]) -> Parameter:
    if isinstance(node, ast.Dict):
        notes.append(f"{name}: {_TRIED}")
        return choice_of(_constant(node.values[0], name), name)
    function = _function(node)
    if function is None:
        value = _constant(node, name)
        return choice_of([value], name)
    if function not in _READERS:
        raise GrammarError([(name, f"tune.{function} has no counterpart: a study file has ranges and lists")])
    assert isinstance(node, ast.Call)
    names, reader, note = _READERS[function]
    given = _arguments(node, names, name)
    parameter = reader(given, name)
    if note and not isinstance(parameter, Fixed):
        notes.append(f"{name}: {note}")
    return parameter


def _arguments(call: ast.Call, names: tuple[str, ...], key: str) -> dict[str, Any]:
    """Return a call's arguments by name."""
    if len(call.args) > len(names) or any(isinstance(each, ast.Starred) for each in call.args):
        raise GrammarError([(key, f"expected ({', '.join(names)})")])
    given = dict(zip(names, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg not in names:
            raise GrammarError([(key, f"has an argument {keyword.arg}, expected ({', '.join(names)})")])
        given[keyword.arg] = keyword.value
    missing = [name for name in names if name not in given and name not in ("base", "q")]
    if missing:
        raise GrammarError([(key, f"has no {missing[0]}")])
    return {name: _constant(value, key) for name, value in given.items() if name != "base"}


_ARITHMETIC: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: math.pow(a, b),
}


def _constant(node: ast.expr, key: str) -> Any:
    """Return the value of a literal, or of plain arithmetic such as `10 ** -4`."""
    if isinstance(node, ast.BinOp) and (compute := _ARITHMETIC.get(type(node.op))) is not None:
        sides = number(_constant(node.left, key), key, "a term"), number(_constant(node.right, key), key, "a term")
        try:
            return compute(*sides)
        except (ArithmeticError, ValueError) as error:
            raise GrammarError([(key, f"{ast.unparse(node)}: {error}")]) from error
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError, SyntaxError) as error:
        shown = ast.unparse(node)
        raise GrammarError([(key, f"{shown[:60]} is no value: the file is read, not run. Write the value")]) from error


def _uniform(given: Mapping[str, Any], key: str) -> Parameter:
    low, high = (float(number(given[name], key, name)) for name in ("lower", "upper"))
    return single_or_range(low, high, key)


def _loguniform(given: Mapping[str, Any], key: str) -> Parameter:
    low, high = (float(number(given[name], key, name)) for name in ("lower", "upper"))
    return single_or_range(low, high, key, log=True)


def _quniform(given: Mapping[str, Any], key: str) -> Parameter:
    low, high, step = (float(number(given.get(name), key, name)) for name in ("lower", "upper", "q"))
    counts = low / step if step > 0 else math.nan, high / step if step > 0 else math.nan
    if any(not math.isclose(count, round(count), abs_tol=1e-7) for count in counts if math.isfinite(count)):
        raise GrammarError([(key, f"Ray Tune refuses it too: {low} and {high} must be multiples of {step}")])
    if not all(map(math.isfinite, counts)):
        raise GrammarError([(key, f"q is {step}, expected a number above 0")])
    return single_or_range(low, high, key, step=step)


def _randint(given: Mapping[str, Any], key: str) -> Parameter:
    low, high = (whole(given[name], key, name) for name in ("lower", "upper"))
    return single_or_range(low, high - 1, key)


def _lograndint(given: Mapping[str, Any], key: str) -> Parameter:
    low, high = (whole(given[name], key, name) for name in ("lower", "upper"))
    return single_or_range(low, high - 1, key, log=True)


def _qrandint(given: Mapping[str, Any], key: str) -> Parameter:
    low, high, step = (whole(given.get(name, 1), key, name) for name in ("lower", "upper", "q"))
    if step == 1:
        return single_or_range(low, high - 1, key)
    if step < 1:
        raise GrammarError([(key, f"q is {step}, expected a number above 0")])
    return single_or_range(-(-low // step) * step, high // step * step, key, step=step)


def _qlog(given: Mapping[str, Any], key: str) -> Parameter:
    raise GrammarError([(key, "a log range cannot have a step: list the values (tune.choice)")])


def _choice(given: Mapping[str, Any], key: str) -> Parameter:
    return choice_of(given["categories"], key)


_ENDS_OF, _WITH_STEP = ("lower", "upper"), ("lower", "upper", "q")
_READERS: Mapping[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any], str], Parameter], str]] = {
    "uniform": (_ENDS_OF, _uniform, ""),
    "loguniform": ((*_ENDS_OF, "base"), _loguniform, ""),
    "quniform": (_WITH_STEP, _quniform, _ENDS),
    "qloguniform": ((*_WITH_STEP, "base"), _qlog, ""),
    "randint": (_ENDS_OF, _randint, ""),
    "lograndint": ((*_ENDS_OF, "base"), _lograndint, _LOG_INTEGERS),
    "qrandint": (_WITH_STEP, _qrandint, ""),
    "qlograndint": ((*_WITH_STEP, "base"), _qlog, ""),
    "choice": (("categories",), _choice, ""),
    "grid_search": (("categories",), _choice, _TRIED),
}
