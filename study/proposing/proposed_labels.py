"""Labels of a data set: the values of its masks, and their names where `dataset.json` has them."""

import dataclasses
import json
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from study.study_file.dataset import LABEL_NAME
from trainables.data.cases.coding import MOST_VALUES, values_of
from trainables.data.finding.known_layouts import DESCRIPTION
from trainables.data.finding.layouts import CaseFiles
from trainables.data.reading import readers
from trainables.errors import InputError

IGNORE = "ignore"
BACKGROUND = "background"
ONE_OBJECT = (1.0, 255.0)
"""Values of masks that code one object in two ways."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskValues:
    """Values of the masks of a data set.

    Attributes:
        values: Values other than 0 of all masks, rising; at most 16 of each mask.
        many: Whether some mask has more values than labels usually are, or values between whole numbers.
        lossy: Whether masks are JPEG, whose values are blurred.
        alone: Whether no mask has two values.
        highest: The greatest value.
        empty: Number of masks without any.
    """

    values: tuple[float, ...]
    many: bool
    lossy: bool
    alone: bool
    highest: float
    empty: int

    @property
    def threshold(self) -> str | None:
        """The rule that finds the one object where values are no labels; None where they are.

        Masks may be blurred, hold probabilities, or code the object as 1 in some files and as 255 in others.
        """
        if self.alone and self.values == ONE_OBJECT:
            return ">0"
        if self.highest <= 1 and self.many:
            return ">0.5"
        return f">{int(self.highest // 2)}" if self.lossy or (self.many and self.highest == 255) else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Named:
    """Labels as a description names them.

    Attributes:
        labels: Name → value.
        regions: Name → names of labels, where the description has regions that overlap; else empty.
        ignore: Values that are neither trained on nor scored.
    """

    labels: Mapping[str, int]
    regions: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    ignore: tuple[int, ...] = ()


def values(files: Sequence[CaseFiles]) -> MaskValues:
    """Read all masks.

    Args:
        files: The cases, at least one.

    Raises:
        InputError: A mask cannot be read, is in colours, or holds no value but 0 like all others.
    """
    found: set[float] = set()
    many, alone, empty = False, True, 0
    for case in files:
        raw = readers.read(case.mask, colour="refuse")
        if raw.segments:
            raise InputError(
                f"{readers.short(case.mask)}: structures with names of their own. Write the study file by hand; "
                "`dataset.labels` takes their numbers."
            )
        shown = raw.array if raw.levels is None else raw.levels[raw.array]
        present = values_of(shown)
        many = many or len(present) >= MOST_VALUES or any(value != int(value) for value in present)
        alone = alone and len(present) < 2
        empty += not present
        found.update({*present, float(shown.max())} - {0.0})
    if not found:
        raise InputError(f"{readers.short(files[0].mask)} and the other masks: no value but 0, so nothing to learn.")
    lossy = any(case.mask.name.lower().endswith(readers.LOSSY) for case in files)
    ordered = tuple(sorted(found))
    return MaskValues(values=ordered, many=many, lossy=lossy, alone=alone, highest=ordered[-1], empty=empty)


def described(root: pathlib.Path) -> Named | None:
    """Return the labels of the folder's `dataset.json`; None where it has none.

    nnU-Net writes `{"liver": 1}` or `{"tumour": [1, 2]}`, the Decathlon `{"1": "liver"}`.
    """
    try:
        tree = json.loads((root / DESCRIPTION).read_text(encoding="utf-8"))
        labels = tree["labels"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(labels, dict) or not labels:
        return None
    return _named({_fit(name): value for name, value in _by_name(labels).items()})


def _by_name(labels: Mapping[str, Any]) -> dict[str, Any]:
    if all(str(key).isdigit() for key in labels):
        return {str(name): int(key) for key, name in labels.items()}
    return dict(labels)


def _named(labels: Mapping[str, Any]) -> Named | None:
    single = {name: value for name, value in labels.items() if type(value) is int and value != 0}
    ignore = tuple(value for name, value in single.items() if name == IGNORE)
    single = {name: value for name, value in single.items() if name != IGNORE}
    unions = {name: value for name, value in labels.items() if isinstance(value, list) and len(value) > 1}
    single |= {name: value[0] for name, value in labels.items() if isinstance(value, list) and len(value) == 1}
    if not unions:
        return Named(labels=single, ignore=ignore) if single else None
    if any(type(value) is not int for union in unions.values() for value in union):
        return None
    by_value = {value: name for name, value in single.items()}
    for value in sorted({value for union in unions.values() for value in union} - by_value.keys()):
        by_value[value] = f"label_{value}"
    regions = {name: tuple(by_value[value] for value in union) for name, union in unions.items()}
    regions |= {name: (name,) for name in single}
    return Named(labels={name: value for value, name in sorted(by_value.items())}, regions=regions, ignore=ignore)


def _fit(name: str) -> str:
    """Return a label's name as a study file takes it."""
    fit = re.sub(r"[^A-Za-z0-9_-]+", "_", name.strip()).strip("_")[:60]
    if name.lower() in (IGNORE, BACKGROUND):
        return name.lower()
    return fit if LABEL_NAME.fullmatch(fit) and fit != "mean" else f"label_{fit}"[:60]
