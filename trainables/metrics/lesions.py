"""Lesion metrics of one case: share found, false positives, and Dice of the lesions found.

Over all scans of a split, with FROC and average recall: `reports/statistics/lesion_counts.py`, from the same records.
"""

from trainables.lesion_records import Lesions
from trainables.metrics.geometry import Geometry


def lesion_recall(geometry: Geometry) -> float:
    """Share of the case's lesions that any predicted component overlaps, in `[0, 1]`; there is at least one."""
    return float(_of(geometry).found.mean())


def lesion_false_positives(geometry: Geometry) -> float:
    """Predicted components that overlap no lesion, >= 0. Every case counts, so the mean is that of a scan."""
    return float(_of(geometry).false_positives)


def lesion_dice(geometry: Geometry) -> float | None:
    """Mean Dice of the lesions that were found, each with its best component, in `(0, 1]`; None where none was."""
    lesions = _of(geometry)
    return float(lesions.dice[lesions.found].mean()) if lesions.found.any() else None


def _of(geometry: Geometry) -> Lesions:
    assert geometry.lesions is not None, "lesion metrics need the records of the case's components"
    return geometry.lesions
