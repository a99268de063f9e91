"""Tables of test scores by region, and the cells that all tables of scores share."""

from collections.abc import Iterable

from reports.results import number_format
from reports.results.comparisons import Column, Comparison
from reports.results.estimates import LEAST_SEARCHES_FOR_LOSSES, Cell
from reports.results.metric_facts import METRICS, Metric
from reports.results.names import region as region_name
from reports.results.number_format import NONE
from reports.results.results import ArmResult, Results
from reports.statistics.intervals_and_tests import LEAST_GROUPS_TO_CONFIRM
from reports.tables.table import INCOMPLETE, LIKE_BEST, Entry, Row, State, Table
from search_spaces.metrics import of_split


def region_tables(results: Results) -> tuple[Table, ...]:
    """Returns test results at the last mark, one table per region, the objective's first."""
    return tuple(_region_table(results, region) for region in results.protocol.shown_regions)


def _region_table(results: Results, region: str) -> Table:
    how = results.protocol
    primary = region == how.region
    headings = [METRICS[name].heading(pixels=results.pixels) for name in how.metrics]
    runs = "seeds" if how.searches * how.folds == 1 else "trainings"
    columns = ["Arm", *headings, "n of N", "missed", "false pos.", runs]
    if primary and results.comparisons:
        columns.append("p (Holm)")
    rows = []
    for arm in results.arms:
        cells = [value(results, arm, (region, name, how.last)) for name in how.metrics]
        if arm.standing == "failed" and arm.cells[region, how.metrics[0], how.last].estimate is None:
            cells[0] = Entry("failed")
        detail = "; ".join(_configurations(arm)) if primary else ""
        entries = [
            Entry(arm.row.name, detail, incomplete=bool(arm.trainings.missing)),
            *cells,
            *counts(results, arm, region),
        ]
        if len(columns) > len(entries):
            entries.append(_p(results, arm))
        rows.append(Row(tuple(entries), row_state(results, arm)))
    return Table(
        key=f"region-{how.shown_regions.index(region)}",
        title=f"Test cases: {region_name(results, region)}, at {number_format.iteration(how.last)} iterations",
        columns=tuple(columns),
        rows=tuple(rows),
        notes=_notes_of_region(results, region),
    )


def value(results: Results, arm: ArmResult, column: Column) -> Entry:
    """Returns an arm's mean with its interval, marked if it is the best or close to it within the declared margin."""
    found, metric = arm.cells.get(column, Cell(None)), METRICS[column[1]]
    if found.estimate is None:
        return Entry(NONE)
    name = arm.row.name
    close = results.to_best is not None and column == results.objective and name in results.to_best.close
    best = name in results.best.get(column, frozenset())
    estimate = found.estimate
    usual = arm.cells.get((column[0], results.protocol.metrics[0], column[2]), Cell(None)).cases
    return Entry(
        number_format.mean(estimate, metric),
        number_format.interval(estimate, metric.decimals) if found.spread is None else _spread(found.spread, metric),
        best=best,
        like_best=close and not best,
        span=(estimate.low, estimate.mean, estimate.high),
        arm=arm.row.number,
        n=found.cases if found.cases != usual else None,
    )


def _spread(spread: float, metric: Metric) -> str:
    return f"± {number_format.fixed(spread, metric.decimals)}"


def counts(results: Results, arm: ArmResult, region: str) -> list[Entry]:
    """Returns cases evaluated, missed and false findings, and outcomes of trainings."""
    how = results.protocol
    cases = arm.cells[region, how.metrics[0], how.last].cases
    found, trainings = arm.detection[region], arm.trainings
    return [
        Entry(f"{cases} of {len(results.scores.cases)}"),
        Entry(f"{found.missed} of {found.present}" if found.present else NONE),
        Entry(f"{found.false} of {found.absent}" if found.absent else NONE, _volume(results, found.false_volume)),
        Entry(f"{trainings.scored} of {trainings.planned}", ", ".join(failed_trainings(arm))),
    ]


def _volume(results: Results, size: float | None) -> str:
    """Returns `median 1.2 mL`; an empty string without false findings."""
    if size is None:
        return ""
    flat = any(len(case.facts.get("shape") or ()) == 2 for case in results.scores.cases)
    unit = "voxels" if results.pixels else "mm²" if flat else "mL"
    return f"median {size:.3g} {unit}"


def failed_trainings(arm: ArmResult) -> list[str]:
    """Returns the failed final trainings of an arm: `1 diverged`, `2 lost`, `3 collapsed`."""
    trainings = arm.trainings
    found = ((trainings.diverged, "diverged"), (trainings.missing, "lost"), (trainings.collapsed, "collapsed"))
    return [f"{number} {word}" for number, word in found if number]


def _p(results: Results, arm: ArmResult) -> Entry:
    if arm.row.name == results.protocol.baseline:
        return Entry("baseline")
    found = next(comparison for comparison in results.comparisons if comparison.arm == arm.row.name)
    if found.p is None:
        return Entry(NONE, "not tested" if found.refused else "")
    return Entry(number_format.p_value(found.p), "exploratory" if exploratory(found) else "")


