"""What reports must know of a metric: its name in print, which way is better, its digits, what a failure counts."""

import dataclasses
from typing import Literal


@dataclasses.dataclass(frozen=True, slots=True)
class Metric:
    """One metric as tables show it.

    Attributes:
        label: In print.
        greater_is_better: Which way.
        kind: `share` in [0, 1]; `distance` in mm, or pixels where the spacing is unknown.
    """

    label: str
    greater_is_better: bool
    kind: Literal["share", "distance"]

    @property
    def decimals(self) -> int:
        """Digits after the point."""
        return 3 if self.kind == "share" else 2

    @property
    def arrow(self) -> str:
        """Which way is better, as one character."""
        return "↑" if self.greater_is_better else "↓"

    def worst(self, diagonal: float) -> float:
        """What a case counts whose network diverged (METHOD.md §4): 0, or the image's diagonal."""
        return diagonal if self.kind == "distance" else 0.0

    def heading(self, *, pixels: bool) -> str:
        """Label with unit and arrow: `HD95 (mm) ↓`."""
        unit = "" if self.kind == "share" else " (px)" if pixels else " (mm)"
        return f"{self.label}{unit} {self.arrow}"


METRICS: dict[str, Metric] = {
    "dice": Metric("Dice", True, "share"),
    "iou": Metric("IoU", True, "share"),
    "precision": Metric("Precision", True, "share"),
    "recall": Metric("Recall", True, "share"),
    "average_precision": Metric("Average precision", True, "share"),
    "surface_dice": Metric("Surface Dice", True, "share"),
    "hd95": Metric("HD95", False, "distance"),
    "hd": Metric("Hausdorff distance", False, "distance"),
    "assd": Metric("Mean surface distance", False, "distance"),
}
