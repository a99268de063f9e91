"""The losses of a study file: ours with their parameters, sums of ours, log cosh of either, the user's own.

losses:
  focal: {gamma: {low: 0.5, high: 5}}
  weighted_dice: {weights: {background: 1, kidney: {low: 0.5, high: 8, log: true}, tumor: 4}}
  wasserstein_dice: {matrix: [[0, 1, 1], [1, 0, 0.5], [1, 0.5, 0]]}
  both: {dice: 0.5, focal: {factor: {low: 0.1, high: 1}, gamma: 2}}
  smooth: {tversky: 1, log_cosh: true}
  mine: my_package.my_module:my_loss
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search_spaces.defaults import LOSSES, Default
from search_spaces.grammar import Choice, Fixed, Parameter, Scalar
from study.study_file.code import CODE, is_code, name_problems, resolve_code
from study.study_file.errors import Path, Problem, shown, unknown
from study.study_file.parameters import Resolved, resolve
from trainables.class_distances import flaw_of, is_rows, rows_of

FACTOR, LOG_COSH, WEIGHTS, MATRIX = "factor", "log_cosh", "weights", "matrix"
BACKGROUND_AND_REGION = ("background", "region")
"""Classes of a loss for each region where networks are trained on overlapping regions."""
FACTORS = {FACTOR: Default(1.0, None, "equal parts", at_least=0)}
CURVED = {LOG_COSH: Default(False, None, "the loss as it is")}
WEIGHT = Default(1.0, None, "the classes alike", at_least=0)
WEIGHTED = ("weighted_dice", "log_cosh_weighted_dice")
"""Losses that take a weight for each class by name, instead of their `ratio`."""


def resolve_loss(name: str, given: object, path: Path) -> Resolved:
    """Return the parameters of one loss by dotted name, and the problems.

    A sum's parameters carry the name of their part: `dice.eps`, `dice.factor`.

    Args:
        name: Its name in the study.
        given: The value under the key.
        path: Where in the file.
    """
    if name not in LOSSES and is_code(given):
        return _curved(name, given, path, resolve_code)
    if name not in LOSSES and isinstance(given, Mapping) and set(given) & set(LOSSES):
        return _curved(name, given, path, _sum)
    if name not in LOSSES:
        return {}, [Problem(path, unknown("loss", name, LOSSES))]
    return _curved(name, given, path, _known)


def usual_value(loss: str, name: str, classes: Sequence[str]) -> Scalar:
    """Return a loss parameter's value in an arm's first trial, where the file allows it.

    The weight of a class is that of `weighted_dice` where it is silent, 1:2:4:…; of the user's own parameters nothing
    is usual (None: the first choice, the middle of a range).
    """
    table = LOSSES.get(loss, {})
    if name in table:
        return table[name].value
    part, _, rest = name.partition(".")
    if part == WEIGHTS:
        return float(2 ** classes.index(rest))
    if part in LOSSES and rest == FACTOR:
        return FACTORS[FACTOR].value
    return usual_value(part, rest, classes) if part in LOSSES and rest else None


def class_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield weights and matrices that do not fit the dataset's classes."""
    dataset = values["dataset"]
    classes = BACKGROUND_AND_REGION if dataset.train_on == "regions" else ("background", *dataset.labels)
    for loss, parameters in values["losses"].items():
        if CODE in parameters:
            continue
        named: dict[Path, list[str]] = {}
        for name, parameter in parameters.items():
            *before, last = name.split(".")
            path = ("losses", loss, *before)
            if before and before[-1] == WEIGHTS:
                named.setdefault(path, []).append(last)
            elif last == MATRIX:
                yield from _matrix_problems(parameter, (*path, MATRIX), len(classes))
        for path, found in named.items():
            if set(found) != set(classes):
                text = f"expected a weight for each of {', '.join(classes)}, found {', '.join(found)}."
                yield Problem(path, text)


def arguments(parameters: Mapping[str, Any], classes: Sequence[str]) -> dict[str, Any]:
    """Return a trial's loss parameters as the losses take them: weights in the order of the classes."""
    if CODE in parameters:
        return dict(parameters)
    result: dict[str, Any] = {}
    for name, value in parameters.items():
        if not isinstance(value, Mapping):
            result[name] = value
        elif name == WEIGHTS:
            result[name] = [float(value[c]) for c in classes]
        else:
            result[name] = arguments(value, classes)
    return result


def _curved(name: str, given: object, path: Path, inner: Any) -> Resolved:
    """Resolve a loss without `log_cosh`, a key that any loss may have beside its own parameters."""
    if not isinstance(given, Mapping) or LOG_COSH not in given:
        result: Resolved = inner(name, given, path)
        return result
    curve, problems = resolve({LOG_COSH: given[LOG_COSH]}, CURVED, path, name)
    found, more = inner(name, {key: value for key, value in given.items() if key != LOG_COSH}, path)
    return found | curve, problems + more


def _known(name: str, given: object, path: Path) -> Resolved:
    """Resolve one of the losses of segstudy."""
    table, special, problems = dict(LOSSES[name]), dict[str, Parameter](), list[Problem]()
    if isinstance(given, Mapping):
        given = dict(given)
        if name in WEIGHTED and WEIGHTS in given:
            special, problems = _weights(given.pop(WEIGHTS), (*path, WEIGHTS))
            if "ratio" in given:
                problems.append(Problem((*path, "ratio"), "weights say it already: leave one of them out."))
                del given["ratio"]
            del table["ratio"]
        if MATRIX in table and (text := _matrix_text(given.get(MATRIX))) is not None:
            del given[MATRIX], table[MATRIX]
            special[MATRIX] = Fixed(text)
    found, more = resolve(given, table, path, name)
    return found | special, problems + more


def _weights(given: object, path: Path) -> Resolved:
    if not isinstance(given, Mapping) or not given:
        return {}, [Problem(path, f"expected a weight for each class by name (background: 1), found {shown(given)}.")]
    found, problems = resolve(given, {str(name): WEIGHT for name in given}, path, WEIGHTS)
    return {f"{WEIGHTS}.{name}": parameter for name, parameter in found.items()}, problems


def _sum(name: str, given: Mapping[str, object], path: Path) -> Resolved:
    """Resolve a weighted sum of losses: part → its factor, or its parameters with a `factor` among them."""
    problems = name_problems(name, path)
    found: dict[str, Parameter] = {}
    for part, said in given.items():
        if part not in LOSSES:
            problems.append(Problem((*path, part), unknown("loss", part, LOSSES)))
            continue
        if isinstance(said, Mapping) and not {"low", "high"} & set(said):
            inside = dict(said)
        else:
            inside = {} if said is None else {FACTOR: said}
        factor, wrong = resolve(
            {key: inside.pop(key) for key in FACTORS if key in inside}, FACTORS, (*path, part), part
        )
        parameters, more = _known(part, inside, (*path, part))
        found |= {f"{part}.{key}": parameter for key, parameter in (factor | parameters).items()}
        problems += wrong + more
    return found, problems


def _matrix_text(given: object) -> str | None:
    """Return a matrix as the text that a trial carries; None where a name stands there."""
    if is_rows(given) and given:
        return json.dumps(given)
    return given if isinstance(given, str) and given.startswith("[") and rows_of(given) is not None else None


def _matrix_problems(parameter: Parameter, path: Path, classes: int) -> Iterator[Problem]:
    values = parameter.values if isinstance(parameter, Choice) else (parameter.value,)  # type: ignore[union-attr]
    for value in values:
        if (flaw := flaw_of(str(value), classes)) is not None:
            yield Problem(path, f"{flaw}.")
