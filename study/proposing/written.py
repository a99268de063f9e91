"""The text of a proposed study file: each key with the reason and source of the rule that set it."""

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from study.proposing.rules import Decision, Rule

WIDTH = 118
SECTIONS = (
    "dataset", "preprocess", "patch", "augment", "models", "losses", "training", "budget", "objective", "report",
    "resources",
)  # fmt: skip
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
WORDS = ("true", "false", "null", "yes", "no", "on", "off")


def text(
    name: str,
    path: str,
    decisions: Mapping[str, Decision],
    metrics: Mapping[Rule, Sequence[str]],
    smoke: Mapping[str, Any],
    header: Iterable[str],
) -> str:
    """Return a study file.

    Args:
        name: The study's name.
        path: The data set's folder, as the file names it.
        decisions: Key → value and rule.
        metrics: Each rule of `report.metrics` that holds, with its metrics.
        smoke: The values of the smoke section.
        header: Sentences for the first lines.
    """
    lines = [f"# yaml-language-server: $schema={files('search_spaces') / 'study.schema.json'}"]
    for sentence in header:
        lines += _comment(sentence, "")
    lines += [f"name: {_scalar(name)}"]
    for section in SECTIONS:
        lines += _section(section, path, decisions, metrics)
    lines += _comment("the small version of the study, `segstudy run FILE --smoke`: does it run? No result.", "")
    lines += ["smoke:", *(f"  {key}: {flow(value)}" for key, value in smoke.items())]
    return "\n".join(lines) + "\n"


def _section(
    section: str, path: str, decisions: Mapping[str, Decision], metrics: Mapping[Rule, Sequence[str]]
) -> Iterator[str]:
    if section in decisions:
        one = decisions[section]
        yield from _comment(_why(one.rule), "")
        yield f"{section}: {flow(one.value)}"
        return
    inside = {key.partition(".")[2]: one for key, one in decisions.items() if key.startswith(f"{section}.")}
    extra = section == "report"
    if not inside and not extra:
        return
    yield f"{section}:"
    if section == "dataset":
        yield f"  path: {_scalar(path)}"
    for key, one in inside.items():
        yield from _comment(_why(one.rule), "  ")
        yield f"  {key}: {flow(one.value)}"
    if extra:
        for rule in metrics:
            yield from _comment(_why(rule), "  ")
        yield f"  metrics: {flow([name for names in metrics.values() for name in names])}"


def _why(rule: Rule) -> str:
    return f"{rule.reason} ({rule.source})"


def _comment(sentence: str, indent: str) -> list[str]:
    plain = "".join(letter if letter.isprintable() else " " for letter in sentence)
    prefix = f"{indent}# "
    return textwrap.wrap(
        plain,
        WIDTH,
        initial_indent=prefix,
        subsequent_indent=f"{prefix}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def flow(value: Any) -> str:
    """Return a value in YAML's flow style, on one line."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_scalar(key)}: {flow(one)}".rstrip() for key, one in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        plain = PLAIN.fullmatch(value) and value.lower() not in WORDS
        return value if plain else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)
