"""The user's own losses and networks in a study file: `mine: my_package.my_module:build`, or with parameters."""

import re
from collections.abc import Mapping

from search_spaces.grammar import Fixed, GrammarError, Parameter, flatten
from study.study_file.errors import Path, Problem, shown
from study.study_file.sections_base import NAME

CODE = "code"
IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
"""`package.module:name`."""


def is_code(given: object) -> bool:
    """Return whether the value under a name is meant as an import path."""
    return (isinstance(given, str) and ":" in given) or (isinstance(given, Mapping) and CODE in given)


def resolve_code(name: str, given: object, path: Path) -> tuple[dict[str, Parameter], list[Problem]]:
    """Return the parameters of the user's own loss or network, `code` first, fixed or ranges.

    Args:
        name: Its name in the study.
        given: An import path, or a mapping with it as `code` and the parameters.
        path: Where in the file.

    Returns:
        One parameter for each name that the file gives, and what is wrong.
    """
    inside = dict(given) if isinstance(given, Mapping) else {CODE: given}
    code = inside.pop(CODE)
    if not isinstance(code, str) or not IMPORT_PATH.fullmatch(code):
        return {}, [Problem((*path, CODE), f"expected package.module:name, found {shown(code)}.")]
    problems = name_problems(name, path)
    try:
        return {CODE: Fixed(code), **flatten(inside)}, problems
    except GrammarError as error:
        return {}, problems + [Problem((*path, *key.split(".")), f"{text}.") for key, text in error.problems]


def name_problems(name: str, path: Path) -> list[Problem]:
    """Return the problem of a name that does not fit arms and files."""
    if NAME.fullmatch(name):
        return []
    return [Problem(path, f"expected a name of small letters, digits, '.', '_' or '-', found {name!r}.")]


def refusals(entries: Mapping[str, Mapping[str, Mapping[str, Parameter]]]) -> list[Problem]:
    """Return the problems of the user's own code where the command does not allow it.

    Args:
        entries: `models` and `losses`, each name → parameters.
    """
    return [
        Problem((key, name), f"{parameters[CODE].value} is code of your own: allow it to run by --allow-code.")  # type: ignore[union-attr]
        for key, named in entries.items()
        for name, parameters in named.items()
        if CODE in parameters
    ]
