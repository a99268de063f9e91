"""Several studies in one report: arms × studies, each by its own objective on its own test cases."""

import dataclasses
from collections.abc import Callable, Sequence

from reports.document import Document
from reports.prose import claims, remarks, summary
from reports.prose.methods import methods
from reports.published import Printed, rows
from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.number_format import NONE
from reports.results.results import ArmResult, Results
from reports.statistics.friedman_nemenyi import LEAST_DATASETS
from reports.tables import cost_tables
from reports.tables.protocol_differences import badges, difference_tables
from reports.tables.ranks_over_datasets import Ranked, rank_table, ranked
from reports.tables.requested_points import arm_name, last_iterations, matching_arm, own_loss
from reports.tables.result_tables import row_state, value
from reports.tables.table import LIKE_BEST, Entry, Row, State, Table


def together(studies: Sequence[Results]) -> Document:
    """Builds the report of several studies. Across studies only ranks are tested, with five data sets or more.

    Args:
        studies: At least two, in column order.
    """
    names, ranking = [results.records.study.name for results in studies], ranked(studies)
    return Document(
        name=" and ".join(names),
        headline=f"{len(studies)} studies",
        complete=all(results.complete for results in studies),
        claims=_each(studies, claims.claims),
        missing=_each(studies, remarks.missing),
        remarks=_each(studies, remarks.remarks),
        requested=(_table(studies, ranking), *([] if isinstance(ranking, str) else [rank_table(ranking)])),
        protocols=_protocols(studies),
        regions=(),
        differences=None,
        to_best=None,
        defaults=None,
        marks=(),
        lesions=(),
        spread=None,
        quartiles=None,
        search=None,
        best_of=None,
        importance=None,
        budget=_budget(studies),
        failures=None,
        checklist=None,
        methods=_methods(studies),
        facts=tuple((results.records.study.name, summary.headline(results)) for results in studies),
    )


def _each(studies: Sequence[Results], of: Callable[[Results], Sequence[str]]) -> tuple[str, ...]:
    return tuple(f"{results.records.study.name}: {line}" for results in studies for line in of(results))


def _methods(studies: Sequence[Results]) -> tuple[str, ...]:
    """Returns the Methods: each paragraph that all studies share once, the others under the name of their study."""
    each = [methods(results) for results in studies]
    said = []
    for paragraphs in zip(*each, strict=True):
        names = [results.records.study.name for results in studies]
        by_text: dict[str, list[str]] = {}
        for name, text in zip(names, paragraphs, strict=True):
            by_text.setdefault(text, []).append(name)
        said += [text if own == names else f"{' and '.join(own)}: {text}" for text, own in by_text.items()]
    return tuple(said)


def _protocols(studies: Sequence[Results]) -> tuple[Table, ...]:
    """Returns what differs from the papers' protocols, of each study."""
    return tuple(
        dataclasses.replace(table, key=f"{table.key}-{place}", title=f"{results.records.study.name}: {table.title}")
        for place, results in enumerate(studies, 1)
        for table in difference_tables(results)
    )


