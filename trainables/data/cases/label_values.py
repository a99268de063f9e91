"""Labels: which values of a mask file belong to which class, by value (`1`) or by rule (`">127"`)."""

import dataclasses
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from trainables.errors import InputError

OtherLabels = Literal["refuse", "background", "ignore"]

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
TOLERANCE = 1e-3
"""How far a value may lie from a whole number and still be it: float rounding of a scaled mask gives 0.9999."""
MOST_CLASSES = 254
IGNORED = 255
"""Stands for a class where a voxel is neither trained on nor scored."""
CHUNK = 1 << 18
"""Voxels looked at together: few enough for what is computed of them to stay in the processor's cache."""


@dataclasses.dataclass(frozen=True, slots=True)
class Label:
    """One class of the study: its name and the mask values that belong to it."""

    name: str
    operator: str
    value: float

    @property
    def number(self) -> float:
        """The value; whole numbers as int, since comparing integers with a float turns each voxel into one."""
        return int(self.value) if self.value.is_integer() else self.value

    @property
    def splits(self) -> bool:
        """Whether it is an inequality. Then it says of every value whether it belongs, and the rest is background."""
        return self.operator != "=="

    def __str__(self) -> str:
        value = f"{self.value:g}"
        return f"{self.name}: {self.operator}{value}" if self.splits else f"{self.name}: {value}"


def parse(name: str, rule: float | str) -> Label:
    """Parse one `name: rule` of a study file.

    Args:
        name: The label's name.
        rule: A number, or text such as `">127"`, `">=2"`, `"==1"`.

    Raises:
        InputError: The rule is neither.
    """
    match = re.fullmatch(r"\s*(==|!=|>=|<=|>|<)?\s*(-?\d+(?:\.\d+)?)\s*", str(rule))
    if match is None:
        raise InputError(f"label {name!r}: {rule!r} is neither a value (1) nor a rule ('>127', '>=2', '==1').")
    return Label(name, match[1] or "==", float(match[2]))


def parse_all(labels: Mapping[str, float | str]) -> tuple[Label, ...]:
    """Parse the study file's labels in its order; their class indices are 1, 2, ….

    Raises:
        InputError: A rule is none, two labels name the same value, or there are more than 254.
    """
    parsed = tuple(parse(name, rule) for name, rule in labels.items())
    if not 1 <= len(parsed) <= MOST_CLASSES:
        raise InputError(f"labels: expected 1 to {MOST_CLASSES} labels, found {len(parsed)}.")
    seen: dict[tuple[str, float], str] = {}
    for label in parsed:
        other = seen.setdefault((label.operator, label.value), label.name)
        if other != label.name:
            raise InputError(f"labels: {other!r} and {label.name!r} both name {label.operator}{label.value:g}.")
    return parsed


def to_classes(
    mask: np.ndarray, labels: Sequence[Label], other: OtherLabels = "refuse", ignore: Sequence[Label] = ()
) -> np.ndarray:
    """Map a mask's values to class indices.

    Args:
        mask: Values as stored, any shape, any real dtype. Values within 0.001 of a whole number count as it.
        labels: In the study file's order; `labels[i]` gets the index `i + 1`, everything else 0.
        other: Treatment of values that no label names: `refuse`, `background` or `ignore`. 0 is always allowed and
            background, and so is all the rest when a label is an inequality.
        ignore: Values whose voxels are ignored.

    Returns:
        uint8 array of the mask's shape; `IGNORED` (255) where a voxel is.

    Raises:
        InputError: The mask has values that no label names, two labels name one value, `ignore` takes a label's value,
            or a value is NaN.
    """
    flat = np.ascontiguousarray(mask).reshape(-1)
    classes = np.empty(flat.shape, np.uint8)
    known = other == "background" or any(label.splits for label in labels)
    for start in range(0, flat.size, CHUNK):
        values, found = rounded(flat[start : start + CHUNK]), classes[start : start + CHUNK]
        _classify(values, labels, found)
        if ignore:
            _ignore(values, labels, ignore, found)
        if other == "refuse" and not known:
            _refuse_strangers(values[(found == 0) & (values != 0)], labels)
        elif not known:
            np.copyto(found, IGNORED, where=(found == 0) & (values != 0))
    return classes.reshape(mask.shape)


def _classify(values: np.ndarray, labels: Sequence[Label], classes: np.ndarray) -> None:
    """Fill in the classes of some voxels."""
    classes[:] = 0
    for index, label in enumerate(labels, start=1):
        named = OPERATORS[label.operator](values, label.number)
        twice = values[named & (classes > 0)]
        if twice.size:
            first = next(one for one in labels if OPERATORS[one.operator](twice[0], one.number))
            raise InputError(
                f"value {twice[0]:g} belongs to two labels ({first}; {label}). Let only one of their rules hold."
            )
        np.copyto(classes, index, where=named)


def _ignore(values: np.ndarray, labels: Sequence[Label], ignore: Sequence[Label], classes: np.ndarray) -> None:
    """Mark ignored voxels: `>=1` with 255 ignored means 1 to 254."""
    for rule in ignore:
        ignored = OPERATORS[rule.operator](values, rule.number)
        for index, label in enumerate(labels, start=1):
            if not label.splits and (ignored & (classes == index)).any():
                raise InputError(f"`dataset.ignore` ({rule}) takes the value of a label ({label}). Keep one of them.")
        np.copyto(classes, IGNORED, where=ignored)


def holds(mask: np.ndarray, label: Label) -> np.ndarray:
    """Return where a mask's values belong to a label, bool of its shape.

    Raises:
        InputError: A value is NaN.
    """
    inside: np.ndarray = OPERATORS[label.operator](rounded(mask), label.number)
    return inside


def _refuse_strangers(found: np.ndarray, labels: Sequence[Label]) -> None:
    if found.size == 0:
        return
    strangers = [float(value) for value in np.unique(found)]
    shown = ", ".join(f"{value:g}" for value in strangers[:5]) + (", …" if len(strangers) > 5 else "")
    names = ", ".join(str(label) for label in labels)
    if all(value.is_integer() for value in strangers):
        advice = "Name them under `dataset.labels`, or set `dataset.other_labels: background`."
    else:
        advice = "Masks hold whole numbers: re-export it without smoothing, or give a rule such as '>0.5'."
    subject = f"value {shown} is" if len(strangers) == 1 else f"values {shown} are"
    raise InputError(f"{subject} covered by no label ({names}). {advice}")


def rounded(mask: np.ndarray, tolerance: float = TOLERANCE) -> np.ndarray:
    """Return a mask with those floats rounded that lie within the tolerance of a whole number.

    Raises:
        InputError: A value is NaN or infinite.
    """
    if not np.issubdtype(mask.dtype, np.floating) or mask.size == 0:
        return mask
    if not np.isfinite(mask.sum(dtype=np.float64)):
        raise InputError("the mask has NaN or infinite values. Masks hold whole numbers: re-export it.")
    whole = np.rint(mask)
    return np.where(np.abs(mask - whole) <= tolerance, whole, mask)
