"""How each arm's search answered its parameters: the values of its trials, and how much each parameter matters."""

import collections
import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.results import ArmResult, Results
from reports.tables.table import Entry, Row, Table
from search_spaces.grammar import Range, Scalar, from_plain
from study.design import TrialKey

LEAST_TRIALS = 9
"""Three in each third of a range."""
THIRDS = 3

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Response:
    """An arm's search trials that have a value at the mark.

    Attributes:
        arm: The arm.
        mark: At which iteration: the one that most trials of the study reached, the last of several.
        trials: Their keys.
        columns: Tuned parameter → what each trial had.
        values: `(n,)` objective on validation cases.
        log: Parameters that are drawn on a logarithmic scale.
    """

    arm: ArmResult
    mark: int
    trials: tuple[TrialKey, ...]
    columns: Mapping[str, tuple[Scalar, ...]]
    values: Floats
    log: frozenset[str]

    @property
    def importance(self) -> dict[str, float | None]:
        """Parameter → its importance, the greatest first; those that cannot be asked last."""
        found = {name: importance(column, self.values) for name, column in self.columns.items()}
        return dict(sorted(found.items(), key=lambda item: -1.0 if item[1] is None else -item[1] - 2))

    @property
    def numeric(self) -> list[str]:
        """Parameters that are numbers and vary, the most important first."""
        return [name for name in self.importance if is_number(self.columns[name]) and len(set(self.columns[name])) > 1]


def responses(results: Results) -> tuple[Response, ...]:
    """Every arm that tuned something and has a value, by number."""
    reached = collections.Counter(
        mark
        for arm in results.arms
        for by_mark in arm.progress.values.values()
        for mark, value in by_mark.items()
        if value is not None
    )
    if not reached:
        return ()
    mark = max(reached, key=lambda mark: (reached[mark], mark))
    parameters = {trial.key: trial.parameters for trial in results.records.trials}
    found = []
    for arm in results.arms:
        values = {key: by_mark.get(mark) for key, by_mark in arm.progress.values.items() if key in parameters}
        there = {key: value for key, value in values.items() if value is not None}
        if arm.progress.tuned and there:
            spaces = {name: from_plain(arm.row.space[name]) for name in arm.progress.tuned}
            found.append(
                Response(
                    arm=arm,
                    mark=mark,
                    trials=tuple(there),
                    columns={name: tuple(parameters[key][name] for key in there) for name in arm.progress.tuned},
                    values=np.array(list(there.values()), dtype=np.float64),
                    log=frozenset(name for name, space in spaces.items() if isinstance(space, Range) and space.log),
                )
            )
    return tuple(found)


def importance(column: Sequence[Scalar], values: Floats) -> float | None:
    """Share of the variance of the values' ranks that a parameter's parts explain, corrected for chance.

    Epsilon squared of Kruskal and Wallis: `(H - k + 1) / (n - k)`, 0 where it would be negative; of ranks, so that one
    collapsed trial does not decide it. Parts are the thirds of the trials by a number, or the values of a choice. It
    sees one parameter at a time: what only two together do is not in it.

    Args:
        column: The parameter of each trial.
        values: `(n,)` of each trial.

    Returns:
        In `[0, 1]`; None with fewer than `LEAST_TRIALS` trials, or where all had the same.

    Source: Kelley 1935; Tomczak and Tomczak 2014, The need to report effect size estimates revisited.
    """
    which = parts(column)
    names, sizes = np.unique(which, return_counts=True)
    n, k = len(values), len(names)
    if n < LEAST_TRIALS or k < 2 or n <= k:
        return None
    ranks = (values[:, None] > values).sum(axis=1) + ((values[:, None] == values).sum(axis=1) + 1) / 2
    centred = ranks - ranks.mean()
    total = float((centred**2).sum())
    if total == 0:
        return 0.0
    between = sum(size * float(centred[which == name].mean()) ** 2 for name, size in zip(names, sizes, strict=True))
    statistic = (n - 1) * between / total
    return max(0.0, float(statistic - k + 1) / (n - k))


def parts(column: Sequence[Scalar]) -> NDArray[np.intp]:
    """`(n,)` which part of its parameter each trial is in: thirds of the trials by number, equal ones together."""
    if not is_number(column) or len(set(column)) <= THIRDS:
        words = sorted(set(map(repr, column)))
        return np.array([words.index(repr(value)) for value in column], dtype=np.intp)
    numeric = np.array(column, dtype=np.float64)
    cuts = np.sort(numeric)[[len(numeric) // THIRDS, 2 * len(numeric) // THIRDS]]
    return np.asarray(np.searchsorted(cuts, numeric, side="right"), dtype=np.intp)


def is_number(column: Sequence[Scalar]) -> bool:
    """Whether all are numbers; a switch is none."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in column)


def importance_table(results: Results) -> Table | None:
    """Every tuned parameter of every arm; None where no search had enough trials."""
    metric, rows = METRICS[results.protocol.metric], []
    found = responses(results)
    for response in found:
        for name, share in response.importance.items():
            if share is not None:
                number = response.arm.row.number
                rows.append(
                    Row(
                        (
                            Entry(response.arm.row.name),
                            Entry(name),
                            Entry(str(len(response.values)), arm=number),
                            Entry(number_format.fixed(share, 2), arm=number),
                            Entry(_best_part(response, name, metric.greater_is_better)),
                        )
                    )
                )
    if not rows:
        return None
    return Table(
        key="importance",
        title=f"What parameters matter, validation cases only: {metric.label}, "
        f"{region_name(results, results.protocol.region)}, at {number_format.iteration(found[0].mark)} iterations",
        columns=("Arm", "Parameter", "trials", "importance", "Best where"),
        rows=tuple(rows),
        notes=(
            "importance: share of the variance of the trials' ranks that thirds of the parameter (or its choices) "
            "explain, corrected for chance (epsilon squared of Kruskal and Wallis); 0 is none, 1 all. One parameter at "
            f"a time, from {LEAST_TRIALS} trials on; a search that learns looks more closely where it expects most.",
        ),
        words=frozenset({0, 1, 4}),
    )


def _best_part(response: Response, name: str, greater: bool) -> str:
    """The third, or the choice, with the best median."""
    which, column = parts(response.columns[name]), response.columns[name]
    medians = {part: float(np.median(response.values[which == part])) for part in sorted(set(which.tolist()))}
    best = (max if greater else min)(medians, key=lambda part: medians[part])
    inside = [value for value, part in zip(column, which, strict=True) if part == best]
    if len(set(inside)) == 1:
        return number_format.scalar(inside[0])
    ends = sorted(value for value in inside if isinstance(value, int | float))
    return f"{number_format.scalar(ends[0])} to {number_format.scalar(ends[-1])}"
