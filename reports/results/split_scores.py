"""Metrics of a whole split: one value for all cases of a training, from pooled voxels or from all lesions.

The unit is a search and seed: with folds, the cases of all its folds together. A value is the mean over units; it has
neither interval nor test.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.results.estimates import Cell
from reports.results.protocol import Protocol
from reports.results.scores import FinalScores
from reports.statistics import lesion_counts
from reports.statistics.intervals_and_tests import Estimate
from search_spaces.metrics import family_of, of_split, pooled_from
from study.design import TrialKey
from study.ledger.reading.counts_and_lesions import LesionRow, PooledRow, VoxelCounts
from trainables.lesion_records import Lesions
from trainables.metrics import overlap
from trainables.trial import Counts

Place = tuple[TrialKey, int, str]
"""(training, mark, region)."""

Unit = Sequence[TrialKey]
"""The final trainings of one search and seed, one for each fold."""


@dataclasses.dataclass(frozen=True, eq=False)
class SplitRecords:
    """Records of the final stage for metrics of a whole split.

    Attributes:
        counts: Voxel counts at the last mark of false findings, or all counts if a pooled metric needs them; None if
            nothing of a split is reported.
        pooled: Scores over all cases of a training.
        lesions: Lesion records; empty if no metric needs them.
    """

    counts: VoxelCounts | None = None
    pooled: Sequence[PooledRow] = ()
    lesions: Sequence[LesionRow] = ()

    @functools.cached_property
    def by_place(self) -> Mapping[Place, tuple[NDArray[np.int32], NDArray[np.int64]]]:
        """Place → (indices into `counts.cases`, their `(N, 4)` voxel counts)."""
        if self.counts is None:
            return {}
        found = self.counts
        rows: dict[Place, tuple[NDArray[np.int32], NDArray[np.int64]]] = {}
        keys = np.stack([found.trial, found.iteration, found.region], axis=1)
        order = np.lexsort(keys.T[::-1])
        cuts = np.flatnonzero((np.diff(keys[order], axis=0) != 0).any(axis=1)) + 1
        for part in np.split(order, cuts) if len(order) else ():
            trial, mark, region = keys[part[0]].tolist()
            rows[found.trials[trial], mark, found.regions[region]] = (found.case[part], found.voxels[part])
        return rows

    @functools.cached_property
    def pooled_by_place(self) -> Mapping[tuple[Place, str], float | None]:
        """(place, metric) → value."""
        return {((row.trial, row.iteration, row.region), row.metric): row.value for row in self.pooled}

    @functools.cached_property
    def lesions_by_place(self) -> Mapping[Place, Sequence[Lesions]]:
        """Place → records of its cases."""
        found: dict[Place, list[Lesions]] = {}
        for row in self.lesions:
            found.setdefault((row.trial, row.iteration, row.lesions.region), []).append(row.lesions)
        return found


LESION_METRICS: Mapping[str, Callable[[Sequence[Lesions]], lesion_counts.Spread | float | None]] = {
    "pooled_lesion_recall": lesion_counts.recall,
    "object_dice": lesion_counts.object_dice,
    "average_recall": lesion_counts.average_recall,
    "average_recall_iw2020": lambda scans: lesion_counts.average_recall(scans, "iw2020"),
    "cpm": lesion_counts.cpm,
}

OVERLAPS: Mapping[str, Callable[[overlap.Counted], float]] = {
    "dice": overlap.dice,
    "iou": overlap.iou,
    "precision": overlap.precision,
    "recall": overlap.recall,
    "mcc": overlap.mcc,
}


def split_cells(scores: FinalScores, records: SplitRecords, arm: int) -> dict[tuple[str, str, int], Cell]:
    """Returns (region, metric, mark) → cell of an arm, for the protocol's metrics of a whole split."""
    how = scores.protocol
    names = [name for name in how.metrics if of_split(name)]
    return {
        (region, metric, mark): _cell(scores, records, arm, region, metric, mark)
        for region, metric, mark in itertools.product(how.shown_regions, names, how.marks)
    }


def units(how: Protocol, arm: int) -> list[list[TrialKey]]:
    """Returns the final trainings of each search and seed, one key per fold."""
    return [
        [TrialKey("final", arm, search, fold, seed) for fold in range(how.folds)]
        for search, seed in itertools.product(range(how.searches), range(how.seeds))
    ]


def false_volumes(how: Protocol, records: SplitRecords, arm: int, region: str) -> list[float]:
    """Returns the size of false findings in cases without the region, over all trainings at the last mark.

    In mL (mm² in 2D; voxels if the spacing is unknown). Cases without findings are left out.
    """
    found: list[float] = []
    for key, part in itertools.product(itertools.chain(*units(how, arm)), how.parts(region)):
        there = records.by_place.get((key, how.last, part))
        if there is None or records.counts is None:
            continue
        cases, (tp, fp, fn, _) = there[0], there[1].T
        for index in np.flatnonzero((tp + fn == 0) & (fp > 0)).tolist():
            found.append(int(fp[index]) * voxel_size(records.counts.cases[cases[index]].facts))
    return found


