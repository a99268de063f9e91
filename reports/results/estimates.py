"""Estimates from scores of trainings × cases with missing values: pairing, units of resampling, exclusions.

Which trainings enter goes by how they ended, never by what they scored.

Shape letters: K searches, F folds, S seeds, N test cases, U units (what is resampled beside groups).
"""

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from reports.statistics.effect_size import standardised
from reports.statistics.intervals_and_tests import Estimate, difference, mean_of
from reports.statistics.missed_patients import Scale
from reports.statistics.sign_flip import group_sums, sign_flip
from reports.statistics.variance_of_means import Floats, seeds_differ, weighed, weighing

LEAST_SEARCHES_FOR_LOSSES = 3

Flags = NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Sample:
    """Scores of one arm in one region and metric at one mark.

    Attributes:
        values: `(K, F, S, N)`; NaN where missing.
        available: `(K, F, S, N)` whether the training ended with scores and its fold tests the case.
        missed: `(K, F, S, N)` whether nothing was found of a region that the case has.
    """

    values: Floats
    available: Flags
    missed: Flags


@dataclasses.dataclass(frozen=True, slots=True)
class Cell:
    """The estimate of one arm, or of one difference, in one column of a table.

    Attributes:
        estimate: Mean and interval; None without scores.
        cases: Cases that the mean is over.
        units: Seeds (searches, where they are resampled) that it is over.
        sign_flip: p of the sign-flip test; None unless requested, or where the estimate has no p.
        effect: Standardised effect size, if requested; None without a standard deviation.
        spread: Standard deviation of the quantity itself, such as of the Dice of single lesions; not an interval.
        support: Indices of the cases: means over other cases are not comparable.
        conditional: Whether a case may have a value in one training and none in another, such as the Dice of found
            lesions. Then trainings are averaged by case, and the interval is over patients alone.
        unit_means: Mean of each unit.
        units_differ: p of the units' means being equal but for what cases explain; None with one unit or group.
        quartiles: First quartile, median and third quartile of the cases, each averaged over units.
    """

    estimate: Estimate | None
    cases: int = 0
    units: int = 0
    sign_flip: float | None = None
    effect: float | None = None
    spread: float | None = None
    support: frozenset[int] = frozenset()
    conditional: bool = False
    unit_means: tuple[float, ...] = ()
    units_differ: float | None = None
    quartiles: tuple[float, float, float] | None = None

    @property
    def mean(self) -> float | None:
        """The mean; None without scores."""
        return None if self.estimate is None else self.estimate.mean


@dataclasses.dataclass(frozen=True, eq=False, slots=True)
class Block:
    """Complete scores: every unit has every case.

    Attributes:
        values: `(A, U, N)` of each of the samples.
        missed: `(A, U, N)` likewise.
        columns: Indices of the cases.
        units: How many units there are; of a conditional block more than its one row.
        conditional: As `Cell` has it.
    """

    values: Floats
    missed: Flags
    columns: NDArray[np.intp]
    units: int
    conditional: bool


def arm_cell(sample: Sample, groups: NDArray[np.intp], scale: Scale) -> Cell:
    """Returns the estimate of an arm.

    Args:
        sample: Its scores.
        groups: `(N,)` group of each case.
        scale: Where values of the metric lie.
    """
    found = complete([sample])
    if found is None:
        return Cell(None)
    (values,), (missed,), owners = found.values, found.missed, groups[found.columns]
    estimate = mean_of(values, owners, missed=_known(missed, scale), scale=scale)
    return dataclasses.replace(_described(found, values, owners), estimate=estimate)


