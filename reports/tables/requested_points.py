"""Numbers with their coordinates, the study's and the papers', for tables of any layout."""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

from reports.published import Printed, rows
from reports.results import number_format
from reports.results.comparisons import Column
from reports.results.number_format import NONE
from reports.results.parameters import excludes, loss_of, loss_values
from reports.results.results import ArmResult, Results
from reports.tables.requested_layouts import Axis, Layout, Value
from reports.tables.result_tables import failed_trainings, value
from reports.tables.table import Entry


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One number.

    Attributes:
        at: Position on every axis.
        entry: The table cell.
        arm: Its arm; for a printed number the study's arm of the same network, loss and weighting, if any.
        printed: The paper's number; None for the study's own.
        variant: Index of the parameter setting among printed rows of one loss and network.
    """

    at: Mapping[Axis, Value]
    entry: Entry
    arm: ArmResult | None
    printed: Printed | None = None
    variant: int = 0


def ours(results: Results, layout: Layout) -> Iterator[Point]:
    """Yields every arm's numbers, including missing ones."""
    axes = (layout.region, layout.metric, layout.iteration)
    for arm, region, metric, mark in itertools.product(results.arms, *axes):
        at: dict[Axis, Value] = {
            "arm": arm.row.name,
            "model": arm.row.model,
            "loss": arm.row.loss,
            "weighting": arm.row.weighting,
            "region": region,
            "metric": metric,
            "iteration": mark,
        }
        yield Point(at=at, entry=_entry(results, layout, arm, (region, metric, mark)), arm=arm)


def _entry(results: Results, layout: Layout, arm: ArmResult, column: Column) -> Entry:
    entry = value(results, arm, column)
    if entry.text == NONE and arm.standing == "failed":
        return Entry("failed")
    words = failed_trainings(arm) if layout.name != "arms" and column[2] == results.protocol.last else []
    return dataclasses.replace(entry, detail="; ".join(filter(None, (entry.detail, *words)))) if words else entry


def printed(results: Results, layout: Layout) -> Iterator[Point]:
    """Yields the papers' numbers that have a place in the layout.

    A paper with a single region is placed at the objective's region; one without iterations at the last mark.
    """
    how = results.protocol
    found = [row for row in rows(results.protocol.published) if row.metric in layout.metric]
    found = [row for row in found if (row.region or how.region) in layout.region]
    last = last_iterations(found)
    variants: dict[tuple[str, ...], list[object]] = {}
    for row in found:
        mark = _mark(row, layout, how.last, last[row.study, row.dataset])
        if mark is None:
            continue
        settings = variants.setdefault((row.study, row.dataset, row.model, row.loss, row.weighting), [])
        if row.parameters not in settings:
            settings.append(row.parameters)
        arm = matching_arm(results, row)
        loss = own_loss(results, row) if arm is None else arm.row.loss
        at: dict[Axis, Value] = {
            "arm": arm_name(row, loss) if arm is None else arm.row.name,
            "model": row.model,
            "loss": loss,
            "weighting": row.weighting,
            "region": row.region or how.region,
            "metric": row.metric,
            "iteration": mark,
        }
        entry = Entry(row.value, f"± {row.spread}" if row.spread else "")
        yield Point(at=at, entry=entry, arm=arm, printed=row, variant=settings.index(row.parameters))


def matching_arm(results: Results, row: Printed) -> ArmResult | None:
    """Returns the arm of the same network, loss and weighting; of several, the one closest in parameters.

    None also where the arm fixes parameters at those of another row of the paper: this row's loss is not among the
    arms then.
    """
    arm = max(
        _alike(results, row),
        key=lambda arm: sum(value in loss_values(arm, name) for name, value in row.parameters),
        default=None,
    )
    if arm is None or not _excludes(arm, row):
        return arm
    kin = (row.model, row.loss, row.weighting)
    others = [each for each in rows([f"{row.study}/{row.dataset}"]) if (each.model, each.loss, each.weighting) == kin]
    return arm if all(_excludes(arm, other) for other in others) else None


def _excludes(arm: ArmResult, row: Printed) -> bool:
    return any(excludes(arm, name, value) for name, value in row.parameters)


def own_loss(results: Results, row: Printed) -> str:
    """Returns the loss of a printed row without an arm, with its parameters where an arm has the loss with others."""
    if not _alike(results, row):
        return row.loss
    return f"{row.loss} ({number_format.parameters(dict(row.parameters))})"


def arm_name(row: Printed, loss: str) -> str:
    """Returns the name that an arm of a printed row would have."""
    return "+".join((row.model, loss, *(["inverse"] if row.weighting == "inverse" else [])))


def _alike(results: Results, row: Printed) -> list[ArmResult]:
    wanted = (row.model, row.loss, row.weighting)
    return [arm for arm in results.arms if (arm.row.model, loss_of(arm.row), arm.row.weighting) == wanted]


def last_iterations(found: Sequence[Printed]) -> dict[tuple[str, str], int | None]:
    """Returns the last iteration of each paper's data set; None where the paper names none."""
    last: dict[tuple[str, str], int | None] = {}
    for row in found:
        before = last.get((row.study, row.dataset))
        last[row.study, row.dataset] = max(filter(None, (before, row.iteration)), default=None)
    return last


def _mark(row: Printed, layout: Layout, end: int, last: int | None) -> int | None:
    """Returns the mark of a printed number; None if the layout does not show it."""
    if not layout.by_mark:
        return layout.iteration[0] if row.iteration in (None, last) and layout.iteration[0] == end else None
    mark = row.iteration or end
    return mark if layout.all_marks or mark in layout.iteration else None
