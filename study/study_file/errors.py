"""Errors of a study file: every problem at once, each with its key, its line, and the nearest right word."""

import copy
import dataclasses
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from trainables.errors import InputError

Path = tuple[str | int, ...]
Lines = Mapping[Path, str]
"""Key path → where it was written: `line 14`, or the option of the command that set it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        path: Where: `("budget", "cohort")`; empty for the file as a whole.
        text: The expected value, the found one, and the remedy.
    """

    path: Path
    text: str

    def line(self, lines: Lines) -> str:
        """Return the problem as a line: `budget.cohort (line 14): expected …`."""
        where = dotted(self.path)
        place = next((lines[self.path[:end]] for end in range(len(self.path), 0, -1) if self.path[:end] in lines), None)
        if where and place:
            return f"{where} ({place}): {self.text}"
        return f"{where}: {self.text}" if where else self.text


SHOWN = 100
"""Problems that a message shows; the first ones of a long list explain the others."""


class SpecError(InputError):
    """A study file cannot be used.

    Attributes:
        source: Which file.
        lines: All that is wrong, one line each.
    """

    def __init__(self, source: str, lines: Sequence[str]) -> None:
        self.source, self.lines = source, tuple(lines)
        more = len(self.lines) - SHOWN
        said = (*self.lines[:SHOWN], *((f"and {more} more",) if more > 0 else ()))
        many = f"{source}: {len(self.lines)} things to put right\n  " + "\n  ".join(said)
        super().__init__(f"{source}: {self.lines[0]}" if len(self.lines) == 1 else many)


def dotted(path: Path) -> str:
    """Return a key path as text: `("patch", "size", 0)` → `patch.size[0]`."""
    text = ""
    for part in path:
        if isinstance(part, str) and not part.isprintable():
            part = repr(part)
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


NEAR, NEAR_KEY = 0.6, 0.7
"""Likeness (`difflib`'s ratio) from which on a word is taken for a misspelling. Keys ask for more: `train` is no
misspelt `stratify` (0.62), and a reader who invents a key needs those that exist."""


def suggestion(found: object, allowed: Iterable[str], *, cutoff: float = NEAR) -> str:
    """Return ` Did you mean 'dice'?` where a word is near, else ` There are: …`; both begin with a blank."""
    words = sorted(set(allowed))
    near = difflib.get_close_matches(str(found), words, n=1, cutoff=cutoff)
    if near:
        return f" Did you mean {near[0]!r}?"
    if not words:
        return ""
    shown = ", ".join(words[:20]) + (", …" if len(words) > 20 else "")
    return f" There are: {shown}."


def unknown(what: str, found: object, allowed: Iterable[str]) -> str:
    """Return `there is no loss 'dise'. Did you mean 'dice'?`."""
    return f"there is no {what} {found!r}.{suggestion(found, allowed)}"


def shown(value: object) -> str:
    """Return a value as an error shows it: short, on one line."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 80 else text[:77] + "…"


def translated(error: ValidationError, prefix: Path, model: type[BaseModel]) -> list[Problem]:
    """Translate pydantic's errors into the words of the study file.

    Args:
        error: The error that validation of one section raised.
        prefix: The section's path.
        model: The section, whose keys are suggested for unknown ones.
    """
    return [_one(detail, prefix, model) for detail in error.errors(include_url=False)]


def _one(detail: Any, prefix: Path, model: type[BaseModel]) -> Problem:
    kind, found, context = detail["type"], detail["input"], detail.get("ctx", {})
    path = prefix + tuple(detail["loc"])
    if kind == "extra_forbidden":
        place = f" in `{dotted(path[:-1])}`" if len(path) > 1 else ""
        keys = _keys(model, detail["loc"][:-1])
        return Problem(path, f"unknown key{place}.{_near_key(str(path[-1]), keys)}")
    if kind == "missing":
        return Problem(path, "missing: this key has no default.")
    if kind == "value_error":
        return Problem(path, str(context["error"]))
    if kind == "literal_error":
        near = suggestion(found, re.findall("'([^']+)'", context["expected"])) if isinstance(found, str) else ""
        near = near if near.startswith(" Did") else ""
        return Problem(path, f"expected {context['expected']}, found {shown(found)}.{near}")
    if kind in EXPECTED:
        return Problem(path, f"expected {EXPECTED[kind].format(**context)}, found {shown(found)}.")
    return Problem(path, f"{detail['msg']}, found {shown(found)}.")


def _near_key(found: str, keys: Sequence[str]) -> str:
    """Return `suggestion` for a key; one that has the found word whole (`trials` in `trials_per_arm`) is near too."""
    holding = [key for key in keys if found in key.split("_")]
    return suggestion(found, keys, cutoff=NEAR_KEY) if len(holding) != 1 else f" Did you mean {holding[0]!r}?"


def without_unknown(given: Mapping[str, Any], error: ValidationError) -> dict[str, Any]:
    """Return a section's tree without the keys that it does not know."""
    tree: dict[str, Any] = copy.deepcopy(dict(given))
    for detail in error.errors(include_url=False):
        if detail["type"] == "extra_forbidden":
            inside: Any = tree
            for part in detail["loc"][:-1]:
                inside = inside[part]
            del inside[detail["loc"][-1]]
    return tree


def _keys(model: type[BaseModel], inside: Path) -> list[str]:
    """Return the keys of a section, or of the section inside it that the path leads to."""
    for part in inside:
        if isinstance(part, int):
            continue  # a list of sections: the field before it says which
        model = next(_models(model.model_fields[part].annotation))
    return list(model.model_fields)


def _models(kind: Any) -> Iterator[type[BaseModel]]:
    """Yield the sections inside a type, however it is wrapped."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from _models(part)


EXPECTED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "text (put quotes around it)",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "tuple_type": "a list",
    "list_type": "a list",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "less_than_equal": "at most {le:g}",
    "finite_number": "a finite number",
    "string_too_short": "at least {min_length} letters",
    "string_too_long": "at most {max_length} letters",
    "too_short": "at least {min_length} in the list",
    "too_long": "at most {max_length} in the list",
}
"""Pydantic's name for an error → what was expected, in the user's words."""
