"""From trainings × cases with holes to an estimate: what is paired, what is resampled, what is left out.

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
    """What a table says of one arm, or one difference, in one column.

    Attributes:
        estimate: Mean and interval; None where nothing was scored.
        cases: Cases that the mean is over.
        units: Seeds (searches, where they are resampled) that it is over.
        spread: Standard deviation that belongs to the value itself, such as that of lesions' Dice; not an interval.
        sign_flip: p of the sensitivity line; None where it was not asked for, or the estimate has no p.
        effect: The mean in SDs of groups, where the sensitivity line is asked for; None where there is no SD.
    """

    estimate: Estimate | None
    cases: int = 0
    units: int = 0
    sign_flip: float | None = None
    effect: float | None = None
    spread: float | None = None

    @property
    def mean(self) -> float | None:
        """The mean, where there is one."""
        return None if self.estimate is None else self.estimate.mean


def cell(values: Floats, groups: NDArray[np.intp], *, sensitivity: bool = False) -> Cell:
    """The estimate of an arm, or of arm minus baseline.

    A case with a missing value is missing in every training, since the policy asks the reference alone; so units that
    lack cases were lost to a machine, or are not done. They are left out whole: a mean over fewer seeds is the same
    quantity, a mean over fewer cases is another one. Which cases can be had says the unit that has most.

    Args:
        values: `(K, F, S, N)`; NaN where missing.
        groups: `(N,)` which group each case belongs to.
        sensitivity: Whether the sign-flip is wanted too; it takes milliseconds.
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
    """`(U, N)`: what stands for one repetition of the experiment.

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
    """Mean over an axis of what is not NaN; NaN where all is."""
    there = ~np.isnan(values)
    count = there.sum(axis=axis)
    total = np.where(there, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _complete(values: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Rows and columns of a block without NaN: all rows that have every column of the fullest one."""
    there = np.asarray(~np.isnan(values), dtype=np.bool_)
    columns = there[int(np.argmax(there.sum(axis=1)))]
    return np.asarray(np.all(there[:, columns], axis=1), dtype=np.bool_), columns
