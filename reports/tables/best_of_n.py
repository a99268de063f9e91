"""The best of n search trials on validation cases: the result of a smaller search."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.results import ArmResult, Results
from reports.tables.table import Entry, Row, Table
from study.ledger.rows import TrialRow

STEPS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)

Values = Sequence[float | None]
"""Objective of each trial of a search at the last mark, in sampling order; None if it failed or was stopped early."""


def expected_best(values: Values, n: int, *, greater: bool) -> float | None:
    """Returns the expected best of n trials, for searches with independent trials.

    A trial without a value cannot be the best. None if n trials may all be without a value.

    Source: Dodge et al. 2019, https://arxiv.org/abs/1909.03004, here without replacement.
    """
    there = sorted((value for value in values if value is not None), reverse=not greater)
    lost, total = len(values) - len(there), math.comb(len(values), n)
    if lost >= n or not total:
        return None
    return sum(value * math.comb(lost + rank, n - 1) for rank, value in enumerate(there)) / total


def best_of_first(values: Values, n: int, *, greater: bool) -> float | None:
    """Returns the best of the first n trials; None if none of them has a value."""
    there = [value for value in values[:n] if value is not None]
    return (max if greater else min)(there) if there and n <= len(values) else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class BestOf:
    """The best of n trials by arm, on validation cases.

    Attributes:
        steps: Every n.
        values: Arm → the best of each n, averaged over its searches, or None.
        lengths: Numbers of trials of the searches.
        exchangeable: Whether the mean is over all choices of n; otherwise the first n, since the order matters.
    """

    steps: tuple[int, ...]
    values: Mapping[str, Values]
    lengths: frozenset[int]
    exchangeable: bool


def best_of(results: Results) -> BestOf | None:
    """Returns the best of n by arm; None if no search trial has reached the last mark."""
    searches = {arm.row.name: _searches(results, arm) for arm in results.arms if arm.progress.search.planned}
    lengths = {len(values) for found in searches.values() for values in found}
    if not lengths or not any(value is not None for found in searches.values() for each in found for value in each):
        return None
    exchangeable = results.protocol.sampler != "tpe" and len(results.protocol.marks) == 1
    steps = _steps(results, lengths, exchangeable)
    greater = METRICS[results.protocol.metric].greater_is_better
    best = expected_best if exchangeable else best_of_first
    return BestOf(
        steps=tuple(steps),
        values={
            name: [_mean([best(values, n, greater=greater) for values in found if n <= len(values)]) for n in steps]
            for name, found in searches.items()
        },
        lengths=frozenset(lengths),
        exchangeable=exchangeable,
    )


def best_of_table(results: Results) -> Table | None:
    """Returns the best of n by arm; None if no search trial has reached the last mark."""
    found = best_of(results)
    if found is None:
        return None
    metric = METRICS[results.protocol.metric]
    notes = [
        "Mean of the best of n over all choices of n trials."
        if found.exchangeable
        else "The best of the first n trials as sampled: with halving, or a model that learns, the order matters.",
        "Chosen values are too good, since they were chosen for it: not to be set beside test values.",
    ]
    if len(found.lengths) > 1 and results.complete:
        notes.insert(0, f"Arms tried different numbers of trials: compare them at n = {min(found.lengths)}.")
    return Table(
        key="best-of",
        title=f"Best of n trials, validation cases only: {metric.label}, "
        f"{region_name(results, results.protocol.region)} {metric.arrow}",
        columns=("Arm", *(f"n = {n}" for n in found.steps)),
        rows=tuple(
            Row(
                (
                    Entry(arm.row.name),
                    *(
                        Entry(number_format.fixed(value, metric.decimals), arm=arm.row.number)
                        for value in found.values[arm.row.name]
                    ),
                )
            )
            for arm in results.arms
            if arm.row.name in found.values
        ),
        notes=tuple(notes),
    )


def _searches(results: Results, arm: ArmResult) -> list[Values]:
    """Returns the arm's searches, one per fold that searched."""
    found: dict[tuple[int, int], list[TrialRow]] = {}
    for trial in results.records.trials:
        if trial.key.stage == "search" and trial.key.arm == arm.row.number and trial.status != "open":
            found.setdefault((trial.key.search, trial.key.fold), []).append(trial)
    last = results.protocol.last
    return [
        [arm.progress.values[trial.key].get(last) for trial in sorted(trials, key=lambda trial: trial.key)]
        for trials in found.values()
    ]


def _steps(results: Results, lengths: set[int], exchangeable: bool) -> list[int]:
    """Returns the columns: round numbers, or ends of cohorts if the order matters, and the lengths of the searches."""
    most = max(lengths)
    if exchangeable:
        return sorted({n for n in STEPS if n < most} | lengths)
    size = int(results.records.study.file["budget"]["cohort"])
    ends = range(size, most + 1, size)
    return sorted({n for n in ends if n // size in STEPS} | lengths)


def _mean(values: Sequence[float | None]) -> float | None:
    """Returns the mean over searches; None if one has no value."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there and len(there) == len(values) else None
