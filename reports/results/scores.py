"""Test scores of the final stage as one dense array, with METHOD.md §4's policy for empty, failed and missing values.

Shape letters: A arms, T marks, R regions, M metrics, K searches, F folds, S seeds, N test cases.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reports.results.estimates import Flags, Sample, mean_over
from reports.results.metric_facts import METRICS, Metric
from reports.results.protocol import Protocol
from reports.statistics.missed_patients import Scale
from reports.statistics.variance_of_means import Floats
from search_spaces.metrics import of_split
from study.ledger.rows import Case, Scores, TrialRow

End = Literal["scored", "diverged", "missing", "owed"]
"""Outcome of a final training: scored at the last mark; diverged, counted as 0 (or the image's diagonal); missing, lost
to memory, a machine or an error; or owed, not ended yet."""

Run = tuple[int, int, int, int]
"""(arm, search, fold, seed) of a final training."""

NON_FINITE = "non-finite"
"""Prefix of the reason of a diverged trial (`trainables.training.learner.Diverged`)."""

MISS, FALSE_POSITIVE, CLEAN_NEGATIVE = 1, 2, 3
NOTES = {"miss": MISS, "false positive": FALSE_POSITIVE, "clean negative": CLEAN_NEGATIVE}


@dataclasses.dataclass(frozen=True, eq=False)
class FinalScores:
    """Scores of every final training on every test case.

    Attributes:
        protocol: Names of marks, regions and metrics, in the order of the axes.
        arms: Names of the arms, in the order of the axis.
        cases: The test cases of all folds, by name.
        groups: `(N,)` index of each case's group, ordered by name.
        values: `(A, T, R, M, K, F, S, N)`; NaN if missing, or if the fold does not test the case.
        notes: `(A, T, R, K, F, S, N)` uint8: 0, or one of MISS, FALSE_POSITIVE, CLEAN_NEGATIVE.
        ends: Outcome of each planned training.
        there: `(A, T, K, F, S)` whether the training has values at the mark: reached, or diverged.
    """

    protocol: Protocol
    arms: tuple[str, ...]
    cases: tuple[Case, ...]
    groups: NDArray[np.intp]
    values: Floats
    notes: NDArray[np.uint8]
    ends: Mapping[Run, End]
    there: Flags

    def sample(self, arm: str, mark: int, region: str, metric: str) -> Sample:
        """Returns the scores of one arm in one region and metric at one mark."""
        number, at = self.arms.index(arm), self.protocol.marks.index(mark)
        trained = self.there[number, at].copy()
        if METRICS[metric].kind == "count":  # a diverged training has no worst value there
            for (of, *run), end in self.ends.items():
                if of == number and end == "diverged":
                    trained[*run] = False
        available = trained[..., None] & self._tests[None, :, None, :]
        parts = [self.protocol.regions.index(part) for part in self.protocol.parts(region)]
        notes = self.notes[number, at][parts]
        present = ~np.isnan(self.values[number, at, parts, self.protocol.metrics.index(metric)])
        missed = ((notes == MISS) | ~present).all(axis=0) & (notes == MISS).any(axis=0)
        return Sample(self.of(arm, mark, region, metric), available, np.asarray(missed, dtype=np.bool_))

    @functools.cached_property
    def _tests(self) -> Flags:
        """`(F, N)` whether a fold tests a case."""
        return np.array([[split == "test" for split in case.splits] for case in self.cases]).T

    def scale(self, region: str, name: str) -> Scale:
        """Returns where values of a metric lie, and what a case counts of which nothing was found."""
        if (region, name) not in self._scales:
            self._scales[region, name] = self._scale(region, name)
        return self._scales[region, name]

    @functools.cached_property
    def _scales(self) -> dict[tuple[str, str], Scale]:
        return {}

    def _scale(self, region: str, name: str) -> Scale:
        metric, parts = METRICS[name], self.protocol.parts(region)
        rows = [self.protocol.regions.index(part) for part in parts]
        worst = _worst(self.protocol, metric, self.cases)[rows]
        known = worst[np.isfinite(worst)]
        low, high = metric.range
        most = float(known.max()) if known.size and metric.kind == "distance" else math.inf
        return Scale(low, high, float(known.mean()) if known.size else math.nan, most)

    def of(self, arm: str, mark: int, region: str, metric: str) -> Floats:
        """Returns `(K, F, S, N)` values of one arm; a mean of regions is by case, over the case's regions."""
        how = self.protocol
        by_region = self.values[self.arms.index(arm), how.marks.index(mark), :, how.metrics.index(metric)]
        parts = [how.regions.index(part) for part in how.parts(region)]
        return mean_over(by_region[parts], 0) if len(parts) > 1 else np.asarray(by_region[parts[0]])

    def at_the_end(self, run: Run) -> tuple[Floats, NDArray[np.uint8]]:
        """Returns `(R, M, N)` values and `(R, N)` notes of one training at the last mark."""
        arm, search, fold, seed = run
        return self.values[arm, -1, :, :, search, fold, seed], self.notes[arm, -1, :, search, fold, seed]

    @property
    def patients(self) -> int:
        """Number of groups among the test cases."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0


def diverged(trial: TrialRow) -> bool:
    """Returns whether a trial failed because its loss or weights were not finite."""
    return trial.status == "failed" and (trial.reason or "").startswith(NON_FINITE)


def final_scores(
    protocol: Protocol, arms: Sequence[str], trials: Sequence[TrialRow], cases: Sequence[Case], scores: Scores
) -> FinalScores:
    """Arranges the ledger's rows in an array and applies the policy.

    Args:
        protocol: The study's.
        arms: All arms, by number.
        trials: All trials; search trials are ignored.
        cases: All cases.
        scores: Rows of final trials; other trials, metrics and regions are ignored.
    """
    tested = tuple(case for case in cases if "test" in case.splits)
    names = sorted({case.group for case in tested})
    groups = np.array([names.index(case.group) for case in tested], dtype=np.intp)
    axes = (len(arms), len(protocol.marks), len(protocol.regions))
    runs = (protocol.searches, protocol.folds, protocol.seeds)
    values = np.full((*axes, len(protocol.metrics), *runs, len(tested)), np.nan)
    notes = np.zeros((*axes, *runs, len(tested)), dtype=np.uint8)
    reached = _fill(values, notes, protocol, tested, scores)
    final = {
        (key.arm, key.search, key.fold, key.number): trial
        for trial in trials
        if (key := trial.key).stage == "final" and key.search < runs[0] and key.fold < runs[1] and key.number < runs[2]
    }
    ends = {
        (arm, *run): _end(final.get((arm, *run)), reached, protocol)
        for arm in range(len(arms))
        for run in np.ndindex(*runs)
    }
    _count_diverged(
        values, notes, protocol, tested, [final[run] for run, end in ends.items() if end == "diverged"], reached
    )
    there = np.zeros((len(arms), len(protocol.marks), *runs), dtype=np.bool_)
    for arm, *run, mark in reached:
        there[arm, protocol.marks.index(mark), *run] = True
    for (arm, *run), end in ends.items():
        there[arm, :, *run] |= end == "diverged"
    return FinalScores(protocol, tuple(arms), tested, groups, values, notes, ends, there)


Reached = set[tuple[int, int, int, int, int]]
"""(arm, search, fold, seed, mark) that have scores."""


def _fill(
    values: Floats, notes: NDArray[np.uint8], protocol: Protocol, tested: Sequence[Case], scores: Scores
) -> Reached:
    """Writes the ledger's rows into the array; returns which trainings have scores at which mark."""
    position = {case.name: index for index, case in enumerate(tested)}
    to_case = np.array([position.get(case.name, -1) for case in scores.cases], dtype=np.intp)
    to_region, to_metric = _places(scores.regions, protocol.regions), _places(scores.metrics, protocol.metrics)
    to_note = np.array([NOTES.get(note, 0) for note in scores.notes] + [0], dtype=np.uint8)  # -1 is none
    to_run = np.array(
        [
            (key.arm, key.search, key.fold, key.number) if key.stage == "final" else (-1, 0, 0, 0)
            for key in scores.trials
        ],
        dtype=np.intp,
    ).reshape(-1, 4)
    limits = (values.shape[0], *values.shape[4:7])
    known = np.asarray(np.all((to_run >= 0) & (to_run < limits), axis=1), dtype=np.bool_)
    to_mark = np.searchsorted(protocol.marks, scores.iteration)
    to_mark[to_mark == len(protocol.marks)] = 0
    here = known[scores.trial] & (to_case[scores.case] >= 0) & (to_region[scores.region] >= 0)
    here &= (to_metric[scores.metric] >= 0) & (np.array(protocol.marks)[to_mark] == scores.iteration)
    # one place in memory for each row: eight indices at a time take three times as long for millions of rows
    steps = np.array(values.strides) // values.itemsize
    place = (to_run @ steps[[0, 4, 5, 6]])[scores.trial] + to_mark * steps[1] + (to_region * steps[2])[scores.region]
    place += (to_metric * steps[3])[scores.metric] + (to_case * steps[7])[scores.case]
    values.reshape(-1)[place[here]] = scores.value[here]
    noted = np.flatnonzero(here & (scores.note >= 0))
    arm, *run = to_run[scores.trial[noted]].T
    at = (arm, to_mark[noted], to_region[scores.region[noted]], *run, to_case[scores.case[noted]])
    np.maximum.at(notes, at, to_note[scores.note[noted]])
    ends = scores.trial.astype(np.int64) * len(protocol.marks) + to_mark
    reached = np.flatnonzero(np.bincount(ends[here], minlength=1))
    return {
        (*to_run[trial].tolist(), protocol.marks[mark])
        for trial, mark in zip(*np.divmod(reached, len(protocol.marks)), strict=True)
    }


def _places(names: Sequence[str], wanted: Sequence[str]) -> NDArray[np.intp]:
    """Returns the position of each name in `wanted`, or -1."""
    return np.array([wanted.index(name) if name in wanted else -1 for name in names], dtype=np.intp)


def _end(trial: TrialRow | None, reached: Reached, protocol: Protocol) -> End:
    if trial is None:
        return "owed"
    if (trial.key.arm, trial.key.search, trial.key.fold, trial.key.number, protocol.last) in reached:
        return "scored"
    if diverged(trial):
        return "diverged"
    return "missing" if trial.status in ("failed", "lost") else "owed"


def _count_diverged(
    values: Floats,
    notes: NDArray[np.uint8],
    protocol: Protocol,
    tested: Sequence[Case],
    trials: Sequence[TrialRow],
    reached: Reached,
) -> None:
    """Sets diverged trainings to the worst value at marks they did not reach, for cases that have the region.

    Whether a case has the region is known from other trainings' notes or from the case's ceilings; else it is assumed.
    """
    empty = (notes >= FALSE_POSITIVE).any(axis=(0, 1, 3, 4, 5)) | _without(protocol.regions, tested)  # (R, N)
    if protocol.empty == "one":
        empty = np.zeros_like(empty)  # every case counts
    for trial in trials:
        key = trial.key
        tests = np.array([case.splits[key.fold] == "test" for case in tested])
        for t, mark in enumerate(protocol.marks):
            if (key.arm, key.search, key.fold, key.number, mark) in reached:
                continue
            for m, metric in enumerate(protocol.metrics):
                fill = np.where(tests & ~empty, _worst(protocol, METRICS[metric], tested), np.nan)  # (R, N)
                values[key.arm, t, :, m, key.search, key.fold, key.number] = np.nan if of_split(metric) else fill


def _worst(protocol: Protocol, metric: Metric, tested: Sequence[Case]) -> Floats:
    """Returns `(R, N)` the value of an empty prediction; NaN if the case's facts lack it."""
    if metric.kind == "volume":
        return np.array([[volume(case, protocol.labels.get(region, (region,))) for case in tested]
                         for region in protocol.regions])  # fmt: skip
    one = np.array([metric.worst(diagonal(case)) for case in tested])
    return np.broadcast_to(one, (len(protocol.regions), len(tested)))


def volume(case: Case, labels: Sequence[str]) -> float:
    """Returns the size of a case's reference in mL, or voxels if its spacing is unknown; NaN if its facts lack it."""
    voxels = case.facts.get("voxels", {})
    if not all(label in voxels for label in labels):
        return math.nan
    spacing = case.facts.get("spacing")
    size = sum(voxels[label] for label in labels)
    return size * math.prod(spacing) / 1000 if spacing else float(size)


def _without(regions: Sequence[str], tested: Sequence[Case]) -> NDArray[np.bool_]:
    """Returns `(R, N)` whether a case lacks a region: its facts then give no ceiling."""
    ceilings = [case.facts.get("ceilings", {}) for case in tested]
    return np.array([[found.get(region, 1.0) is None for found in ceilings] for region in regions], dtype=np.bool_)


def diagonal(case: Case) -> float:
    """Returns the diagonal of a case's image in mm, or pixels without a spacing; NaN without a shape."""
    shape = case.facts.get("shape")
    if not shape:
        return math.nan
    spacing = case.facts.get("spacing") or [1.0] * len(shape)
    return math.hypot(*(size * step for size, step in zip(shape, spacing, strict=True)))
