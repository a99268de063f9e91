"""Coding of masks: from the values of one file to class indices, where files of a set are coded differently.

A picture may store 1 where viewers show 255 (1-bit, palettes of grey); a volume may store labels as scaled integers.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from trainables.data.cases.label_values import IGNORED, TOLERANCE, Label, OtherLabels, rounded, to_classes
from trainables.errors import InputError

MOST_VALUES = 16
"""Different values of a mask that are told apart."""
LARGEST_STEP = 0.5
"""Scale factor from which stored integers cannot tell neighbouring labels apart."""


@dataclasses.dataclass(frozen=True, eq=False)
class Coded:
    """One mask, decoded.

    Attributes:
        values: The values that labels were looked up in, as stored or as viewers show them.
        classes: uint8 class indices, as `labels.to_classes` gives them.
    """

    values: np.ndarray
    classes: np.ndarray


def decoded(
    stored: np.ndarray,
    labels: Sequence[Label],
    other: OtherLabels,
    ignore: Sequence[Label],
    *,
    levels: np.ndarray | None = None,
    step: float | None = None,
) -> Coded:
    """Decode a mask by the values in which its labels are found: those stored, or those that viewers show.

    Args:
        stored: Values, any shape.
        labels: In the study file's order.
        other: Treatment of values that no label names.
        ignore: Values whose voxels are ignored.
        levels: Grey value shown for each stored value; None where they are the same.
        step: Scale factor of stored integers; values within half of it around a whole number are that number.

    Raises:
        InputError: `to_classes` refuses the values, or both readings have labels and differ.
    """
    if step is not None and step < LARGEST_STEP:
        stored = rounded(stored, max(TOLERANCE, 0.51 * step))
    candidates = [stored] if levels is None else [stored, levels[stored]]
    found: list[Coded] = []
    first_error: InputError | None = None
    for values in candidates:
        try:
            found.append(Coded(values, to_classes(values, labels, other, ignore)))
        except InputError as error:
            first_error = first_error or error
    if not found:
        assert first_error is not None, "each candidate is decoded or refused"
        raise first_error
    with_labels = [one for one in found if ((one.classes > 0) & (one.classes < IGNORED)).any()]
    if len(with_labels) == 2 and (with_labels[0].classes != with_labels[1].classes).any():
        raise InputError(
            f"its values as stored ({listed(stored)}) and as viewers show them ({listed(candidates[1])}) are both "
            "labels, and differ. Export it as 8-bit grey values."
        )
    return (with_labels or found)[0]


def values_of(mask: np.ndarray) -> tuple[float, ...]:
    """Return the different values of a mask other than 0, rising: the first 16."""
    if mask.dtype == np.uint8:
        present = np.flatnonzero(np.bincount(mask.reshape(-1), minlength=256))
    else:
        present = np.unique(mask)
    return tuple(float(value) for value in present[present != 0][:MOST_VALUES])


def listed(mask: np.ndarray) -> str:
    """Return a mask's values other than 0 for a message, such as `1, 3, 4, …`."""
    found = values_of(mask)
    return ", ".join(f"{value:g}" for value in found[:4]) + (", …" if len(found) > 4 else "") or "0"
