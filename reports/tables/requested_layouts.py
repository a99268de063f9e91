"""Layouts of the tables requested in the study file (`report.tables`): a paper's layout, or free axes."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from reports.results.results import Results

Axis = Literal["arm", "model", "loss", "weighting", "region", "metric", "iteration"]
Value = str | int
"""A position on an axis: a name, or an iteration."""

ARM_AXES: tuple[Axis, ...] = ("model", "loss", "weighting")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Layout:
    """The layout of one table, or of one per value of some axes.

    Attributes:
        name: The paper's layout; empty for free axes.
        rows: Axes of the rows.
        columns: Axes of the columns.
        each: Axes with one table per value.
        metric: Metrics shown.
        region: Regions shown.
        iteration: Marks shown.
        all_marks: Whether no marks were selected: then a paper's own iterations are shown too.
    """

    name: str
    rows: tuple[Axis, ...]
    columns: tuple[Axis, ...]
    each: tuple[Axis, ...]
    metric: tuple[str, ...]
    region: tuple[str, ...]
    iteration: tuple[int, ...]
    all_marks: bool

    @property
    def by_mark(self) -> bool:
        """Whether iterations are an axis."""
        return "iteration" in (*self.rows, *self.columns, *self.each)


PRESETS: Mapping[str, tuple[tuple[Axis, ...], tuple[Axis, ...], tuple[Axis, ...]]] = {
    "arms": (ARM_AXES, ("metric",), ()),
    "iterations": (ARM_AXES, ("iteration",), ("region",)),
    "regions": (ARM_AXES, ("region",), ()),
    "weighting": (("model", "loss"), ("metric", "weighting"), ()),
}
"""Layout → rows, columns, each: chest-ct's, matthews', kits19's and inverse-weighting's tables."""


def layouts(results: Results) -> tuple[Layout, ...]:
    """Returns the requested layouts, in the file's order."""
    requested = results.records.study.file["report"].get("tables", ())  # a ledger may be older than the key
    return tuple(_layout(results, plain) for plain in requested)


def _layout(results: Results, plain: Mapping[str, Any]) -> Layout:
    how, name = results.protocol, plain["layout"] or ""
    axes = PRESETS[name] if name else tuple(tuple(plain[key]) for key in ("rows", "columns", "each"))
    rows, columns, each = axes
    used = {*rows, *columns, *each}
    metric = tuple(plain["metric"]) or (how.metrics if "metric" in used else (how.metric,))
    region = tuple(_same(results, plain["region"])) or (how.shown_regions if "region" in used else (how.region,))
    iteration = tuple(plain["iteration"]) or (how.marks if "iteration" in used else (how.last,))
    several: dict[Axis, Sequence[Value]] = {"region": region, "metric": metric, "iteration": iteration}
    if "arm" not in used:
        several |= {axis: sorted({str(getattr(arm.row, axis)) for arm in results.arms}) for axis in ARM_AXES}
    left = tuple(axis for axis, values in several.items() if len(values) > 1 and axis not in used)
    return Layout(
        name=name,
        rows=rows,
        columns=columns,
        each=(*each, *left),
        metric=metric,
        region=region,
        iteration=iteration,
        all_marks=not plain["iteration"],
    )


def _same(results: Results, regions: Sequence[str]) -> Iterator[str]:
    """Replaces the mean over one region by that region."""
    how = results.protocol
    return (how.region if region == "mean" else region for region in regions)
