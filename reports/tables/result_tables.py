"""Tables of test scores: by region, by iteration, and each arm against the baseline."""

import math
from collections.abc import Iterable

from reports.results import number_format
from reports.results.estimates import LEAST_SEARCHES_FOR_LOSSES, Cell
from reports.results.metric_facts import METRICS, Metric
from reports.results.names import region as region_name
from reports.results.number_format import NONE
from reports.results.results import ArmResult, Column, Comparison, Results
from reports.statistics.intervals_and_tests import LEAST_GROUPS_TO_CONFIRM
from reports.statistics.smallest_difference import detectable
from reports.tables import equivalence
from reports.tables.table import LIKE_BEST, Entry, Row, State, Table
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
        entries = [Entry(arm.row.name, detail), *cells, *counts(results, arm, region)]
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
    """Returns an arm's mean with its interval, marked if it is the best or does not differ from it."""
    found, metric = arm.cells.get(column, Cell(None)), METRICS[column[1]]
    if found.estimate is None:
        return Entry(NONE)
    name = arm.row.name
    like = column == results.objective and results.like_best is not None and name in results.like_best
    best = name in results.best.get(column, frozenset())
    estimate = found.estimate
    return Entry(
        number_format.mean(estimate, metric),
        number_format.interval(estimate, metric.decimals) if found.spread is None else _spread(found.spread, metric),
        best=best,
        like_best=like and not best,
        span=(estimate.low, estimate.mean, estimate.high),
        arm=arm.row.number,
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
    p = next(comparison.p for comparison in results.comparisons if comparison.arm == arm.row.name)
    return Entry(number_format.p_value(p), "exploratory" if p is not None and _exploratory(results) else "")


def _exploratory(results: Results) -> bool:
    return results.scores.patients < LEAST_GROUPS_TO_CONFIRM


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
    runs = how.trainings
    notes = [
        "Mean over cases [95 % interval: two-way t over patients and "
        f"{'searches' if how.searches >= LEAST_SEARCHES_FOR_LOSSES else 'seeds'}]; bold: the column's best."
    ]
    if region == how.region:
        if results.like_best is not None:
            notes.append(f"{LIKE_BEST}: cannot be told from the best (Holm over all pairs, 0.05).")
        if results.comparisons:
            notes.append(
                f"p: difference from {how.baseline} in {METRICS[how.metric].label}, Holm over "
                f"{number_format.count(len(results.comparisons), 'comparison')}; nothing else is tested."
            )
    false, clean = ("no value", "") if how.empty == "missing" else ("counts 0", "; found in neither: counts 1")
    notes.append(
        f"n of N: cases evaluated of all test cases. missed: nothing found of a region that is there (counts "
        f"0, or the image's diagonal); false pos.: something found where it is not ({false}), with its median size"
        f"{clean}; all over {runs} {'training' if runs == 1 else 'trainings'}."
    )
    if reaches_beyond(results, [(region, name, how.last) for name in how.metrics]):
        notes.append(BEYOND)
    if any(of_split(name) for name in how.metrics):
        notes.append("Columns without an interval: one value for all cases of a training, then the mean of trainings.")
    ceiling = _ceiling(results, region)
    if ceiling is not None:
        notes.append(f"Ceiling of Dice here (the reference sent to the training grid and back): {ceiling:.3f}.")
    return tuple(notes)


BEYOND = (
    "An interval that reaches where no value can be (below 0; of a share, above 1) comes from few trainings or "
    "patients that differ much. It is not cut, since its coverage was simulated as it is: it says that little is known."
)


def reaches_beyond(results: Results, columns: Iterable[Column]) -> bool:
    """Returns whether an interval exceeds the range of its metric."""
    tops = {"share": 1.0, "distance": math.inf, "volume": math.inf, "count": math.inf}
    for column in columns:
        top = tops.get(METRICS[column[1]].kind)  # None: a bias has a sign
        found = [arm.cells[column].estimate for arm in results.arms if column in arm.cells]
        ends = [(each.low, each.high) for each in found if each is not None]
        if top is not None and any(
            low is not None and high is not None and (low < 0 or high > top) for low, high in ends
        ):
            return True
    return False


def _ceiling(results: Results, region: str) -> float | None:
    """Returns the mean ceiling over the test cases that have the region; None if the ledger lacks it."""
    if len(results.protocol.parts(region)) > 1:
        parts = [_ceiling(results, part) for part in results.protocol.parts(region)]
        known = [part for part in parts if part is not None]
        return sum(known) / len(known) if len(known) == len(parts) else None
    values = [case.facts.get("ceilings", {}).get(region) for case in results.scores.cases]
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def comparison_table(results: Results) -> Table | None:
    """Returns the table of each arm minus the baseline in the objective; None without comparisons."""
    how, metric = results.protocol, METRICS[results.protocol.metric]
    states = {arm.row.name: row_state(results, arm) for arm in results.arms}
    half = equivalence.region(results)
    rows = []
    for comparison in results.comparisons:
        estimate = comparison.cell.estimate
        if estimate is None:
            empty = [Entry(NONE)] * (8 if half is None else 9)
            rows.append(Row((Entry(comparison.arm), *empty), states[comparison.arm]))
            continue
        difference = Entry(
            number_format.signed(estimate.mean, metric.decimals),
            number_format.interval(estimate, metric.decimals, difference=True),
            span=(estimate.low, estimate.mean, estimate.high),
            arm=next(arm.row.number for arm in results.arms if arm.row.name == comparison.arm),
        )
        words = [
            number_format.p_value(comparison.p),
            number_format.p_value(estimate.p),
            number_format.p_value(comparison.cell.sign_flip),
        ]
        words += [f"{comparison.cell.cases} in {estimate.groups}", str(estimate.seeds)]
        found, effect = detectable(estimate, len(results.comparisons)), comparison.cell.effect
        sizes = [
            NONE if effect is None else number_format.signed(effect, 2),
            number_format.fixed(found, metric.decimals),
        ]
        entries = [difference, *(Entry(word, arm=difference.arm) for word in (*words, *sizes))]
        rows.append(Row((Entry(comparison.arm), *entries, *_tally(results, comparison)), states[comparison.arm]))
    if not rows:
        return None
    unit = "searches" if how.searches >= LEAST_SEARCHES_FOR_LOSSES else "seeds"
    return Table(
        key="differences",
        title=f"Difference from {how.baseline}: {metric.label}, {region_name(results, how.region)}",
        columns=(
            *(
                "Arm",
                f"Difference {metric.arrow}",
                "p (Holm)",
                "p",
                "p (sign-flip)",
                "cases in groups",
                unit,
                "effect size",
                "detectable",
            ),
            *([] if half is None else ["wins, ties, losses"]),
        ),
        rows=tuple(rows),
        notes=(
            f"Arm minus baseline by case and {unit[:-2] if unit == 'searches' else 'seed'}; two-way t. "
            "The sign-flip of group sums is a sensitivity line.",
            "effect size: mean over groups / standard deviation over groups of the differences, each averaged over "
            f"{unit}, times Hedges' factor 1 − 3 / (4 (G − 1) − 1); its sign is that of the difference.",
            "detectable: the smallest difference that such a study finds with 80 % probability at Holm's first step.",
            *([] if half is None else [_equivalent(half)]),
        ),
    )


def _tally(results: Results, comparison: Comparison) -> list[Entry]:
    found = equivalence.tally(results, comparison)
    if found is None:
        return []
    return [Entry(f"{found.wins}, {found.ties}, {found.losses}", "equivalent" if found.equivalent else "")]


def _equivalent(half: float) -> str:
    return (
        f"wins, ties, losses: test cases whose difference is better than, inside and worse than ±{half:g}, the region "
        "of practical equivalence that the study file declared; equivalent: the whole interval is inside."
    )


def mark_tables(results: Results) -> tuple[Table, ...]:
    """Returns the objective's metric at every mark, one table per region; empty with a single mark."""
    how = results.protocol
    if len(how.marks) == 1:
        return ()
    metric, end = METRICS[how.metric], number_format.iteration(how.last)
    alone = results.records.study.file["budget"].get("marks") == "independent"
    return tuple(
        Table(
            key=f"marks-{index}",
            title=f"{metric.heading(pixels=results.pixels)} by iteration, test cases: {region_name(results, region)}",
            columns=("Arm", *(number_format.iteration(mark) + ("" if alone else f" of {end}") for mark in how.marks)),
            rows=tuple(
                Row(
                    (Entry(arm.row.name), *(value(results, arm, (region, how.metric, mark)) for mark in how.marks)),
                    row_state(results, arm),
                )
                for arm in results.arms
            ),
            notes=(
                "Each mark is a training by itself: its learning-rate schedule spans that mark."
                if alone
                else "One training, looked at on its way: the learning-rate schedule spans all of it.",
                *([BEYOND] if reaches_beyond(results, [(region, how.metric, mark) for mark in how.marks]) else []),
            ),
        )
        for index, region in enumerate(how.shown_regions)
    )
