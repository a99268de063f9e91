"""JSON Schema of the values that several keys share, and of keys whose validation is a function of ours.

pydantic describes fields that have a type. A field of type `Any` is validated by a function, which JSON Schema cannot
read; its schema stands in `FIELDS` by class and field. A test holds that every such field has one.
"""

from typing import Any, get_args

from study.study_file.preprocess import NORMALIZATIONS
from study.study_file.report_section import Axis, LayoutName
from trainables.data.augmentation import recipes
from trainables.data.cases.label_values import OPERATORS

Schema = dict[str, Any]

NUMBER: Schema = {"type": "number"}
POSITIVE: Schema = {"type": "number", "exclusiveMinimum": 0}
TEXT: Schema = {"type": "string", "minLength": 1}
RULE: Schema = {
    "description": "A value of the mask, or a rule such as '>127'.",
    "anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": rf"^\s*({'|'.join(sorted(OPERATORS, key=len, reverse=True))})?\s*[-+]?[0-9.]"},
    ],
}
CASE: Schema = {"anyOf": [TEXT, {"type": "integer"}]}
PART: Schema = {
    "anyOf": [
        {"type": "null"},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        {"type": "string"},
        {"type": "array", "items": CASE, "minItems": 1},
    ]
}
PLACES: Schema = {
    "anyOf": [
        {"type": "null"},
        TEXT,
        {"type": "object", "additionalProperties": TEXT, "minProperties": 1},
    ]
}
PLACE: Schema = {
    "anyOf": [{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, {"type": "integer", "minimum": 1}]
}
PAIR: Schema = {"anyOf": [{"type": "null"}, {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}]}
PERCENT: Schema = {"type": "number", "minimum": 0, "maximum": 100}

AXIS: Schema = {"enum": list(get_args(Axis))}
NORMALIZATION: Schema = {"enum": list(NORMALIZATIONS)}


def one_or_more(item: Schema) -> Schema:
    """Return the schema of one item, or a list of them."""
    return {"anyOf": [item, {"type": "array", "items": item}]}


FIELDS: dict[tuple[str, str], Schema] = {
    ("Split", "validation"): PART,
    ("Split", "test"): PART,
    ("Dataset", "images"): PLACES,
    ("Dataset", "labels"): {"type": "object", "additionalProperties": RULE, "minProperties": 1},
    ("Dataset", "ignore"): one_or_more(RULE),
    ("Dataset", "exclude"): {"type": "array", "items": CASE},
    ("Dataset", "roi"): {
        "anyOf": [
            {"type": "null"},
            TEXT,
            {
                "type": "object",
                "properties": {"label": {"type": ["string", "integer"]}},
                "required": ["label"],
                "additionalProperties": False,
            },
            {
                "type": "array",
                "minItems": 2,
                "maxItems": 3,
                "items": {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 0},
                    "minItems": 2,
                    "maxItems": 2,
                },
            },
        ]
    },
    ("Crop", "margin"): {
        "anyOf": [
            {"type": "integer", "minimum": 0},
            {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
        ]
    },
    ("Preprocess", "spacing"): {
        "anyOf": [
            {"enum": ["native", "unknown"]},
            {"type": "array", "items": POSITIVE, "minItems": 2, "maxItems": 3},
        ]
    },
    ("Preprocess", "clip"): PAIR,
    ("Preprocess", "percentiles"): {
        "anyOf": [{"type": "null"}, {"type": "array", "items": PERCENT, "minItems": 2, "maxItems": 2}]
    },
    ("Preprocess", "normalize"): {
        "anyOf": [
            NORMALIZATION,
            {"type": "array", "items": NORMALIZATION, "minItems": 1},
            {"type": "object", "additionalProperties": NORMALIZATION, "minProperties": 1},
        ]
    },
    ("Steps", "at"): one_or_more(PLACE),
    ("Report", "tables"): {
        "type": "array",
        "items": {"anyOf": [{"enum": list(get_args(LayoutName))}, {"$ref": "#/$defs/TableLayout"}]},
    },
    ("Report", "published"): one_or_more(TEXT),
    ("TableLayout", "rows"): one_or_more(AXIS),
    ("TableLayout", "columns"): one_or_more(AXIS),
    ("TableLayout", "each"): one_or_more(AXIS),
    ("TableLayout", "metric"): one_or_more(TEXT),
    ("TableLayout", "region"): one_or_more(TEXT),
    ("TableLayout", "iteration"): one_or_more({"type": "integer", "minimum": 1}),
    ("Resources", "gpu"): {
        "anyOf": [
            {"const": "auto"},
            {"type": "number", "minimum": 0, "maximum": 1},
            {"type": "integer", "minimum": 0, "maximum": 63},
        ]
    },
    ("TopLevel", "augment"): {
        "anyOf": [
            {"type": "null"},
            {"enum": list(recipes.PRESETS)},
            {"type": "array", "items": {"$ref": "#/$defs/Augmentation"}},
        ]
    },
    ("TopLevel", "weighting"): {
        "anyOf": [
            {"enum": ["none", "inverse"]},
            {"type": "array", "items": {"enum": ["none", "inverse"]}, "minItems": 1, "uniqueItems": True},
        ]
    },
}
"""`(class, field)` → its schema. Descriptions come from the class, defaults from the field."""


def augmentation() -> Schema:
    """Return the schema of one entry of `augment`: a name, or a name with some of its options."""
    number: Schema = {"type": "number"}
    pair: Schema = {"anyOf": [number, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}]}
    named = {
        name: {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                option: {**(pair if isinstance(value, tuple) else number), "default": _plain(value)}
                for option, value in options.items()
            },
        }
        for name, options in recipes.OPTIONS.items()
    }
    return {
        "anyOf": [
            {"enum": [*recipes.OPTIONS, *recipes.PRESETS]},
            {
                "type": "object",
                "properties": named,
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ]
    }


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
