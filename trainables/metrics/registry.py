"""The metrics by name, and those whose name carries a number: `f2`, `surface_dice_1.5`."""

import dataclasses
import functools
import re
from collections.abc import Callable
from typing import Literal

from trainables.errors import InputError
from trainables.metrics.calibration import brier, ece
from trainables.metrics.distance import assd, hd95, hd95_area, hd95_pooled, surface_dice, surface_dice_area
from trainables.metrics.empty import Kind
from trainables.metrics.geometry import Geometry
from trainables.metrics.lesions import lesion_dice, lesion_false_positives, lesion_recall
from trainables.metrics.overlap import accuracy, dice, f_beta, iou, mcc, precision, recall, specificity
from trainables.metrics.ranking import average_precision, roc_auc
from trainables.metrics.volume import volume_bias, volume_error


@dataclasses.dataclass(frozen=True)
class Metric:
    """One number from two masks.

    Attributes:
        compute: Computes the value from a geometry for which `empty.RULES` say COMPUTED or whose masks are not empty;
            None where the metric is undefined.
        kind: Selects the values for empty masks (`empty.py`).
    """

    compute: Callable[[Geometry], float | None]
    kind: Kind

    @property
    def reads(self) -> Literal["masks", "histogram", "lesions"]:
        """The input that it needs beside the two masks; `masks` for none."""
        if self.kind in ("lesions", "count"):
            return "lesions"
        return "histogram" if self.kind in ("ranking", "calibration") else "masks"


METRICS: dict[str, Metric] = {
    "dice": Metric(dice, "overlap"),
    "iou": Metric(iou, "overlap"),
    "precision": Metric(precision, "overlap"),
    "recall": Metric(recall, "overlap"),
    "mcc": Metric(mcc, "overlap"),
    "specificity": Metric(specificity, "voxels"),
    "accuracy": Metric(accuracy, "voxels"),
    "average_precision": Metric(average_precision, "ranking"),
    "roc_auc": Metric(roc_auc, "ranking"),
    "hd95": Metric(hd95, "distance"),
    "hd95_pooled": Metric(hd95_pooled, "distance"),
    "hd95_area": Metric(hd95_area, "distance"),
    "assd": Metric(assd, "distance"),
    "volume_error": Metric(volume_error, "volume"),
    "volume_bias": Metric(volume_bias, "bias"),
    "brier": Metric(brier, "calibration"),
    "ece": Metric(ece, "calibration"),
    "lesion_recall": Metric(lesion_recall, "lesions"),
    "lesion_false_positives": Metric(lesion_false_positives, "count"),
    "lesion_dice": Metric(lesion_dice, "lesions"),
}

FAMILIES: dict[str, Callable[[float], Metric]] = {
    "f": lambda beta: Metric(functools.partial(f_beta, beta=beta), "overlap"),
    "surface_dice_": lambda tolerance: Metric(functools.partial(surface_dice, tolerance=tolerance), "overlap"),
    "surface_dice_area_": lambda tolerance: Metric(
        functools.partial(surface_dice_area, tolerance=tolerance), "overlap"
    ),
}
"""Metrics with a number: `f2` is F-beta with beta 2, `surface_dice_1.5` surface Dice at 1.5 mm (pixels where the
spacing is unknown). The number is greater than 0 and written the shortest way, so that one metric has one name."""

NUMBERED = re.compile(r"([a-z_]+?)((?:0|[1-9]\d*)(?:\.\d*[1-9])?)")


def metric_named(name: str) -> Metric:
    """Return the metric of a name.

    Raises:
        InputError: There is none.
    """
    if name in METRICS:
        return METRICS[name]
    match = NUMBERED.fullmatch(name)
    if match is None or match[1] not in FAMILIES or float(match[2]) == 0:
        families = ", ".join(f"{family}NUMBER" for family in FAMILIES)
        raise InputError(f"no metric named {name!r}; there are {', '.join(METRICS)}, {families}")
    return FAMILIES[match[1]](float(match[2]))
