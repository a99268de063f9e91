"""The table of hyperparameter importance: every tuned parameter of every arm, from validation values."""

import numpy as np

from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.results import Results
from reports.results.search_responses import Response, responses
from reports.statistics.parameter_importance import LEAST_TRIALS, parts
from reports.tables.table import Entry, Row, Table


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
