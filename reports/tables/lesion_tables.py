"""Tables of lesions: detection and delineation by arm and size, and plain against inverse-weighted losses."""

import math
from collections.abc import Iterable, Mapping, Sequence

from reports.published import Printed, rows
from reports.results import number_format
from reports.results.lesion_scores import LesionScores, OverRuns, Stratum, lesion_scores, protocol, regions, strata
from reports.results.metric_facts import METRICS, Metric
from reports.results.names import region as region_name
from reports.results.number_format import NONE
from reports.results.results import ArmResult, Results
from reports.tables.protocol_differences import badges
from reports.tables.result_tables import row_state
from reports.tables.table import Entry, Row, Table

POOLED: Mapping[str, Metric] = {
    name: METRICS[name]
    for name in ("average_recall", "cpm", "pooled_lesion_recall", "lesion_false_positives", "object_dice")
}
"""Columns; scores are over all scans of a training together, not means over cases."""

PAIRED = ("average_recall", "object_dice")
"""Detection and delineation, as in the inverse-weighting paper."""

Found = Mapping[str, Mapping[Stratum, LesionScores]]
"""Arm → stratum → scores."""


def lesion_tables(results: Results) -> tuple[Table, ...]:
    """Returns lesion scores by arm and size, one table per region; empty without lesion records."""
    return tuple(_by_arm(results, region, number) for number, region in enumerate(regions(results)))


def weighting_tables(results: Results, key: str) -> tuple[Table, ...]:
    """Returns each loss plain and inverse-weighted by lesion size, one table per region, with the papers' rows."""
    return tuple(_by_weighting(results, region, f"{key}-lesions-{n}") for n, region in enumerate(regions(results), 1))


def _by_arm(results: Results, region: str, number: int) -> Table:
    found = _found(results, region)
    made = []
    for stratum in strata(results):
        for arm in results.arms:
            scores = found[arm.row.name][stratum]
            count = NONE if scores.lesions is None else str(scores.lesions)
            cells = [_entry(results, found, arm, stratum, name) for name in POOLED]
            made.append(Row((Entry(arm.row.name), Entry(size(stratum)), Entry(count), *cells), row_state(results, arm)))
    return Table(
        key=f"lesions-{number}",
        title=f"Lesions, test cases: {_where(results, region)}",
        columns=("Arm", "Diameter", "lesions", *(metric.heading(pixels=results.pixels) for metric in POOLED.values())),
        rows=tuple(made),
        notes=_notes(results),
        words=frozenset({0, 1}),
    )


def _by_weighting(results: Results, region: str, key: str) -> Table:
    found = _found(results, region)
    arms = {(arm.row.model, arm.row.loss, arm.row.weighting): arm for arm in results.arms}
    theirs = _printed(results)
    pairs = list(dict.fromkeys((model, loss) for model, loss, _ in (*arms, *theirs)))
    made = []
    for stratum in strata(results):
        for model, loss in pairs:
            mine = [arms.get((model, loss, weighting)) for weighting in ("none", "inverse")]
            there = [arm for arm in mine if arm is not None]
            if there:
                cells = [
                    Entry(NONE) if arm is None else _entry(results, found, arm, stratum, name)
                    for name in PAIRED
                    for arm in mine
                ]
                state = row_state(results, there[0]) if len(there) == 1 else ""
                made.append(Row((Entry(model), Entry(loss), Entry(size(stratum)), *cells), state))
            if stratum == strata(results)[0]:
                made += _printed_rows(results, theirs, model, loss, mine[0])
    return Table(
        key=key,
        title=f"Detection and delineation by weighting, test cases: {_where(results, region)}",
        columns=("Model", "Loss", "Diameter", *["plain", "inverse-weighted"] * len(PAIRED)),
        rows=tuple(made),
        notes=_notes(results),
        words=frozenset({0, 1, 2}),
        groups=(("", 3), *((POOLED[name].heading(pixels=False), 2) for name in PAIRED)),
    )


Theirs = Mapping[tuple[str, str, str], Sequence[Printed]]


