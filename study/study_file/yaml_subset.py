"""The YAML of study files: plain data by the rules of YAML 1.2.

No tags, no repeated keys, keys are text, and words mean what YAML 1.2 says: `1e-4` is a number, `no` and `off` are
words, `true` and `false` are the only truth values, `012` stays text, no dates. Anchors work but must not explode.
"""

import dataclasses
import math
import re
from typing import Any

import yaml

from study.study_file.errors import Path
from trainables.errors import InputError

LONGEST = 1_000_000
"""Bytes of a study file; more is no study file."""
DEEPEST = 20
MOST_VALUES = 20_000
LARGEST_INT = 2**63 - 1

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NOTHING = ("", "~", "null", "Null", "NULL")


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """The content of a YAML text.

    Attributes:
        value: Mappings, lists and scalars.
        lines: Key path → `line 14`.
    """

    value: Any
    lines: dict[Path, str]


class _Composer(yaml.SafeLoader):
    """A loader that refuses tags and depth before anything is constructed."""

    depth = 0
    nodes = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "tag", None) is not None:
            raise InputError(
                f"line {event.start_mark.line + 1}: YAML tags such as {event.tag!r} are refused; leave it out."
            )
        if self.depth > DEEPEST:
            raise InputError(f"line {event.start_mark.line + 1}: nested more than {DEEPEST} levels deep.")
        self.nodes += 1
        if self.nodes > 2 * MOST_VALUES:  # a key and a value each: what is far too long is not read to its end
            raise InputError(f"line {event.start_mark.line + 1}: too many values (more than {MOST_VALUES}).")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def read(text: str) -> Document:
    """Read one YAML document.

    Raises:
        InputError: It is none, or holds what a study file must not hold. The message names the line.
    """
    if len(text) > LONGEST:
        raise InputError(f"{len(text)} letters long; a study file has {LONGEST} at most.")
    try:
        loader = _Composer(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise InputError(_syntax(error)) from None
    reader = _Reader()
    return Document(None if node is None else reader.value(node, ()), reader.lines)


def read_value(text: str) -> Any:
    """Read one value as a study file would write it: `6`, `[1, 2]`, `{low: 1, high: 2}`."""
    return read(text).value


class _Reader:
    """From nodes to values; counts them, since an alias can repeat a tree many times."""

    def __init__(self) -> None:
        self.lines: dict[Path, str] = {}
        self._count = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._count += 1
        line = node.start_mark.line + 1
        if self._count > MOST_VALUES or len(path) > DEEPEST:
            raise InputError(f"line {line}: too many values (more than {MOST_VALUES}, or an alias of itself).")
        self.lines.setdefault(path, f"line {line}")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
        return _scalar(node, line)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, child in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError(f"line {line}: a key must be a word, found a list or a mapping.")
            key = key_node.value
            if key in found:
                raise InputError(f"line {line}: the key {key!r} is there twice; keep one.")
            if key == "<<":
                raise InputError(f"line {line}: merge keys (<<) are not part of YAML 1.2; write the keys out.")
            self.lines[*path, key] = f"line {line}"
            found[key] = self.value(child, (*path, key))
        return found


def _scalar(node: Any, line: int) -> Any:
    text = str(node.value)
    if node.style is not None:  # quoted, or a block of text
        return text
    if text in _NOTHING:
        return None
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return _int(text, line)
    if _NOT_FINITE.fullmatch(text) or (_FLOAT.fullmatch(text) and not math.isfinite(float(text))):
        raise InputError(f"line {line}: expected a finite number, found {text}.")
    return float(text) if _FLOAT.fullmatch(text) else text


def _int(text: str, line: int) -> int:
    if len(text) > 20 or abs(int(text)) > LARGEST_INT:
        raise InputError(f"line {line}: the number {text[:30]} is too large.")
    return int(text)


def _syntax(error: yaml.YAMLError) -> str:
    """Return PyYAML's message on one line."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        what = " ".join(part for part in (error.context, error.problem) if part)
        return f"line {error.problem_mark.line + 1}: not readable as YAML: {what}."
    return "not readable as YAML: " + " ".join(str(error).split()) + "."
