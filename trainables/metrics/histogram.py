"""A histogram of log-odds, and average precision from it: exact up to float16, in bounded memory.

Voxels are counted by their log-odds rounded to float16: 65,536 bins, fine where networks trained with Dice put nearly
all voxels, far beyond 0.999. 1,024 bins of probability gave 0.252 where the exact value was 0.518.
"""

import dataclasses
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

BINS = 65_536
LogOdds = NDArray[np.float16]


@dataclasses.dataclass(frozen=True, eq=False)
class Histogram:
    """Number of voxels by log-odds. Histograms of several cases add up to that of their pooled voxels.

    Attributes:
        positives: `(BINS,)` int64 voxels inside the reference, by rising log-odds.
        negatives: `(BINS,)` int64 the others.
    """

    positives: NDArray[np.int64]
    negatives: NDArray[np.int64]

    @classmethod
    def empty(cls) -> Self:
        """Return a histogram of no voxels."""
        return cls(np.zeros(BINS, np.int64), np.zeros(BINS, np.int64))

    def add(self, log_odds: LogOdds, reference: NDArray[np.bool_]) -> None:
        """Add voxels, such as those of a slice.

        Args:
            log_odds: Any shape; infinite ones are ranked, NaN is not expected.
            reference: Whether each of them belongs to the region, of the same shape.
        """
        bins = rank(log_odds)
        self.positives[:] += np.bincount(bins[reference], minlength=BINS)
        self.negatives[:] += np.bincount(bins[~reference], minlength=BINS)

    def add_never_found(self, positives: int, negatives: int) -> None:
        """Add voxels with log-odds of minus infinity: those that no window covers."""
        lowest = int(rank(np.array(-np.inf, np.float16)))
        self.positives[lowest] += positives
        self.negatives[lowest] += negatives

    def __add__(self, other: Self) -> Self:
        return type(self)(self.positives + other.positives, self.negatives + other.negatives)

    @property
    def average_precision(self) -> float | None:
        """`sum of (recall step) * precision` over falling thresholds, in `[0, 1]`; None where no voxel is positive.

        Step-wise and without interpolation, as scikit-learn's `average_precision_score`; voxels of one bin come
        together.
        """
        tp, fp = np.cumsum(self.positives[::-1]), np.cumsum(self.negatives[::-1])
        if tp[-1] == 0:
            return None
        found = np.diff(tp, prepend=0)
        steps = np.flatnonzero(found)
        return float((found[steps] / tp[-1] * (tp[steps] / (tp[steps] + fp[steps]))).sum())

    @property
    def roc_auc(self) -> float | None:
        """Share of pairs of a positive and a negative voxel in which the positive is ranked higher, ties counted half.

        As scikit-learn's `roc_auc_score`; None where no voxel, or every one, is positive.
        """
        positives, negatives = self.positives.astype(np.float64), self.negatives.astype(np.float64)
        pairs = positives.sum() * negatives.sum()
        if pairs == 0:
            return None
        below = np.cumsum(negatives) - negatives
        return float((positives * (below + negatives / 2)).sum() / pairs)


def rank(log_odds: LogOdds) -> NDArray[np.uint16]:
    """Return the bin of each value: greater values, greater bins; -0 and 0 share one."""
    bits = (log_odds + np.float16(0)).view(np.uint16)
    # IEEE 754: with the sign bit turned over, positive numbers sort as their bits do; negative ones in reverse.
    return np.where(bits & 0x8000, ~bits, bits | 0x8000)


def log_odds(probabilities: NDArray[np.float32], classes: Sequence[int]) -> LogOdds:
    """Compute `log(p / (1 - p))` of a region from class probabilities.

    Both sums are taken by themselves, so that p near 1 keeps its digits, as `1 - p` would not.

    Args:
        probabilities: `(C, ...)`, sums to 1 over C.
        classes: Class indices whose union the region is; neither none nor all.

    Returns:
        `(...)`; minus or plus infinity where one of the sums is 0.
    """
    others = [index for index in range(len(probabilities)) if index not in classes]
    with np.errstate(divide="ignore"):
        inside, outside = (np.log(probabilities[list(part)].sum(axis=0)) for part in (classes, others))
    return np.asarray(inside - outside, np.float16)
