"""The metrics by name."""

import dataclasses
from collections.abc import Callable

from trainables.metrics.distance import hd95
from trainables.metrics.empty import Kind
from trainables.metrics.geometry import Geometry
from trainables.metrics.overlap import dice, precision, recall


@dataclasses.dataclass(frozen=True)
class Metric:
    """One number from two masks.

    Attributes:
        compute: From the geometry of two masks that both hold something.
        kind: What it gives otherwise (`empty.py`); overlaps are the better the greater, distances the smaller.
    """

    compute: Callable[[Geometry], float]
    kind: Kind


METRICS: dict[str, Metric] = {
    "dice": Metric(dice, "overlap"),
    "precision": Metric(precision, "overlap"),
    "recall": Metric(recall, "overlap"),
    "hd95": Metric(hd95, "distance"),
}
