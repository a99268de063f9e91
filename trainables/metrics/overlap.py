"""Dice, IoU, precision, recall, F-beta, specificity, accuracy, Matthews' correlation: from counts of voxels alone.

Each is for masks that both hold something; `empty.py` says what is recorded otherwise.
"""

import math
from typing import Protocol


class Counted(Protocol):
    """Voxels of two masks: of one case (`Geometry`, `trainables.trial.Counts`) or of many together."""

    @property
    def tp(self) -> int:
        """In both."""

    @property
    def fp(self) -> int:
        """In the prediction alone."""

    @property
    def fn(self) -> int:
        """In the reference alone."""

    @property
    def tn(self) -> int:
        """In neither."""


def dice(geometry: Counted) -> float:
    """`2 TP / (2 TP + FP + FN)`, in `[0, 1]`; not for two empty masks (`empty.py`).

    Source: Dice 1945, https://doi.org/10.2307/1932409; equal to the F1 score of voxels.
    """
    return 2 * geometry.tp / (2 * geometry.tp + geometry.fp + geometry.fn)


def iou(geometry: Counted) -> float:
    """`TP / (TP + FP + FN)`, in `[0, 1]`: `dice / (2 - dice)`. Also called Jaccard index.

    Source: Jaccard 1912, https://doi.org/10.1111/j.1469-8137.1912.tb05611.x.
    """
    return geometry.tp / (geometry.tp + geometry.fp + geometry.fn)


def precision(geometry: Counted) -> float:
    """`TP / (TP + FP)`: share of the prediction that is right, in `[0, 1]`; not for an empty prediction."""
    return geometry.tp / (geometry.tp + geometry.fp)


def recall(geometry: Counted) -> float:
    """`TP / (TP + FN)`: share of the reference that was found, in `[0, 1]`; not for an empty reference."""
    return geometry.tp / (geometry.tp + geometry.fn)


def specificity(geometry: Counted) -> float | None:
    """`TN / (TN + FP)`: share of the voxels outside the reference that are left out, in `[0, 1]`.

    None where the reference fills the image. It is near 1 for any small prediction, whatever it hits.
    """
    outside = geometry.tn + geometry.fp
    return geometry.tn / outside if outside else None


def accuracy(geometry: Counted) -> float:
    """`(TP + TN) / (TP + FP + FN + TN)`: share of all voxels that are right, in `[0, 1]`.

    It rises with the empty space around the region: an empty prediction of a region of 1 % has 0.99.
    """
    right = geometry.tp + geometry.tn
    return right / (right + geometry.fp + geometry.fn)


def f_beta(geometry: Counted, *, beta: float) -> float:
    """`(1 + beta²) TP / ((1 + beta²) TP + beta² FN + FP)`, in `[0, 1]`.

    Args:
        geometry: Counts; both masks hold something.
        beta: How many times as much recall counts as precision, > 0; 1 is Dice.

    Source: van Rijsbergen 1979, Information Retrieval, chapter 7.
    """
    found = (1 + beta**2) * geometry.tp
    return found / (found + beta**2 * geometry.fn + geometry.fp)


def mcc(geometry: Counted) -> float:
    """Matthews' correlation of the two masks over the voxels of the whole image, in `[-1, 1]`; 0 is chance.

    `(TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN))`. Where a mask fills the image it is 0 / 0, and 0
    here, as scikit-learn has it; two masks that both fill it are 1.

    Source: Matthews 1975, https://doi.org/10.1016/0005-2795(75)90109-9.
    """
    tp, fp, fn, tn = geometry.tp, geometry.fp, geometry.fn, geometry.tn
    if fp == fn == 0:
        return 1.0
    # Square roots one by one: the product of four counts of a large volume has no exact double.
    whole = math.prod(map(math.sqrt, (tp + fp, tp + fn, tn + fp, tn + fn)))
    return 0.0 if whole == 0 else (tp * tn - fp * fn) / whole
