"""The parameters of a model, a loss or the training, from the values in a study file."""

from collections.abc import Iterable, Mapping

from search_spaces.defaults import SGD_LEARNING_RATE, TRAINING, Default
from search_spaces.grammar import Choice, Fixed, GrammarError, Parameter, Range, Scalar, flatten
from study.study_file.errors import Path, Problem, shown, suggestion

AUTO = "auto"
"""Value of a parameter that is determined once for the whole study (`Default.auto`)."""

Resolved = tuple[dict[str, Parameter], list[Problem]]


def resolve(given: object, table: Mapping[str, Default], path: Path, owner: str) -> Resolved:
    """Return the parameters of one model or loss.

    Args:
        given: The value in the file: nothing (search the default ranges), `default` (fix all at their defaults), or a
            mapping that says it for some.
        table: The owner's parameters.
        path: Where in the file.
        owner: Its name, for errors.

    Returns:
        One parameter for each name in `table`, and what was wrong.
    """
    if given == "default":
        return {name: Fixed(default.value) for name, default in table.items()}, []
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        text = f"expected nothing, `default` or parameters ({', '.join(table) or 'it has none'}), found {shown(given)}."
        return {}, [Problem(path, text)]
    problems = [
        Problem((*path, name), f"{owner} has no such parameter.{_known(name, table)}")
        for name in given
        if name not in table
    ]
    found: dict[str, Parameter] = {}
    for name, default in table.items():
        try:
            found[name] = _parameter(given, name, default)
        except GrammarError as error:
            problems += [Problem((*path, *key.split(".")), f"{text}.") for key, text in error.problems]
        except ValueError as error:
            problems.append(Problem((*path, name), str(error)))
    return found, problems


OWNED = {"momentum": (("sgd",), "sgd has a momentum"), "eps": (("adam", "adamw"), "adam and adamw have an eps")}
"""Parameters of some optimisers only."""


def resolve_training(given: Mapping[str, object], path: Path) -> Resolved:
    """Return the training's parameters; the usual learning rate, momentum and eps depend on the optimiser."""
    optimizer, problems = resolve(
        {name: value for name, value in given.items() if name == "optimizer"},
        {"optimizer": TRAINING["optimizer"]},
        path,
        "training",
    )
    if problems:
        return {}, problems
    words = _words(optimizer["optimizer"])
    table = dict(TRAINING)
    for name, (owners, said) in OWNED.items():
        if not set(owners) & set(words):
            del table[name]
            if name in given:
                text = f"only {said}, and `optimizer` is {' or '.join(words)}: leave it out."
                problems.append(Problem((*path, name), text))
    if words == ("sgd",):
        table["learning_rate"] = SGD_LEARNING_RATE
    elif "sgd" in words and given.get("learning_rate") is None:
        text = "missing: sgd and adam need step sizes far apart, so say it where `optimizer` may be both."
        problems.append(Problem((*path, "learning_rate"), text))
    known = {name: value for name, value in given.items() if name in table}
    found, more = resolve(known, table, path, "training")
    if words == ("sgd",) and "learning_rate" not in known and found:
        found["learning_rate"] = Fixed(AUTO)  # by the loss
    return found, problems + more


def _parameter(given: Mapping[str, object], name: str, default: Default) -> Parameter:
    if name not in given:
        return Fixed(default.value) if default.search is None else default.search
    parsed = flatten({name: given[name]})
    if set(parsed) != {name}:
        raise ValueError(f"expected a value, a list of values or {{low, high}}, found {shown(given[name])}.")
    return _typed(parsed[name], default)


def _typed(parameter: Parameter, default: Default) -> Parameter:
    """Return the parameter with values of its own type and inside its limits."""
    if default.auto and AUTO in _said(parameter):
        if isinstance(parameter, Fixed):
            return parameter
        raise ValueError(f"{AUTO} stands alone: give a number for each value of the list, or {AUTO} for all.")
    if isinstance(parameter, Fixed):
        return Fixed(_value(parameter.value, default))
    if isinstance(parameter, Choice):
        return Choice(tuple(_value(value, default) for value in parameter.values))
    if default.words or isinstance(default.value, bool):
        raise ValueError(f"expected {allowed(default)}, found a range.")
    low, high = (_value(number, default) for number in (parameter.low, parameter.high))
    step = parameter.step
    if step is not None:
        step = _step(step, default)
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    first = None if parameter.first is None else _value(parameter.first, default)
    assert first is None or isinstance(first, int | float)
    return Range(low, high, parameter.log, step, first)


def _said(parameter: Parameter) -> tuple[Scalar, ...]:
    """Return the values that a parameter lists."""
    return (
        parameter.values
        if isinstance(parameter, Choice)
        else (parameter.value,)
        if isinstance(parameter, Fixed)
        else ()
    )


def _step(step: float, default: Default) -> float:
    if not isinstance(default.value, int):
        return float(step)
    if step != int(step):
        raise ValueError(f"expected a whole step, found {step}.")
    return int(step)


def _value(value: Scalar, default: Default) -> Scalar:
    """Return one value in its parameter's own type.

    Raises:
        ValueError: It is of another type or outside the limits.
    """
    if value is None and default.optional:
        return None
    kind = type(default.value)
    if default.words:
        right = value in default.words
    elif kind is bool:
        right = isinstance(value, bool)
    else:
        right = isinstance(value, int | float) and not isinstance(value, bool) and _inside(value, default)
        if right and kind is int:
            right = value == int(value)  # type: ignore[arg-type]
            value = int(value) if right else value  # type: ignore[arg-type]
        elif right:
            value = float(value)  # type: ignore[arg-type]
    if not right:
        near = suggestion(value, default.words) if default.words and isinstance(value, str) else ""
        raise ValueError(f"expected {allowed(default)}, found {shown(value)}.{near}")
    return value


def _inside(value: float, default: Default) -> bool:
    return (
        (default.at_least is None or value >= default.at_least)
        and (default.above is None or value > default.above)
        and (default.at_most is None or value <= default.at_most)
        and (default.below is None or value < default.below)
    )


def allowed(default: Default) -> str:
    """Return what a parameter takes: `a whole number of at least 1`, `a number above 0 and below 1, or null`."""
    null = ", or null" if default.optional else f", or {AUTO}" if default.auto else ""
    if default.words:
        return " or ".join(default.words) + null
    if isinstance(default.value, bool):
        return "true or false" + null
    limits = [
        f"{word} {limit:g}"
        for word, limit in (
            ("of at least", default.at_least),
            ("above", default.above),
            ("at most", default.at_most),
            ("below", default.below),
        )
        if limit is not None
    ]
    kind = "a whole number" if isinstance(default.value, int) else "a number"
    return " ".join([kind, " and ".join(limits)]).strip() + null


def _known(name: str, table: Iterable[str]) -> str:
    names = tuple(table)
    return suggestion(name, names) if names else " It has none."


def _words(parameter: Parameter) -> tuple[str, ...]:
    return tuple(str(value) for value in _said(parameter))
