"""Ranks of the arms over several studies, each a data set: Friedman's test and mean ranks."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.results import Results
from reports.statistics.friedman_nemenyi import (
    LEAST_DATASETS,
    Floats,
    Friedman,
    cliques,
    critical_difference,
    friedman,
    ranks,
)
from reports.tables.table import Entry, Row, Table

LEAST_ARMS = 3
"""With two arms it would be a sign test."""
ALPHA = 0.05


@dataclasses.dataclass(frozen=True, eq=False)
class Ranked:
    """Arms by mean rank, the best first.

    Attributes:
        arms: Names.
        studies: Names of the data sets.
        ranks: `(D, A)`, 1 the best.
        test: Friedman's test.
        difference: Nemenyi's critical difference of mean ranks at 0.05.
    """

    arms: tuple[str, ...]
    studies: tuple[str, ...]
    ranks: Floats
    test: Friedman
    difference: float

    @property
    def means(self) -> tuple[float, ...]:
        """Mean rank of each arm."""
        return tuple(self.ranks.mean(axis=0).tolist())

    @property
    def cliques(self) -> tuple[tuple[int, int], ...]:
        """Runs of arms that do not differ significantly: all arms if Friedman's test shows no difference."""
        if self.test.p >= ALPHA:
            return ((0, len(self.arms) - 1),)
        return cliques(self.means, self.difference)


def ranked(studies: Sequence[Results]) -> Ranked | str:
    """Ranks the arms that every study has; returns the reason as a sentence if they cannot be ranked."""
    if len(studies) < LEAST_DATASETS:
        return f"Arms are ranked from {LEAST_DATASETS} data sets on; here are {len(studies)}."
    digests = {results.records.study.data_digest for results in studies}
    if len(digests) < len(studies):
        return f"Arms are ranked over data sets, and these {len(studies)} studies have {len(digests)} between them."
    if not all(results.complete for results in studies):
        return "Arms are ranked when all studies are finished."
    scores = [
        {
            arm.row.name: mean
            for arm in results.arms
            if arm.whole and (mean := arm.cells[results.objective].mean) is not None
        }
        for results in studies
    ]
    names = [name for name in scores[0] if all(name in found for found in scores)]
    if len(names) < LEAST_ARMS:
        return f"Arms are ranked from {LEAST_ARMS} on that all studies trained in full; here are {len(names)}."
    values = np.array([[found[name] for name in names] for found in scores])
    found = ranks(values, [METRICS[results.protocol.metric].greater_is_better for results in studies])
    order = np.argsort(found.mean(axis=0), kind="stable")
    return Ranked(
        arms=tuple(names[index] for index in order),
        studies=tuple(results.records.study.name for results in studies),
        ranks=found[:, order],
        test=friedman(found),
        difference=critical_difference(len(names), len(studies)),
    )


def rank_table(found: Ranked) -> Table:
    """Returns the table of mean ranks and of the ranks on each data set."""
    best = min(round(mean, 2) for mean in found.means)
    rows = tuple(
        Row(
            (
                Entry(arm),
                Entry(number_format.fixed(mean, 2), best=round(mean, 2) == best),
                *(Entry(f"{rank:g}") for rank in column),
            )
        )
        for arm, mean, column in zip(found.arms, found.means, found.ranks.T.tolist(), strict=True)
    )
    return Table(
        key="ranks",
        title=f"Ranks over {len(found.studies)} data sets",
        columns=("Arm", "mean rank ↓", *found.studies),
        rows=rows,
        notes=(sentence(found), *_notes(found)),
    )


def sentence(found: Ranked) -> str:
    """Returns the result of Friedman's test as a sentence."""
    test = found.test
    shown = "Arms differ" if test.p < ALPHA else "No difference between arms was shown"
    statistic = "all data sets agree" if np.isinf(test.statistic) else f"F = {test.statistic:.2f}"
    p = number_format.p_value(test.p)
    return (
        f"{shown}: Friedman's test in Iman and Davenport's form, {statistic} with {test.freedom[0]} and "
        f"{test.freedom[1]} degrees of freedom, p {p if p.startswith('<') else f'= {p}'}."
    )


def _notes(found: Ranked) -> list[str]:
    notes = [
        "A data set counts once, whatever its size; its cases and seeds are in its own mean. Equal means share a rank."
    ]
    if found.test.p < ALPHA:
        notes.insert(
            0,
            f"Critical difference of mean ranks (Nemenyi, 0.05): {found.difference:.2f}; arms that are closer cannot "
            "be told apart.",
        )
    return notes
