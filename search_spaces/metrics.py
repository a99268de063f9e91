"""Names of metrics: which values are better, and whether a metric belongs to a case or to a whole split.

A metric of a case has a value for each case; tables show its mean, with interval and test. A metric of a split has one
value for all cases of a training: it has neither interval nor test, and cannot be a search's objective.
"""

import re
from collections.abc import Iterable
from typing import Literal

Better = Literal["greater", "smaller", "zero"]

METRICS: dict[str, Better] = {
    "dice": "greater",
    "iou": "greater",
    "precision": "greater",
    "recall": "greater",
    "mcc": "greater",
    "specificity": "greater",
    "accuracy": "greater",
    "average_precision": "greater",
    "roc_auc": "greater",
    "hd95": "smaller",
    "hd95_pooled": "smaller",
    "hd95_area": "smaller",
    "assd": "smaller",
    "volume_error": "smaller",
    "volume_bias": "zero",
    "brier": "smaller",
    "ece": "smaller",
    "lesion_recall": "greater",
    "lesion_false_positives": "smaller",
    "lesion_dice": "greater",
}
"""Metrics of a case, by name."""

FAMILIES: dict[str, Better] = {
    "f": "greater",
    "surface_dice_": "greater",
    "surface_dice_area_": "greater",
}
"""Metrics whose name ends with a number: `f2` (F-beta, beta 2), `surface_dice_1.5` (at 1.5 mm, or pixels where the
spacing is unknown; each surface voxel counts once), `surface_dice_area_1.5` (the same, weighted by area). The number is
greater than 0 and written the shortest way: one metric, one name."""

LESIONS: dict[str, Better] = {
    "pooled_lesion_recall": "greater",
    "object_dice": "greater",
    "average_recall": "greater",
    "average_recall_iw2020": "greater",
    "cpm": "greater",
}
"""Metrics of a split, over the lesions of all its cases (`reports/statistics/lesion_counts.py`)."""

PREFIXES = ("pooled_", "group_")
"""Metrics of a split, from voxels: `pooled_dice` is that of all cases' voxels together, `group_dice` the mean over
groups (patients) whose cases are pooled. For metrics of voxel counts; for average precision too, pooled only."""

COUNTED = ("dice", "iou", "precision", "recall", "mcc")
"""Metrics of voxel counts, beside F-beta."""

NUMBERED = re.compile(r"([a-z_]+?)((?:0|[1-9]\d*)(?:\.\d*[1-9])?)")

KNOWN = (*METRICS, *(f"{family}2" for family in FAMILIES), *LESIONS, *(f"{prefix}dice" for prefix in PREFIXES))
"""Names for messages: all metrics, and an example of each family."""


def better(name: str) -> Better | None:
    """Returns which values are better; None where there is no metric of that name."""
    if name in METRICS:
        return METRICS[name]
    if name in LESIONS:
        return LESIONS[name]
    if (pooled := pooled_from(name)) is not None:
        return better(pooled[1])
    family, _ = family_of(name) or ("", 0.0)
    return FAMILIES.get(family)


def family_of(name: str) -> tuple[str, float] | None:
    """Splits a name such as `f0.5` into family and number, `("f", 0.5)`; None for other names."""
    match = NUMBERED.fullmatch(name)
    if match is None or match[1] not in FAMILIES or float(match[2]) == 0:
        return None
    return match[1], float(match[2])


def pooled_from(name: str) -> tuple[str, str] | None:
    """Splits a name such as `pooled_dice` into prefix and metric, `("pooled_", "dice")`; None for other names."""
    for prefix in PREFIXES:
        base = name.removeprefix(prefix)
        if base == name:
            continue
        family, _ = family_of(base) or ("", 0.0)
        if base in COUNTED or family == "f" or (prefix, base) == ("pooled_", "average_precision"):
            return prefix, base
    return None


def of_split(name: str) -> bool:
    """Tell whether it is a metric of a whole split."""
    return name in LESIONS or pooled_from(name) is not None


def scored(names: Iterable[str]) -> tuple[str, ...]:
    """Returns the metrics of a case that trials must compute for the given metrics. Voxel counts are always kept."""
    needed: dict[str, None] = {}
    for name in names:
        if name == "pooled_average_precision":
            needed["average_precision"] = None
        elif not of_split(name):
            needed[name] = None
    return tuple(needed)


def counts_lesions(names: Iterable[str]) -> bool:
    """Tell whether trials must keep lesion records for some metrics of a split."""
    return any(name in LESIONS for name in names)
