"""Facts on metrics for reports: label, direction, digits, unit, and the value that a failure counts."""

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Literal

from search_spaces.metrics import Better, family_of, pooled_from

Kind = Literal["share", "distance", "volume", "bias", "count", "calibration"]


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """A metric as tables show it.

    Attributes:
        label: Name in print.
        better: Which values are better.
        kind: `share`, at best 1 and at worst 0; `distance` in mm, or pixels where the spacing is unknown; `volume` in
            mL, or voxels; `bias`, a signed share whose best is 0; `count`, of things in a case; `calibration`,
            an error of probabilities, at best 0 and at worst 1.
        tolerance: Tolerance of a surface Dice, in the unit of distances.
    """

    label: str
    better: Better
    kind: Kind
    tolerance: float | None = None

    @property
    def greater_is_better(self) -> bool:
        """Whether greater values are better; False for a bias, by which no arm is ranked."""
        return self.better == "greater"

    @property
    def decimals(self) -> int:
        """Digits after the point."""
        return 3 if self.kind in ("share", "bias", "calibration") else 2

    @property
    def arrow(self) -> str:
        """The direction as a symbol."""
        return {"greater": "↑", "smaller": "↓", "zero": "→0"}[self.better]

    def best(self, values: Iterable[float]) -> float:
        """Returns the best of some values."""
        if self.better == "zero":
            return min(values, key=abs)
        return max(values) if self.better == "greater" else min(values)

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest possible value; MCC and a bias may be negative."""
        if self.kind == "share":
            return (-1.0 if self.label.startswith("MCC") else 0.0), 1.0
        return (-1.0 if self.kind == "bias" else 0.0), (1.0 if self.kind == "calibration" else math.inf)

    def worst(self, diagonal: float) -> float:
        """Returns what a case counts if its training diverged (METHOD.md §4): the value of an empty prediction.

        0 for a share, the image's diagonal for a distance, -1 for a bias; NaN, which is missing, for a volume, which
        depends on the case, and for a count: to find nothing is no merit.
        """
        worst = {"share": 0.0, "distance": diagonal, "bias": -1.0, "calibration": 1.0}
        return worst.get(self.kind, math.nan)

    def heading(self, *, pixels: bool) -> str:
        """Returns label, unit and arrow: `HD95 (mm) ↓`, `Surface Dice 2 mm ↑`."""
        length = "px" if pixels else "mm"
        units = {"distance": f" ({length})", "volume": " (voxels)" if pixels else " (mL)"}
        unit = f" {length}" if self.tolerance is not None else units.get(self.kind, "")
        return f"{self.label}{unit} {self.arrow}"


class _Metrics(dict[str, Metric]):
    """Metrics by name; those whose name holds a number are built on access."""

    def __missing__(self, name: str) -> Metric:
        pooled, family = pooled_from(name), family_of(name)
        if pooled is not None:
            prefix, base = pooled
            return dataclasses.replace(self[base], label=f"{self[base].label}, {PREFIXES[prefix]}")
        if family is None:
            raise KeyError(name)
        return FAMILIES[family[0]](family[1])


METRICS: dict[str, Metric] = _Metrics(
    {
        "dice": Metric("Dice", "greater", "share"),
        "iou": Metric("IoU", "greater", "share"),
        "precision": Metric("Precision", "greater", "share"),
        "recall": Metric("Recall", "greater", "share"),
        "mcc": Metric("MCC", "greater", "share"),
        "specificity": Metric("Specificity", "greater", "share"),
        "accuracy": Metric("Accuracy", "greater", "share"),
        "average_precision": Metric("Average precision", "greater", "share"),
        "roc_auc": Metric("AUC", "greater", "share"),
        "hd95": Metric("HD95", "smaller", "distance"),
        "hd95_pooled": Metric("HD95 pooled", "smaller", "distance"),
        "hd95_area": Metric("HD95 by area", "smaller", "distance"),
        "assd": Metric("Mean surface distance", "smaller", "distance"),
        "volume_error": Metric("Volume error", "smaller", "volume"),
        "volume_bias": Metric("Volume bias", "zero", "bias"),
        "brier": Metric("Brier score", "smaller", "calibration"),
        "ece": Metric("ECE", "smaller", "calibration"),
        "lesion_recall": Metric("Lesion recall", "greater", "share"),
        "lesion_false_positives": Metric("False lesions a scan", "smaller", "count"),
        "lesion_dice": Metric("Dice of found lesions", "greater", "share"),
        "pooled_lesion_recall": Metric("Lesion recall, pooled", "greater", "share"),
        "object_dice": Metric("Object-wise Dice", "greater", "share"),
        "average_recall": Metric("Average recall", "greater", "share"),
        "average_recall_iw2020": Metric("Average recall (iw2020)", "greater", "share"),
        "cpm": Metric("CPM", "greater", "share"),
    }
)

PREFIXES = {"pooled_": "pooled", "group_": "by patient"}
"""Prefix of a pooled metric's name → suffix of its label."""

FAMILIES: dict[str, Callable[[float], Metric]] = {
    "f": lambda beta: Metric(f"F{beta:g}", "greater", "share"),
    "surface_dice_": lambda tolerance: Metric(f"Surface Dice {tolerance:g}", "greater", "share", tolerance),
    "surface_dice_area_": lambda tolerance: Metric(
        f"Surface Dice by area {tolerance:g}", "greater", "share", tolerance
    ),
}
"""Metrics with a number in their name, as in `search_spaces.metrics.FAMILIES`."""