def _printed(results: Results) -> Theirs:
    """Returns the papers' numbers by (model, loss, weighting)."""
    wanted = {_printed_name(results, name) for name in PAIRED}
    found: dict[tuple[str, str, str], list[Printed]] = {}
    for row in rows(results.protocol.published):
        if row.metric in wanted:
            found.setdefault((row.model, row.loss, row.weighting), []).append(row)
    return found


def _printed_name(results: Results, name: str) -> str:
    return "average_recall_iw2020" if (name, protocol(results)) == ("average_recall", "iw2020") else name


def _printed_rows(results: Results, theirs: Theirs, model: str, loss: str, arm: ArmResult | None) -> list[Row]:
    """Returns one row per data set and parameter setting of the loss."""
    pair = [theirs.get((model, loss, weighting), ()) for weighting in ("none", "inverse")]
    made = []
    for dataset, parameters in dict.fromkeys((row.dataset, row.parameters) for part in pair for row in part):
        cells, shown = [], []
        for name in PAIRED:
            for part in pair:
                here = [
                    row
                    for row in part
                    if (row.dataset, row.parameters, row.metric) == (dataset, parameters, _printed_name(results, name))
                ]
                shown += here
                cells.append(
                    Entry(here[0].value, f"± {here[0].spread}" if here[0].spread else "") if here else Entry("")
                )
        words = tuple(dict.fromkeys(word for row in shown for word in badges(results, row, arm)))
        first = Entry(shown[0].printed_model, dataset)
        made.append(Row((first, Entry(shown[0].printed_loss), Entry("all"), *cells), "printed", words))
    return made


def _where(results: Results, region: str) -> str:
    return f"{region_name(results, region)}, at {number_format.iteration(results.protocol.last)} iterations"


def _found(results: Results, region: str) -> Found:
    return {arm.row.name: lesion_scores(results, arm, region) for arm in results.arms}


def _entry(results: Results, found: Found, arm: ArmResult, stratum: Stratum, name: str) -> Entry:
    metric, value = POOLED[name], found[arm.row.name][stratum].values[name]
    if value is None:
        return Entry("failed" if arm.standing == "failed" else NONE)
    digits = metric.decimals
    span = f"{number_format.fixed(value.least, digits)} to {number_format.fixed(value.greatest, digits)}"
    best = _best(results, found, stratum, name)
    return Entry(
        number_format.fixed(value.mean, digits),
        span if value.least != value.greatest else "",
        best=arm.whole and best is not None and round(value.mean, digits) == best,
        arm=arm.row.number,
    )


def _best(results: Results, found: Found, stratum: Stratum, name: str) -> float | None:
    """Returns the best mean as printed, of arms without lost trainings."""
    metric = POOLED[name]
    complete = [found[arm.row.name][stratum].values[name] for arm in results.arms if arm.whole]
    means = [round(value.mean, metric.decimals) for value in _there(complete)]
    return metric.best(means) if means else None


def _there(values: Iterable[OverRuns | None]) -> list[OverRuns]:
    return [value for value in values if value is not None]


def size(stratum: Stratum) -> str:
    """Returns a stratum in print: `below 5`, `5 to 10`, `from 10`."""
    low, high = stratum
    if math.isinf(high):
        return f"from {low:g}" if low else "all"
    return f"{low:g} to {high:g}" if low else f"below {high:g}"


def _notes(results: Results) -> tuple[str, ...]:
    by = "the authors' (iw2020), 0.3 to 4 points too high" if protocol(results) == "iw2020" else "corrected"
    return (
        "All scans of a training together; mean over trainings, with the least and the greatest below it. No intervals "
        "and no tests: lesions of one patient belong together.",
        "Diameter: of a ball of as many voxels, in voxels. False lesions are counted by their own size.",
        f"Average recall: mean recall at 0 to 5 false lesions a scan, protocol {by}. "
        "CPM: at 1/8, 1/4, 1/2, 1, 2, 4 and 8.",
        "A lesion is found where any predicted component overlaps it; a diverged training finds none.",
        *(
            ["printed: the paper's own number with its digits, never tested against ours."]
            if results.protocol.published
            else []
        ),
    )
