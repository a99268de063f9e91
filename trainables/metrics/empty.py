"""What a metric gives when the reference, the prediction or both are empty: one table for all metrics."""

import dataclasses
import enum
from collections.abc import Mapping
from typing import Literal

from trainables.metrics.geometry import Geometry

Kind = Literal["overlap", "distance"]
"""Whether a metric is a share of voxels, at worst 0, or a distance, at worst the image's diagonal."""


class Value(enum.Enum):
    """A value that is set by rule."""

    MISSING = "left out of every mean, and counted"
    WORST = "0 for an overlap, the image's diagonal for a distance"


@dataclasses.dataclass(frozen=True)
class Rule:
    """What is recorded in place of a computed value.

    Attributes:
        value: The value.
        note: Why, as `Score.note` says it and reports count it.
    """

    value: Value
    note: str


RULES: Mapping[tuple[bool, bool], Rule] = {
    # (reference is empty, prediction is empty)
    (True, True): Rule(Value.MISSING, "clean negative"),
    (True, False): Rule(Value.MISSING, "false positive"),
    (False, True): Rule(Value.WORST, "miss"),
}


def by_rule(geometry: Geometry, kind: Kind) -> tuple[float | None, str] | None:
    """The value (None: missing) and the note that the table sets, or None where both masks hold something."""
    rule = RULES.get((geometry.tp + geometry.fn == 0, geometry.tp + geometry.fp == 0))
    if rule is None:
        return None
    if rule.value is Value.MISSING:
        return None, rule.note
    return (0.0 if kind == "overlap" else geometry.diagonal), rule.note
