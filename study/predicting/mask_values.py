"""Values that a predicted mask is written with: those of the data set's own masks."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainables.data.cases.label_values import OPERATORS, Label, to_classes
from trainables.errors import InputError

BRIGHTEST = 255
"""Value of an object in most masks that are pictures."""


def label_values(labels: Sequence[Label], facts: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    """Return the mask value of each class, the background's first.

    A label that is one value has it. One that is a rule, such as `>127`, has the value that the study's own masks have
    there if that is one; else 255, or the whole number next to the rule's own.

    Args:
        labels: The study's.
        facts: Of its cases; `mask_values` are looked at.

    Raises:
        InputError: No value can be found that reads as the class again.
    """
    present = sorted({float(value) for fact in facts for value in fact.get("mask_values", ())})
    values = (_background(labels), *(_value(label, present) for label in labels))
    read = to_classes(np.array(values), labels, "background")
    for index, found in enumerate(read):
        if found != index:
            name = "background" if index == 0 else str(labels[index - 1])
            raise InputError(f"dataset.labels: no mask value stands for {name} alone, so no mask can be written.")
    return values


def _background(labels: Sequence[Label]) -> float:
    """Return 0, or where a rule takes 0 for an object, the brightest value or the first that no label takes."""
    return next((float(value) for value in (0, BRIGHTEST, *range(BRIGHTEST)) if not _taken(value, labels)), 0.0)


def _taken(value: float, labels: Sequence[Label]) -> bool:
    return any(OPERATORS[label.operator](value, label.value) for label in labels)


def _value(label: Label, present: Sequence[float]) -> float:
    if not label.splits:
        return label.value
    seen = [value for value in present if OPERATORS[label.operator](value, label.value)]
    if len(seen) == 1:
        return seen[0]
    near = math.floor(label.value)
    fitting = (BRIGHTEST, near - 1, near, near + 1, 0)
    return float(next(value for value in fitting if OPERATORS[label.operator](value, label.value)))
