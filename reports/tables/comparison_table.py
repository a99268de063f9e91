"""Tables of differences: each arm against the baseline with its tests, and against the best within a margin."""

from reports.results import number_format
from reports.results.comparisons import Comparison
from reports.results.estimates import LEAST_SEARCHES_FOR_LOSSES
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.number_format import NONE
from reports.results.results import Results
from reports.statistics.intervals_and_tests import Estimate
from reports.statistics.smallest_difference import detectable
from reports.tables import equivalence
from reports.tables.result_tables import row_state
from reports.tables.table import LIKE_BEST, Entry, Row, Table


def comparison_table(results: Results) -> Table | None:
    """Returns the table of each arm minus the baseline in the objective; None without comparisons."""
    if not results.comparisons:
        return None
    how, metric = results.protocol, METRICS[results.protocol.metric]
    unit = "searches" if how.searches >= LEAST_SEARCHES_FOR_LOSSES else "seeds"
    columns = [
        "Arm",
        f"Difference {metric.arrow}",
        "p (Holm)",
        "p",
        "p (all patients)",
        "p (sign-flip)",
        "cases in groups",
        unit,
    ]
    columns += ["effect size", "detectable", *([] if how.equivalence is None else ["wins, ties, losses"])]
    return Table(
        key="differences",
        title=f"Difference from {how.baseline}: {metric.label}, {region_name(results, how.region)}",
        columns=tuple(columns),
        rows=tuple(_row(results, comparison, len(columns)) for comparison in results.comparisons),
        notes=tuple(_notes(results, unit)),
    )


def _row(results: Results, comparison: Comparison, width: int) -> Row:
    arm = next(arm for arm in results.arms if arm.row.name == comparison.arm)
    estimate, state = comparison.cell.estimate, row_state(results, arm)
    if estimate is None:
        return Row((Entry(comparison.arm), *[Entry(NONE)] * (width - 1)), state)
    metric, effect = METRICS[results.protocol.metric], comparison.cell.effect
    words = [
        number_format.p_value(comparison.p),
        number_format.p_value(estimate.p),
        number_format.p_value(None if estimate.p is None or estimate.overall is None else estimate.overall[0]),
        number_format.p_value(comparison.cell.sign_flip),
        f"{comparison.cell.cases} in {estimate.groups}",
        str(comparison.cell.units),
        NONE if effect is None else number_format.signed(effect, 2),
        number_format.fixed(detectable(estimate, len(results.comparisons)), metric.decimals),
    ]
    entries = [_difference(results, estimate, arm.row.number), *(Entry(word, arm=arm.row.number) for word in words)]
    name = Entry(comparison.arm, incomplete=bool(arm.trainings.missing))
    return Row((name, *entries, *_tally(results, comparison)), state)


def _difference(results: Results, estimate: Estimate, arm: int) -> Entry:
    digits = METRICS[results.protocol.metric].decimals
    return Entry(
        number_format.signed(estimate.mean, digits),
        number_format.interval(estimate, digits, difference=True),
        span=(estimate.low, estimate.mean, estimate.high),
        arm=arm,
    )


def _tally(results: Results, comparison: Comparison) -> list[Entry]:
    found = equivalence.tally(results, comparison)
    if found is None:
        return []
    return [Entry(f"{found.wins}, {found.ties}, {found.losses}", "equivalent" if found.equivalent else "")]


def _notes(results: Results, unit: str) -> list[str]:
    how = results.protocol
    single = "search" if unit == "searches" else "seed"
    notes = [
        f"Arm minus baseline by case and {single} [95 % interval, not adjusted]; p is adjusted by Holm in its first "
        "column and not in its second. They know of patients and trainings; sign-flip (of patients' sums) and effect "
        "size average the trainings and know of patients alone.",
        "p (all patients): with patients that an arm alone misses wholly and that chance kept out of the test cases; "
        "the p before it holds for patients in whom neither arm alone finds nothing.",
        "effect size: mean over groups / standard deviation over groups of the differences, times Hedges' factor "
        "1 − 3 / (4 (G − 1) − 1); its sign is that of the difference.",
        "detectable: the smallest difference that such a study finds with 80 % probability at Holm's first step.",
    ]
    if how.equivalence is not None:
        notes.append(
            f"wins, ties, losses: test cases whose difference is better than, inside and worse than "
            f"±{how.equivalence:g}, the region of practical equivalence that the study file declared; equivalent: the "
            "whole interval is inside."
        )
    if how.folds > 1 and not how.test_apart:
        notes.append(
            f"The {how.folds} folds' trainings share data: the variance is multiplied by 1 + F / (F − 1) "
            "(Nadeau and Bengio)."
        )
    return [*notes, *_reasons(results), *_declared_first(results)]


def _reasons(results: Results) -> list[str]:
    """Returns why comparisons are not tested, and what each p does not cover."""
    found: dict[str, list[str]] = {}
    for comparison in results.comparisons:
        for text in (comparison.refused, comparison.caveat if comparison.p is not None else None):
            if text:
                found.setdefault(text, []).append(comparison.arm)
    return [f"{', '.join(arms)}: {text}" for text, arms in found.items()]


def _declared_first(results: Results) -> list[str]:
    """Returns what the first baseline and the first seeds say, where one was changed after results were seen."""
    how, changes = results.protocol, []
    if results.first_baseline is not None:
        changes.append(f"the baseline was declared as {results.first_baseline} and changed to {how.baseline}")
    if results.first_seeds is not None:
        changes.append(f"{results.first_seeds} final seeds were declared and raised to {how.seeds}")
    if not changes:
        return []
    digits = METRICS[how.metric].decimals
    parts = [
        f"{found.arm} {number_format.signed(found.cell.estimate.mean, digits)}, p {number_format.p_value(found.p)}"
        for found in results.first_comparisons
        if found.cell.estimate is not None
    ]
    said = " and ".join(changes)
    return [
        f"{said[0].upper()}{said[1:]} after test tables had been shown: the p above are exploratory. As declared first "
        f"(Holm): {'; '.join(parts)}."
    ]


def best_table(results: Results) -> Table | None:
    """Returns every complete arm minus the best one with simultaneous intervals; None without a declared margin."""
    found, metric = results.to_best, METRICS[results.protocol.metric]
    if found is None:
        return None
    rows = []
    for arm in results.arms:
        estimate = found.differences.get(arm.row.name)
        if estimate is not None:
            mark = LIKE_BEST if arm.row.name in found.close else NONE
            entries = (Entry(arm.row.name), _difference(results, estimate, arm.row.number), Entry(mark))
            rows.append(Row(entries, row_state(results, arm)))
    return Table(
        key="to-best",
        title=f"Difference from the best, {found.best}: {metric.label}, "
        f"{region_name(results, results.protocol.region)}",
        columns=("Arm", f"Difference {metric.arrow}", f"within {found.margin:g}"),
        rows=tuple(rows),
        notes=(
            f"Intervals cover 95 % together ({100 * found.level:.3g} % each). {LIKE_BEST}: the whole interval allows "
            f"no loss beyond {found.margin:g}. A wide interval marks nothing.",
        ),
    )