def voxel_size(facts: Mapping[str, Any]) -> float:
    """Returns the size of a voxel in mL, of a pixel in mm²; 1 if the spacing is unknown."""
    spacing = facts.get("spacing")
    if not spacing:
        return 1.0
    return float(math.prod(spacing)) / (1000 if len(spacing) == 3 else 1)


def _cell(scores: FinalScores, records: SplitRecords, arm: int, region: str, metric: str, mark: int) -> Cell:
    how, found = scores.protocol, []
    for unit in units(how, arm):
        ends = {scores.ends[key.arm, key.search, key.fold, key.number] for key in unit}
        if "diverged" in ends:
            found.append(lesion_counts.Spread(0.0))  # counted as an empty prediction
            continue
        parts = [_value(how, records, unit, mark, part, metric) for part in how.parts(region)]
        known = [part for part in parts if part is not None]
        if known:
            spread = known[0].sd if len(known) == 1 else None
            found.append(lesion_counts.Spread(sum(part.mean for part in known) / len(known), spread))
    if not found:
        return Cell(None)
    mean = sum(value.mean for value in found) / len(found)
    spreads = [value.sd for value in found if value.sd is not None]
    return Cell(
        Estimate(mean, None, None, None, None, scores.patients, len(found), "cases"),
        len(scores.cases),
        len(found),
        support=frozenset(range(len(scores.cases))),
        spread=sum(spreads) / len(spreads) if spreads else None,
    )


def _value(
    how: Protocol, records: SplitRecords, unit: Unit, mark: int, region: str, metric: str
) -> lesion_counts.Spread | None:
    """Returns one unit's value; None if a training has not reached the mark, or the metric is undefined."""
    places = [(key, mark, region) for key in unit]
    if metric in LESION_METRICS:
        scans = all_lesions(records, unit, mark, region)
        value = LESION_METRICS[metric](scans) if scans else None
    elif metric == "pooled_average_precision":
        value = _pooled_average_precision(records, places)
    else:
        value = _of_voxels(how, records, places, metric)
    return lesion_counts.Spread(value) if isinstance(value, float) else value


def _pooled_average_precision(records: SplitRecords, places: Sequence[Place]) -> float | None:
    """Returns the mean over folds: log-odds of different networks have no common scale."""
    found = [records.pooled_by_place.get((place, "average_precision")) for place in places]
    known = [value for value in found if value is not None]
    there = all((place, "average_precision") in records.pooled_by_place for place in places)
    return sum(known) / len(known) if known and there else None


def all_lesions(records: SplitRecords, unit: Unit, mark: int, region: str) -> list[Lesions]:
    """Returns the records of all cases of a unit; empty if one of its trainings has not reached the mark."""
    parts = [records.lesions_by_place.get((key, mark, region)) for key in unit]
    return [] if any(part is None for part in parts) else [scan for part in parts if part for scan in part]


def _of_voxels(how: Protocol, records: SplitRecords, places: Iterable[Place], metric: str) -> float | None:
    known = [records.by_place.get(place) for place in places]
    if any(part is None for part in known) or records.counts is None:
        return None
    cases = np.concatenate([part[0] for part in known if part is not None])
    voxels = np.concatenate([part[1] for part in known if part is not None])
    pooled = pooled_from(metric)
    assert pooled is not None, metric
    prefix, base = pooled
    if prefix == "pooled_":
        return of_counts(base, voxels.sum(axis=0).tolist(), empty=how.empty)
    groups = np.array([records.counts.cases[case].group for case in cases.tolist()])
    values = [of_counts(base, voxels[groups == group].sum(axis=0).tolist(), empty=how.empty) for group in set(groups)]
    defined = sorted(value for value in values if value is not None)  # sorted: sums depend on the order
    return sum(defined) / len(defined) if defined else None


def of_counts(metric: str, voxels: Sequence[int], *, empty: str) -> float | None:
    """Returns a metric of summed voxels tp, fp, fn, tn, by the rules for cases (METHOD.md §4); None if missing."""
    tp, fp, fn, tn = voxels
    if tp + fn == 0:
        return None if empty == "missing" else float(fp == 0)
    if tp + fp == 0:
        return 0.0
    family = family_of(metric)
    whole = Counts("", "", tp, fp, fn, tn)
    return OVERLAPS[metric](whole) if family is None else overlap.f_beta(whole, beta=family[1])