def _table(studies: Sequence[Results], ranking: Ranked | str) -> Table:
    objectives = [_objective(results) for results in studies]
    same = len(set(objectives)) == 1
    theirs = _printed_rows(studies)
    made = []
    for name in dict.fromkeys(arm.row.name for results in studies for arm in results.arms):
        found = [next((arm for arm in results.arms if arm.row.name == name), None) for results in studies]
        cells = [NO_ARM if arm is None else _entry(results, arm) for results, arm in zip(studies, found, strict=True)]
        incomplete = any(arm is not None and arm.trainings.missing for arm in found)
        made.append(Row((Entry(name, incomplete=incomplete), *cells), _state(studies, found)))
        made += theirs.pop(name, [])
    made += [row for part in theirs.values() for row in part]
    notes = [
        "Each study's mean over its test cases at its last iteration [95 % interval]; bold: the column's best.",
        ("Nothing is tested across studies." if isinstance(ranking, str) else "Across studies ranks alone are tested.")
        + " Cases evaluated: "
        + ", ".join(f"{results.records.study.name} {len(results.scores.cases)}" for results in studies)
        + ".",
        *([ranking] if isinstance(ranking, str) and len(studies) >= LEAST_DATASETS else []),
    ]
    if any(results.to_best is not None and results.to_best.close for results in studies):
        notes.insert(1, f"{LIKE_BEST}: close to the best of its study within the margin that its file declares.")
    if any(row.state == "printed" for row in made):
        notes.append("printed: the paper's own number with its digits, never tested against ours.")
    headings = [
        results.records.study.name if same else f"{results.records.study.name}: {objective}"
        for results, objective in zip(studies, objectives, strict=True)
    ]
    return Table(
        key="studies",
        title=f"By arm and study, test cases{f': {objectives[0]}' if same else ''}",
        columns=("Arm", *headings),
        rows=tuple(made),
        notes=tuple(notes),
    )


NO_ARM = Entry(NONE, "no such arm")


def _printed_rows(studies: Sequence[Results]) -> dict[str, list[Row]]:
    """Returns our arm, or the paper's → the papers' rows at each study's objective, a column a study."""
    lines: dict[tuple[str, str, str, object], dict[int, tuple[Printed, tuple[str, ...]]]] = {}
    for place, results in enumerate(studies):
        how = results.protocol
        found = [
            row for row in rows(how.published) if row.metric == how.metric and (row.region or how.region) == how.region
        ]
        last = last_iterations(found)
        for row in found:
            if row.iteration in (None, last[row.study, row.dataset]):
                arm = matching_arm(results, row)
                name = arm_name(row, own_loss(results, row)) if arm is None else arm.row.name
                line = lines.setdefault((name, row.printed_model, row.printed_loss, row.parameters), {})
                line[place] = row, badges(results, row, arm)
    made: dict[str, list[Row]] = {}
    for (name, model, loss, _), columns in lines.items():
        cells = [_printed(columns[place][0]) if place in columns else Entry("") for place in range(len(studies))]
        words = tuple(dict.fromkeys(word for _, differing in columns.values() for word in differing))
        made.setdefault(name, []).append(Row((Entry(f"{model}, {loss}"), *cells), "printed", words))
    return made


def _printed(row: Printed) -> Entry:
    return Entry(row.value, f"± {row.spread}" if row.spread else "")


def _entry(results: Results, arm: ArmResult) -> Entry:
    entry = value(results, arm, results.objective)
    return Entry("failed") if entry.text == NONE and arm.standing == "failed" else entry


def _state(studies: Sequence[Results], found: Sequence[ArmResult | None]) -> State:
    """Returns the arm's state if it is the same in every study that has the arm, else none."""
    states = {row_state(results, arm) for results, arm in zip(studies, found, strict=True) if arm is not None}
    return states.pop() if len(states) == 1 else ""


def _objective(results: Results) -> str:
    how = results.protocol
    metric = METRICS[how.metric].heading(pixels=results.pixels)
    return f"{metric}, {region_name(results, how.region)}, at {number_format.iteration(how.last)} iterations"


def _budget(studies: Sequence[Results]) -> Table:
    tables = [cost_tables.budget_table(results) for results in studies]
    first = max(tables, key=lambda table: len(table.columns))  # the column of GPU hours exists only if a GPU was used
    rows = [
        Row((Entry(results.records.study.name), *row.entries, *missing), row.state)
        for results, table in zip(studies, tables, strict=True)
        for missing in [[Entry(NONE)] * (len(first.columns) - len(table.columns))]
        for row in table.rows
    ]
    return Table(first.key, first.title, ("Study", *first.columns), tuple(rows), first.notes, frozenset({0, 1}))
