"""All numbers of a report, computed from the ledger's records by a pure function."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from reports.results.best_arms import ToBest, best_means, to_best
from reports.results.comparisons import Column, Comparison, Entrant, comparisons
from reports.results.estimates import Cell, arm_cell
from reports.results.later_changes import first_baseline, first_seeds
from reports.results.metric_facts import METRICS
from reports.results.progress import Progress, progress
from reports.results.protocol import Protocol, protocol
from reports.results.records import Records
from reports.results.scores import CLEAN_NEGATIVE, FALSE_POSITIVE, MISS, FinalScores, Run, final_scores
from reports.results.split_scores import SplitRecords, false_volumes, split_cells
from study.design import DEFAULTS
from study.ledger.rows import ArmRow


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """Missed and falsely found regions, counted over all trainings at the last mark.

    Attributes:
        missed: Cases with the region of which nothing was found.
        present: Cases with the region.
        false: Cases without the region in which something was found.
        absent: Cases without the region.
        false_volume: Median size of false findings, in mL (mm² in 2D; voxels if the spacing is unknown); None without
            findings, or if the ledger has no counts.
    """

    missed: int
    present: int
    false: int
    absent: int
    false_volume: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trainings:
    """Outcomes of an arm's final trainings.

    Attributes:
        planned: Searches × folds × seeds.
        scored: Reached the last mark.
        collapsed: Number of these trainings without a true positive in any case.
        diverged: Loss not finite: every case counts 0 (or the image's diagonal).
        missing: Lost to memory, a machine or an error; left out.
        lost: These in print: `seed 2`, `search 1 fold 2 seed 3`.
    """

    planned: int
    scored: int
    collapsed: int
    diverged: int
    missing: int
    lost: tuple[str, ...] = ()

    @property
    def ended(self) -> int:
        """Trainings that have ended."""
        return self.scored + self.diverged + self.missing


@dataclasses.dataclass(frozen=True, kw_only=True)
class ArmResult:
    """One row of the tables.

    Attributes:
        row: The arm.
        progress: Its progress and cost.
        trainings: Outcomes of its final trainings.
        cells: Mean and interval by column; the mean over regions only where the objective is that.
        detection: Region → missed and false findings.
    """

    row: ArmRow
    progress: Progress
    trainings: Trainings
    cells: Mapping[Column, Cell]
    detection: Mapping[str, Detection]

    @property
    def standing(self) -> Literal["complete", "searching", "training", "failed"]:
        """`failed` if its search ended without a winner, or if all its final trainings were lost."""
        if self.trainings.ended == self.trainings.planned:
            return "failed" if self.trainings.scored + self.trainings.diverged == 0 else "complete"
        if self.progress.winners:
            return "training"
        return "failed" if self.progress.search.planned and self.progress.search.over else "searching"

    @property
    def whole(self) -> bool:
        """Whether all its final trainings count: only then it is tested and ranked."""
        return self.standing == "complete" and not self.trainings.missing


@dataclasses.dataclass(frozen=True, kw_only=True)
class Results:
    """All numbers of a report.

    Attributes:
        records: The ledger's records.
        protocol: The study's protocol.
        scores: Test scores.
        arms: By number, without the default configurations.
        defaults: Tuned arm → its default configuration, if requested: shown, never tested.
        comparisons: Every arm but the baseline, by number; empty without a baseline.
        best: Column → complete arms with the best printed mean; without a column where none is ranked.
        unranked: Column → why its arms are not ranked.
        to_best: Arms against the best one in the objective; None without a declared margin.
        first_baseline: The baseline declared first, where another one was named after test tables had been shown.
        first_seeds: The number of final seeds before some were added after test tables had been shown; None: none were.
        first_comparisons: Every arm against the first baseline by the first seeds; empty where neither was changed.
    """

    records: Records
    protocol: Protocol
    scores: FinalScores
    arms: tuple[ArmResult, ...]
    defaults: Mapping[str, ArmResult]
    comparisons: tuple[Comparison, ...]
    best: Mapping[Column, frozenset[str]]
    unranked: Mapping[Column, str]
    to_best: ToBest | None
    first_baseline: str | None = None
    first_seeds: int | None = None
    first_comparisons: tuple[Comparison, ...] = ()

    @property
    def objective(self) -> Column:
        """The primary column: region, metric and last mark of the objective."""
        return self.protocol.region, self.protocol.metric, self.protocol.last

    @property
    def every_arm(self) -> tuple[ArmResult, ...]:
        """All arms including default configurations, by number."""
        return tuple(sorted((*self.arms, *self.defaults.values()), key=lambda arm: arm.row.number))

    @property
    def complete(self) -> bool:
        """Whether every arm is complete or failed."""
        return all(arm.standing in ("complete", "failed") for arm in self.every_arm)

    @property
    def pixels(self) -> bool:
        """Whether distances are in pixels, since the spacing of a test case is unknown."""
        return any(not case.facts.get("spacing") for case in self.scores.cases)


def results(records: Records) -> Results:
    """Computes all numbers of a report."""
    how = protocol(records.study, records.arms, records.cases)
    names = [arm.name for arm in records.arms]
    scores = final_scores(how, names, records.trials, records.cases, records.scores)
    every = tuple(
        ArmResult(
            row=row,
            progress=state,
            trainings=(trainings := _trainings(scores, row)),
            cells=_cells(scores, row.name, trainings) | split_cells(scores, records.split, row.number),
            detection={region: _detection(scores, records.split, row, region) for region in how.shown_regions},
        )
        for row, state in zip(records.arms, progress(records, how), strict=True)
    )
    beside = {arm.row.name.removesuffix(DEFAULTS): arm for arm in every if arm.row.name.endswith(DEFAULTS)}
    arms = tuple(arm for arm in every if not arm.row.name.endswith(DEFAULTS))
    complete = frozenset(arm.row.name for arm in arms if arm.whole)
    best, unranked = best_means({arm.row.name: arm.cells for arm in arms}, complete)
    entrants = [_entrant(arm) for arm in arms]
    first = first_baseline(records.notices, [arm.row.name for arm in arms], how.baseline)
    seeds = first_seeds(records.notices, how.seeds)
    return Results(
        records=records,
        protocol=how,
        scores=scores,
        arms=arms,
        defaults=beside,
        comparisons=comparisons(scores, entrants, how.baseline),
        best=best,
        unranked=unranked,
        to_best=to_best(scores, entrants, best.get((how.region, how.metric, how.last), frozenset())),
        first_baseline=first,
        first_seeds=seeds,
        first_comparisons=_as_declared_first(records, scores, arms, first, seeds),
    )


def _as_declared_first(
    records: Records, scores: FinalScores, arms: Sequence[ArmResult], baseline: str | None, seeds: int | None
) -> tuple[Comparison, ...]:
    """Returns the comparisons with the baseline and the seeds declared first; empty where neither was changed."""
    how = scores.protocol
    if seeds is not None:
        few = dataclasses.replace(how, seeds=seeds)
        scores = final_scores(few, scores.arms, records.trials, records.cases, records.scores)
        arms = [dataclasses.replace(arm, trainings=_trainings(scores, arm.row)) for arm in arms]
    elif baseline is None:
        return ()
    return comparisons(scores, [_entrant(arm) for arm in arms], baseline or how.baseline)


def _entrant(arm: ArmResult) -> Entrant:
    trainings = arm.trainings
    why = f"{', '.join(trainings.lost)} lost" if trainings.lost else "its final trainings have not all ended"
    why = "it has no result" if arm.standing == "failed" else "" if arm.whole else why
    return Entrant(arm.row.name, arm.whole, trainings.diverged, trainings.planned, why)


def _cells(scores: FinalScores, arm: str, trainings: Trainings) -> dict[Column, Cell]:
    how = scores.protocol
    cells = {
        (region, metric, mark): arm_cell(
            scores.sample(arm, mark, region, metric), scores.groups, scores.scale(region, metric)
        )
        for region, metric, mark in itertools.product(how.shown_regions, how.metrics, how.marks)
    }
    if trainings.scored == 0:
        cells |= {column: _without_interval(found) for column, found in cells.items() if column[2] == how.last}
    return cells


def _without_interval(found: Cell) -> Cell:
    """Removes interval and p: zeros set by a rule have no meaningful spread."""
    if found.estimate is None:
        return found
    return dataclasses.replace(found, estimate=dataclasses.replace(found.estimate, low=None, high=None, p=None))


def _trainings(scores: FinalScores, row: ArmRow) -> Trainings:
    ends = {run: end for run, end in scores.ends.items() if run[0] == row.number}
    kinds = list(ends.values())
    return Trainings(
        planned=len(kinds),
        scored=kinds.count("scored"),
        collapsed=sum(_collapsed(scores, run) for run, end in ends.items() if end == "scored"),
        diverged=kinds.count("diverged"),
        missing=kinds.count("missing"),
        lost=tuple(_training_name(scores.protocol, run) for run, end in ends.items() if end == "missing"),
    )


def _training_name(how: Protocol, run: Run) -> str:
    """Returns a final training in print, counted from 1."""
    _, search, fold, seed = run
    parts = [f"search {search + 1}"] * (how.searches > 1) + [f"fold {fold + 1}"] * (how.folds > 1)
    return " ".join([*parts, f"seed {seed + 1}"])


def _collapsed(scores: FinalScores, run: Run) -> bool:
    """Returns whether a training has no true positive in any region of any case at the last mark."""
    values, notes = scores.at_the_end(run)
    there = np.isfinite(values) & (notes[:, None] < FALSE_POSITIVE)  # cases that have the region
    wrong = np.broadcast_to(notes[:, None] == MISS, there.shape)
    for index, name in enumerate(scores.protocol.metrics):
        if METRICS[name].kind == "share":
            wrong = wrong | (values[:, [index]] == 0)
    return bool(there.any() and (wrong | ~there).all())


def _detection(scores: FinalScores, split: SplitRecords, row: ArmRow, region: str) -> Detection:
    how = scores.protocol
    regions = [how.regions.index(part) for part in how.parts(region)]
    runs = [run for run, end in scores.ends.items() if run[0] == row.number and end == "scored"]
    ends = [scores.at_the_end(run) for run in runs]
    values, notes = [v[regions, 0] for v, _ in ends], [n[regions] for _, n in ends]
    false = sum(int((note == FALSE_POSITIVE).sum()) for note in notes)
    return Detection(
        missed=sum(int((note == MISS).sum()) for note in notes),
        present=sum(
            int((np.isfinite(value) & (note < FALSE_POSITIVE)).sum()) for value, note in zip(values, notes, strict=True)
        ),
        false=false,
        absent=false + sum(int((note == CLEAN_NEGATIVE).sum()) for note in notes),
        false_volume=float(np.median(volumes)) if (volumes := false_volumes(how, split, row.number, region)) else None,
    )
