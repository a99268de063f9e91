"""JSON Schema of what may vary: parameters of losses, networks and the training, from their default ranges."""

from collections.abc import Mapping

from search_spaces.defaults import LOSSES, MODELS, SGD_LEARNING_RATE, TRAINING, Default
from search_spaces.grammar import Range, to_plain
from study.study_file.code import IMPORT_PATH
from study.study_file.losses import FACTORS, LOG_COSH, MATRIX, WEIGHTED, WEIGHTS
from study.study_file.schema.values import Schema

NAME = r"^[a-z0-9][a-z0-9._-]{0,99}$"
CODE: Schema = {"type": "string", "pattern": f"^{IMPORT_PATH.pattern}$", "description": "package.module:name"}


def parameter(default: Default) -> Schema:
    """Return the schema of one parameter: a value, a list of values, or a range.

    Args:
        default: The facts known of it.
    """
    value = _value(default)
    shapes: list[Schema] = [value, {"type": "array", "items": value, "minItems": 1}]
    if not default.words and not isinstance(default.value, bool):
        shapes.append(_range(value))
    described = default.reason if default.search is None else f"{default.reason}. Searched: {_searched(default)}"
    return {"anyOf": shapes, "default": default.value, "description": described}


def losses() -> Schema:
    """Return the schema of `losses`: names alone, or names with their parameters, sums, and the user's own."""
    own = {name: _entry(_loss_table(name, table)) for name, table in LOSSES.items()}
    parts = {
        name: {"anyOf": [_factor(), _mapping({**_loss_table(name, table), **_parameters(FACTORS)})]}
        for name, table in LOSSES.items()
    }
    sums = {
        "type": "object",
        "properties": {**parts, LOG_COSH: _bool()},
        "additionalProperties": False,
        "minProperties": 1,
    }
    return _named(own, {"anyOf": [sums, _code()]}, list(LOSSES))


def models() -> Schema:
    """Return the schema of `models`: names alone, names with their parameters, and the user's own."""
    own = {name: _entry(_parameters(table)) for name, table in MODELS.items()}
    return _named(own, _code(), list(MODELS))


def training() -> dict[str, Schema]:
    """Return the schemas of the keys of `training` that may vary."""
    found = _parameters(TRAINING)
    rate = found["learning_rate"]
    rate["description"] += f". With sgd: {_searched(SGD_LEARNING_RATE)}"
    return found


def _value(default: Default) -> Schema:
    found: Schema
    if default.words:
        found = {"enum": list(default.words)}
    elif isinstance(default.value, bool):
        found = {"type": "boolean"}
    else:
        whole = isinstance(default.value, int)
        found = {"type": "integer" if whole else "number"}
        for key, limit in (
            ("minimum", default.at_least),
            ("exclusiveMinimum", default.above),
            ("maximum", default.at_most),
            ("exclusiveMaximum", default.below),
        ):
            if limit is not None:
                found[key] = limit
        if default.optional:
            found = {"anyOf": [found, {"type": "null"}]}
    return {"anyOf": [found, {"const": "auto"}]} if default.auto else found


def _range(value: Schema) -> Schema:
    """A number from `low` to `high`."""
    number: Schema = {"type": "number"}
    return {
        "type": "object",
        "properties": {"low": value, "high": value, "log": {"type": "boolean"}, "step": number, "first": value},
        "required": ["low", "high"],
        "additionalProperties": False,
    }


def _searched(default: Default) -> str:
    if default.search is None:
        return "not"
    if isinstance(default.search, Range):
        scale = ", log" if default.search.log else ""
        return f"{default.search.low:g} to {default.search.high:g}{scale}"
    return str(to_plain(default.search))


def _parameters(table: Mapping[str, Default]) -> dict[str, Schema]:
    return {name: parameter(default) for name, default in table.items()}


def _loss_table(name: str, table: Mapping[str, Default]) -> dict[str, Schema]:
    found = {**_parameters(table), LOG_COSH: _bool()}
    if name in WEIGHTED:
        weight = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "array"}, {"type": "object"}]}
        found[WEIGHTS] = {"type": "object", "additionalProperties": weight, "minProperties": 1}
    if MATRIX in found:
        found[MATRIX] = {"anyOf": [found[MATRIX], {"type": "array", "items": {"type": "array"}}, {"type": "string"}]}
    return found


def _bool() -> Schema:
    """`log_cosh`, which may be searched too."""
    return {"anyOf": [{"type": "boolean"}, {"type": "array", "items": {"type": "boolean"}, "minItems": 1}]}


def _factor() -> Schema:
    return {"anyOf": [*parameter(FACTORS["factor"])["anyOf"], {"type": "null"}]}


def _mapping(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _entry(properties: dict[str, Schema]) -> Schema:
    """Return the schema of the value under a built-in name."""
    return {"anyOf": [{"type": "null"}, {"const": "default"}, _mapping(properties)]}


def _code() -> Schema:
    """The user's own: an import path, alone or with parameters."""
    return {
        "anyOf": [CODE, {"type": "object", "properties": {"code": CODE}, "required": ["code"]}],
    }


def _named(own: dict[str, Schema], other: Schema, known: list[str]) -> Schema:
    """One name, a list of names, or names with what stands under each; a name that is not ours has `other` under it."""
    mapping: Schema = {
        "type": "object",
        "properties": own,
        "propertyNames": {"pattern": NAME},
        "additionalProperties": other,
        "minProperties": 1,
    }
    listed: Schema = {"type": "array", "items": {"enum": known}, "minItems": 1, "uniqueItems": True}
    return {"anyOf": [{"enum": known}, listed, mapping]}
