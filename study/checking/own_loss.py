"""`segstudy losses check package.module:loss`: runs the conformance kit on the user's own loss."""

import functools
from collections.abc import Sequence
from typing import Any

from search_spaces.grammar import Fixed, GrammarError, flatten
from study.study_file.yaml_subset import read_value
from trainables.errors import InputError

FEWEST = 2  # numbers of classes with which a loss is tried


def failures(
    path: str, settings: Sequence[str] = (), *, formula: str | None = None, oracle: str | None = None, classes: int = 3
) -> list[str]:
    """Return the requirements that a loss violates, one line each.

    Args:
        path: Import path of the loss. If it has an attribute `facts` (`trainables.losses.Facts`), these facts
            are tested too.
        settings: Its parameters, `key=value`.
        formula: Import path of the same function in NumPy, `(logits, target, **parameters) -> value`.
        oracle: Import path of the same function on tensors, from elsewhere.
        classes: Number of classes with which it is tried.

    Raises:
        InputError: Something cannot be imported, or a setting is malformed.
    """
    from trainables.losses.conformance import check
    from trainables.losses.facts import Facts
    from trainables.user_code import imported

    if classes < FEWEST:
        raise InputError(f"--classes {classes}: expected at least {FEWEST}, background included")
    loss, parameters = imported(path), _parameters(settings)
    facts = getattr(loss, "facts", None)
    if facts is not None and not isinstance(facts, Facts):
        raise InputError(f"{path}: its attribute facts is a {type(facts).__name__}, expected trainables.losses.Facts")
    in_numpy, elsewhere = (
        None if where is None else functools.partial(imported(where), **parameters) for where in (formula, oracle)
    )
    return check(loss, facts, classes=classes, formula=in_numpy, oracle=elsewhere, **parameters)


def _parameters(settings: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals or not name.strip().isidentifier():
            raise InputError(f"--set {setting}: expected key=value, such as gamma=2")
        try:
            (parameter,) = flatten({name.strip(): read_value(text)}).values()
        except (GrammarError, ValueError) as error:
            raise InputError(f"--set {setting}: {error}") from None
        if not isinstance(parameter, Fixed):
            raise InputError(f"--set {setting}: expected one value; a range or a list belongs into a study file")
        found[name.strip()] = parameter.value
    return found
