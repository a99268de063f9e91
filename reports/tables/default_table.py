"""The gain of tuning: each tuned arm beside its default parameters, both on test cases."""

from reports.results import number_format
from reports.results.estimates import Cell, difference_cell
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.number_format import NONE
from reports.results.results import ArmResult, Results
from reports.tables.result_tables import row_state, value
from reports.tables.table import Entry, Row, Table


def default_table(results: Results) -> Table | None:
    """Returns tuned, default and their difference in the objective at the last mark; None unless requested."""
    if not results.defaults:
        return None
    how, metric = results.protocol, METRICS[results.protocol.metric]
    rows = []
    for arm in results.arms:
        usual = results.defaults.get(arm.row.name)
        if usual is None:
            continue
        entries = (value(results, arm, results.objective), value(results, usual, results.objective))
        gain = _gain(results, arm, usual)
        difference = Entry(NONE)
        if gain.estimate is not None:
            found = gain.estimate
            difference = Entry(
                number_format.signed(found.mean, metric.decimals),
                number_format.interval(found, metric.decimals, difference=True),
                span=(found.low, found.mean, found.high),
                arm=usual.row.number,
            )
        rows.append(Row((Entry(arm.row.name), *entries, difference, Entry(_same(arm, usual))), row_state(results, arm)))
    return Table(
        key="defaults",
        title=f"Default beside tuned, test cases: {metric.heading(pixels=results.pixels)}, "
        f"{region_name(results, how.region)}, at {number_format.iteration(how.last)} iterations",
        columns=("Arm", "Tuned", "Default", "Tuned minus default", "Chosen"),
        rows=tuple(rows),
        notes=(
            "Both as the final stage trains them, with the same seeds. Shown and not tested: the study compares arms.",
        ),
        words=frozenset({0, 4}),
    )


def _gain(results: Results, arm: ArmResult, usual: ArmResult) -> Cell:
    how, scores = results.protocol, results.scores
    mine, theirs = (scores.sample(one.row.name, how.last, how.region, how.metric) for one in (arm, usual))
    folds = 1 if how.test_apart else how.folds
    return difference_cell(mine, theirs, scores.groups, scores.scale(how.region, how.metric), folds=folds)


def _same(arm: ArmResult, usual: ArmResult) -> str:
    """Returns the chosen parameters in print, or that they are the default itself."""
    chosen = {tuple(sorted(winner.parameters.items())) for winner in arm.progress.winners}
    given = {name: usual.row.space[name].get("fixed") for name in arm.progress.tuned}
    if chosen == {tuple(sorted(given.items()))}:
        return "the default itself"
    return (
        "; ".join(dict.fromkeys(number_format.parameters(winner.parameters) for winner in arm.progress.winners)) or NONE
    )