def exploratory(comparison: Comparison) -> bool:
    """Returns whether a comparison has too few groups to confirm anything."""
    estimate = comparison.cell.estimate
    return estimate is not None and estimate.groups < LEAST_GROUPS_TO_CONFIRM


def _configurations(arm: ArmResult) -> list[str]:
    """Returns the distinct chosen configurations."""
    return list(
        dict.fromkeys(
            number_format.parameters(winner.parameters) for winner in arm.progress.winners if winner.parameters
        )
    )


def row_state(results: Results, arm: ArmResult) -> State:
    """Returns the state of an arm's row."""
    if arm.standing == "failed":
        return "failed"
    if arm.standing != "complete":
        return "unfinished"
    return "baseline" if arm.row.name == results.protocol.baseline else ""


def _notes_of_region(results: Results, region: str) -> tuple[str, ...]:
    how = results.protocol
    columns = [(region, name, how.last) for name in how.metrics]
    notes = [f"{how_means_are_taken(results)}; bold: the column's best."]
    if region == how.region:
        notes += notes_on_marks(results)
        if results.comparisons:
            notes.append(
                f"p: difference from {how.baseline} in {METRICS[how.metric].label}, Holm over "
                f"{number_format.count(len(results.comparisons), 'comparison')}; nothing else is tested."
            )
    notes += unranked_notes(results, columns)
    notes.append(_counting(results))
    if any(arm.cells[column].conditional for arm in results.arms for column in columns if column in arm.cells):
        notes.append(
            "n under a mean: its own cases. Such a column has values only where something was found: trainings are "
            "averaged by case, and the interval is over patients alone."
        )
    if any(of_split(name) for name in how.metrics):
        notes.append("Columns without an interval: one value for all cases of a training, then the mean of trainings.")
    ceiling = _ceiling(results, region)
    if ceiling is not None:
        notes.append(f"Ceiling of Dice here (the reference sent to the training grid and back): {ceiling:.3f}.")
    return tuple(notes)


def how_means_are_taken(results: Results) -> str:
    """Returns a phrase on what means are over and how their intervals are made."""
    how = results.protocol
    weighing = next((cell.estimate.weighing for arm in results.arms for cell in arm.cells.values() if cell.estimate and
                     cell.estimate.low is not None), "cases")  # fmt: skip
    over = "patients, each by the mean of its cases" if weighing == "patients" else "cases"
    units = "searches" if how.searches >= LEAST_SEARCHES_FOR_LOSSES else "seeds"
    group = "patients" if how.by_patient else "cases"
    return (
        f"Mean over {over} [95 % interval of the mean, not adjusted for the number of arms: a t over {group} and "
        f"{units} on a scale that keeps it within the metric's range]"
    )


def notes_on_marks(results: Results) -> list[str]:
    """Returns what the mark beside the best means; empty without a declared margin."""
    found = results.to_best
    if found is None:
        return []
    return [
        f"{LIKE_BEST}: loses at most {found.margin:g}, the margin that the study file declares, against the best arm, "
        f"by the whole interval of their difference ({100 * found.level:.3g} % each, 95 % together)."
    ]


def unranked_notes(results: Results, columns: Iterable[Column]) -> list[str]:
    """Returns which columns and which arms are not ranked, and why."""
    by_reason: dict[str, list[str]] = {}
    for column in columns:
        if column in results.unranked:
            by_reason.setdefault(results.unranked[column], []).append(METRICS[column[1]].label)
    notes = [f"No best in {', '.join(dict.fromkeys(names))}: {reason}." for reason, names in by_reason.items()]
    left = [f"{arm.row.name} ({', '.join(arm.trainings.lost)} lost)" for arm in results.arms if arm.trainings.missing]
    return [*notes, *([f"{INCOMPLETE} incomplete, so neither ranked nor tested: {'; '.join(left)}."] if left else [])]


def _counting(results: Results) -> str:
    how = results.protocol
    runs = how.trainings
    false, clean = ("no value", "") if how.empty == "missing" else ("counts 0", "; found in neither: counts 1")
    return (
        f"n of N: cases evaluated of all test cases. missed: nothing found of a region that is there (counts "
        f"0, or the image's diagonal); false pos.: something found where it is not ({false}), with its median size"
        f"{clean}; all over {runs} {'training' if runs == 1 else 'trainings'}."
    )


def _ceiling(results: Results, region: str) -> float | None:
    """Returns the mean ceiling over the test cases that have the region; None if the ledger lacks it."""
    if len(results.protocol.parts(region)) > 1:
        parts = [_ceiling(results, part) for part in results.protocol.parts(region)]
        known = [part for part in parts if part is not None]
        return sum(known) / len(known) if len(known) == len(parts) else None
    values = [case.facts.get("ceilings", {}).get(region) for case in results.scores.cases]
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
