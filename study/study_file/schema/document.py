"""JSON Schema (2020-12) of the study file, from the classes and tables that parse it.

Editors complete keys and show descriptions by it; `segstudy check` says more, since it also compares keys with each
other and with the data.
"""

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any

from study.study_file.learning import Length
from study.study_file.overrides import SMOKE
from study.study_file.read import SECTIONS, TopLevel
from study.study_file.schema import parameters
from study.study_file.schema.values import FIELDS, Schema, augmentation
from study.study_file.sections_base import Section

DIALECT = "https://json-schema.org/draft/2020-12/schema"
LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
LENGTHS = {"minLength": "minItems", "maxLength": "maxItems"}
REQUIRED = ("name", "dataset", "patch", "models", "losses", "training")


def schema() -> Schema:
    """Return the schema of a whole study file, as plain data."""
    defs: dict[str, Schema] = {"Augmentation": augmentation()}
    head = _section(TopLevel, defs)
    properties: dict[str, Schema] = {**head["properties"]}
    properties["models"] = {"description": "The networks; each with each loss is an arm.", **parameters.models()}
    properties["losses"] = {"description": "The losses; each with each network is an arm.", **parameters.losses()}
    length = _section(Length, defs)
    properties["training"] = {**length, "properties": {**length["properties"], **parameters.training()}}
    for name, kind in SECTIONS.items():
        found = _section(kind, defs)
        described = {"description": found["description"]}
        properties[name] = found if "required" in found else {**described, "anyOf": [found, {"type": "null"}]}
    properties[SMOKE] = {
        "type": "object",
        "description": "Keys of the study file with other values, for `--smoke`.",
    }
    return {
        "$schema": DIALECT,
        "title": "segstudy study file",
        "type": "object",
        "properties": properties,
        "required": list(REQUIRED),
        "additionalProperties": False,
        "$defs": defs,
    }


def written() -> str:
    """Return the schema as the text of a file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def fields_without_schema() -> Iterator[tuple[str, str]]:
    """Yield class and field where neither a type nor `FIELDS` says what is valid."""
    for kind in _kinds([TopLevel, Length, *SECTIONS.values()]):
        for name, one in kind.model_fields.items():
            if (kind.__name__, name) not in FIELDS and one.annotation is Any:
                yield kind.__name__, name


def _section(kind: type[Section], defs: dict[str, Schema]) -> Schema:
    """The schema of one class; classes of its fields go into `defs`."""
    found: Schema = _standard(kind.model_json_schema())
    for name, inner in found.pop("$defs", {}).items():
        defs[name] = inner
    for inner in [kind, *_kinds([kind])]:
        where = found if inner is kind else defs[inner.__name__]
        _complete(inner, where)
    return found


def _standard(found: Any) -> Any:
    """Limits by JSON Schema's names: pydantic leaves its own behind a validator that runs before."""
    if isinstance(found, list):
        return [_standard(part) for part in found]
    if not isinstance(found, dict):
        return found
    named = LIMITS | (LENGTHS if found.get("type") == "array" else {})
    return {named.get(key, key): _standard(value) for key, value in found.items()}


def _complete(kind: type[Section], found: Schema) -> None:
    """Descriptions, defaults and the fields that a function validates."""
    said = dict(_descriptions(kind))
    found.pop("title", None)
    found["description"] = inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    for name, one in found["properties"].items():
        own = FIELDS.get((kind.__name__, name))
        if own is not None:
            default = {"default": one["default"]} if "default" in one else {}
            one.clear()
            one.update({**own, **default})
        one.pop("title", None)
        if name in said:
            one["description"] = said[name]


def _descriptions(kind: type[Section]) -> Iterator[tuple[str, str]]:
    """Field and text, from the `Attributes` of the class's docstring."""
    _, _, listed = inspect.cleandoc(kind.__doc__ or "").partition("Attributes:\n")
    for entry in re.split(r"\n(?= {4}\w)", listed):
        name, _, text = entry.strip().partition(": ")
        yield name, " ".join(text.split())


def _kinds(kinds: list[type[Section]]) -> Iterator[type[Section]]:
    """The classes, and those of their fields, each once."""
    seen: set[type[Section]] = set()
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if kind in seen:
            continue
        seen.add(kind)
        yield kind
        for one in kind.model_fields.values():
            waiting += _inside(one.annotation)


def _inside(annotation: Any) -> list[type[Section]]:
    """The sections in a type: `Steps | None`, `tuple[TableLayout, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [kind for part in getattr(annotation, "__args__", ()) for kind in _inside(part)]
