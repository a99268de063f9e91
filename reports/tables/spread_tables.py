"""Tables of what means hide: spread between patients, seeds and searches, and quartiles of distances."""

import math

import numpy as np

from reports.results import number_format
from reports.results.estimates import mean_over
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.number_format import NONE
from reports.results.results import ArmResult, Results
from reports.statistics.variance_of_means import Floats
from reports.tables.result_tables import row_state
from reports.tables.table import Entry, Row, Table

MOST_MEANS = 12
"""More trainings' means are not listed one by one."""


def spread_table(results: Results) -> Table | None:
    """Returns the objective's spread between patients, seeds and searches of each arm; None without scores."""
    how, metric = results.protocol, METRICS[results.protocol.metric]
    rows = [
        Row(
            (Entry(arm.row.name, incomplete=bool(arm.trainings.missing)), *_spreads(results, arm)),
            row_state(results, arm),
        )
        for arm in results.arms
        if arm.cells[results.objective].estimate is not None
    ]
    if not rows:
        return None
    group = "patients" if how.by_patient else "cases"
    return Table(
        key="spread",
        title=f"Spread: {metric.heading(pixels=results.pixels)}, {region_name(results, how.region)}, SD",
        columns=("Arm", f"between {group}", "between seeds", "between searches", "mean of each training"),
        rows=tuple(rows),
        notes=(
            f"between {group}: of their means over trainings; between seeds: of a configuration's trainings; between "
            "searches: of the means of their trainings. A diverged training counts the worst value.",
        ),
        words=frozenset({0, 4}),
    )


def _spreads(results: Results, arm: ArmResult) -> list[Entry]:
    how, digits = results.protocol, METRICS[results.protocol.metric].decimals
    values = results.scores.of(arm.row.name, how.last, how.region, how.metric)  # (K, F, S, N)
    by_case = mean_over(values.reshape(-1, values.shape[-1]), 0)
    there = ~np.isnan(by_case)
    groups = results.scores.groups[there]
    patients = np.array([by_case[there][groups == group].mean() for group in np.unique(groups)])
    runs = mean_over(mean_over(values, 1), 2)  # (K, S)
    seeds = [math.sqrt(float(np.mean(parts)))] if (parts := _variances(runs)) else []
    known = runs[~np.isnan(runs)]
    means = ", ".join(number_format.fixed(float(mean), digits) for mean in known)
    return [
        Entry(_deviation(patients, digits)),
        Entry(number_format.fixed(seeds[0], digits) if seeds else NONE),
        Entry(_deviation(mean_over(runs, 1), digits)),
        Entry(means if len(known) <= MOST_MEANS else f"{len(known)} trainings"),
    ]


def _variances(runs: Floats) -> list[float]:
    """Returns the variance between seeds within each search that has two at least."""
    return [float(np.var(row[~np.isnan(row)], ddof=1)) for row in runs if (~np.isnan(row)).sum() > 1]


def _deviation(values: Floats, digits: int) -> str:
    known = values[~np.isnan(values)]
    return number_format.fixed(float(known.std(ddof=1)), digits) if len(known) > 1 else NONE


def quartile_table(results: Results) -> Table | None:
    """Returns median and quartiles of distances and volumes by case; None where neither is reported."""
    how = results.protocol
    names = [name for name in how.metrics if METRICS[name].kind in ("distance", "volume")]
    columns = [(region, name, how.last) for name in names for region in how.shown_regions]
    shown = [column for column in columns if any(_has(arm, column) for arm in results.arms)]
    if not shown:
        return None
    return Table(
        key="quartiles",
        title="Median [quartiles] over cases, test cases",
        columns=(
            "Arm",
            *(
                f"{METRICS[name].heading(pixels=results.pixels)}, {region_name(results, region)}"
                for region, name, _ in shown
            ),
        ),
        rows=tuple(
            Row((Entry(arm.row.name), *(_quartiles(arm, column) for column in shown)), row_state(results, arm))
            for arm in results.arms
        ),
        notes=(
            "Distances are skewed, and a miss counts the image's diagonal: the median says what a usual case has. "
            "Quartiles of each training, averaged over trainings.",
        ),
    )


def _has(arm: ArmResult, column: tuple[str, str, int]) -> bool:
    return column in arm.cells and arm.cells[column].quartiles is not None


def _quartiles(arm: ArmResult, column: tuple[str, str, int]) -> Entry:
    found = arm.cells[column].quartiles if column in arm.cells else None
    if found is None:
        return Entry(NONE)
    low, middle, high = (number_format.fixed(value, METRICS[column[1]].decimals) for value in found)
    return Entry(middle, f"[{low}, {high}]")
