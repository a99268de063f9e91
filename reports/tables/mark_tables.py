"""Tables of the objective by iteration, one per region."""

from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.results import Results
from reports.tables.result_tables import row_state, unranked_notes, value
from reports.tables.table import Entry, Row, Table


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
                *unranked_notes(results, [(region, how.metric, mark) for mark in how.marks]),
            ),
        )
        for index, region in enumerate(how.shown_regions)
    )
