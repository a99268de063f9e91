"""Dice, precision and recall: shares of voxels, from the counts alone."""

from trainables.metrics.geometry import Geometry


def dice(geometry: Geometry) -> float:
    """`2 TP / (2 TP + FP + FN)`, in `[0, 1]`; not for two empty masks (`empty.py`).

    Source: Dice 1945, https://doi.org/10.2307/1932409; equal to the F1 score of voxels.
    """
    return 2 * geometry.tp / (2 * geometry.tp + geometry.fp + geometry.fn)


def precision(geometry: Geometry) -> float:
    """`TP / (TP + FP)`: share of the prediction that is right, in `[0, 1]`; not for an empty prediction."""
    return geometry.tp / (geometry.tp + geometry.fp)


def recall(geometry: Geometry) -> float:
    """`TP / (TP + FN)`: share of the reference that was found, in `[0, 1]`; not for an empty reference."""
    return geometry.tp / (geometry.tp + geometry.fn)
