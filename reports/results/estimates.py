"""Estimates from scores of trainings × cases with missing values: pairing, units of resampling, exclusions.

Shape letters: K searches, F folds, S seeds, N test cases, U units (what is resampled beside groups).
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from reports.statistics.intervals_and_tests import (
    Estimate,
    Floats,
    group_effects,
    group_sums,
    sign_flip,
    standardised,
    two_way_t,
)

LEAST_SEARCHES_FOR_LOSSES = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """The estimate of one arm, or of one difference, in one column of a table.

    Attributes:
        estimate: Mean and interval; None without scores.
        cases: Cases that the mean is over.
        units: Seeds (searches, where they are resampled) that it is over.
        spread: Standard deviation of the quantity itself, such as of the Dice of single lesions; not an interval.
        sign_flip: p of the sign-flip test; None unless requested, or where the estimate has no p.
        effect: Standardised effect size, if requested; None without a standard deviation.
    """

    estimate: Estimate | None
    cases: int = 0
    units: int = 0
    sign_flip: float | None = None
    effect: float | None = None
    spread: float | None = None

    @property
    def mean(self) -> float | None:
        """The mean; None without scores."""
        return None if self.estimate is None else self.estimate.mean


def cell(values: Floats, groups: NDArray[np.intp], *, sensitivity: bool = False) -> Cell:
    """Returns the estimate of an arm, or of arm minus baseline.

    A case with a missing value is missing in every training, since the policy asks the reference alone; so units that
    lack cases were lost to a machine, or are not done. They are left out whole: a mean over fewer seeds is the same
    quantity, a mean over fewer cases is another one. Which cases can be had says the unit that has most.

    Args:
        values: `(K, F, S, N)`; NaN where missing.
        groups: `(N,)` which group each case belongs to.
        sensitivity: Whether to run the sign-flip test and the effect size too (milliseconds).
    """
    by_unit = units(values)
    rows, columns = _complete(by_unit)
    if not columns.any():
        return Cell(None)
    block, owners = by_unit[rows][:, columns], groups[columns]
    effects = group_effects(block, owners)
    estimate = two_way_t(effects)
    flipped = sign_flip(group_sums(block, owners)) if sensitivity and estimate.p is not None else None
    effect = standardised(effects) if sensitivity else None
    return Cell(estimate, int(columns.sum()), int(rows.sum()), flipped, effect)


def units(values: Floats) -> Floats:
    """Returns `(U, N)`: the values of each repetition of the experiment.

    A case's value in a unit is the mean over the folds that scored it. With fewer than 3 searches a unit is a seed,
    averaged over the searches: what is said holds at the configurations found. From 3 on it is a search, averaged over
    its seeds, which share a configuration: 9 pairs (search, seed) taken as independent covered .85 to .91 at 40 groups
    where searches and seeds vary alike or searches twice as much, 3 searches .94 to .95 (2,000 simulated studies).

    Args:
        values: `(K, F, S, N)`; NaN where missing.
    """
    by_run = mean_over(values, 1)
    return mean_over(by_run, 1 if values.shape[0] >= LEAST_SEARCHES_FOR_LOSSES else 0)


def mean_over(values: Floats, axis: int) -> Floats:
    """Returns the mean over an axis, ignoring NaN; NaN where all values are NaN."""
    there = ~np.isnan(values)
    count = there.sum(axis=axis)
    total = np.where(there, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _complete(values: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Returns rows and columns of a block without NaN: all rows that have every column of the fullest row."""
    there = np.asarray(~np.isnan(values), dtype=np.bool_)
    columns = there[int(np.argmax(there.sum(axis=1)))]
    return np.asarray(np.all(there[:, columns], axis=1), dtype=np.bool_), columns