def difference_cell(
    arm: Sample,
    other: Sample,
    groups: NDArray[np.intp],
    scale: Scale,
    *,
    folds: int = 1,
    diverged: int = 0,
    trainings: int | None = None,
    level: float = 0.95,
    sensitivity: bool = False,
) -> Cell:
    """Returns the estimate of arm minus other, over the trainings and cases that both have.

    Args:
        arm: Scores of the one.
        other: Scores of the other.
        groups: `(N,)` group of each case.
        scale: Where values of the metric lie.
        folds: Trainings on shared data that test each case once; 1 where test cases are apart.
        diverged: Trainings of both that diverged.
        trainings: Trainings of both.
        level: Nominal coverage of the interval.
        sensitivity: Whether to run the sign-flip test and the effect size too (milliseconds).
    """
    found = complete([arm, other])
    if found is None:
        return Cell(None)
    owners = groups[found.columns]
    first, second = (_known(part, scale) for part in found.missed)
    missed = None if first is None or second is None else (first, second)
    estimate = difference(
        found.values[0], found.values[1], owners, missed=missed, scale=scale, folds=folds, diverged=diverged,
        trainings=trainings, level=level,
    )  # fmt: skip
    values = found.values[0] - found.values[1]
    described = dataclasses.replace(_described(found, values, owners), estimate=estimate)
    if not sensitivity:
        return described
    flipped = sign_flip(group_sums(values, owners, weighing(owners))) if estimate.p is not None else None
    return dataclasses.replace(described, sign_flip=flipped, effect=standardised(weighed(values, owners)[0]))


def _known(missed: Flags, scale: Scale) -> Flags | None:
    return missed if np.isfinite(scale.worst) else None


def _described(found: Block, values: Floats, owners: NDArray[np.intp]) -> Cell:
    effects = weighed(values, owners)[0]
    quartiles = np.percentile(values, (25, 50, 75), axis=1).mean(axis=1)
    return Cell(
        None,
        cases=values.shape[1],
        units=found.units,
        support=frozenset(found.columns.tolist()),
        conditional=found.conditional,
        unit_means=tuple(effects.mean(axis=1).tolist()) if not found.conditional else (),
        units_differ=seeds_differ(effects),
        quartiles=(float(quartiles[0]), float(quartiles[1]), float(quartiles[2])),
    )


def complete(samples: list[Sample]) -> Block | None:
    """Returns the complete part of paired samples; None where nothing is scored.

    Units that lack a training for some of the cases are left out whole, by how the training ended: a mean over fewer
    seeds is the same quantity, a mean over fewer cases is another one. Of the cases those stay that the fullest unit
    has. A case without a value in any training (the reference lacks the region) is left out. Where some trainings have
    a value in a case and others have none, the value exists by result: then trainings are averaged by case.

    Args:
        samples: Samples of one arm, or of two that are compared.
    """
    both = functools.reduce(np.logical_and, (sample.available for sample in samples))
    defined = functools.reduce(np.logical_and, (~np.isnan(sample.values) for sample in samples)) & both
    there = units(np.where(both, 1.0, np.nan)) == 1
    rows, columns = _fullest(there)
    by_unit = np.stack([units(np.where(defined, sample.values, np.nan))[rows] for sample in samples])
    missed = np.stack([units(np.where(both, sample.missed, np.nan))[rows] > 0.5 for sample in samples])
    kept = np.flatnonzero(columns & ~np.isnan(by_unit[0]).all(axis=0))
    if not len(kept):
        return None
    block = by_unit[:, :, kept]
    conditional = bool(np.isnan(block).any())
    if conditional:
        block = np.stack([mean_over(part, 0)[None] for part in block])
        flags = np.stack([(part.mean(axis=0) > 0.5)[None] for part in missed[:, :, kept]])
    else:
        flags = missed[:, :, kept]
    return Block(block, flags, kept, int(rows.sum()), conditional)


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


def _fullest(there: Flags) -> tuple[Flags, Flags]:
    """Returns rows and columns of a block without gaps: all rows that have every column of the fullest row."""
    columns = there[int(np.argmax(there.sum(axis=1)))]
    return np.asarray(np.all(there[:, columns], axis=1), dtype=np.bool_), columns
