"""The tables that a report shows before its own: a paper's layout by name, or rows and columns."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from search_spaces.published import PUBLISHED
from study.study_file.errors import Problem, unknown
from study.study_file.sections_base import Count, Section, listed

Axis = Literal["arm", "model", "loss", "weighting", "region", "metric", "iteration"]
LayoutName = Literal["arms", "iterations", "regions", "weighting"]
Values = Mapping[str, Any]


def _several(value: object) -> object:
    """Return a tuple; a single value stands for a list of one."""
    return (value,) if isinstance(value, str | int) and not isinstance(value, bool) else listed(value)


def fraction(value: object) -> object:
    """Return a float; 1 stands for 1.0."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _table(value: object) -> object:
    """Return a table; a name stands for `{layout: name}`."""
    return {"layout": value} if isinstance(value, str) else value


Axes = Annotated[tuple[Axis, ...], BeforeValidator(_several)]
Words = Annotated[tuple[str, ...], BeforeValidator(_several)]


class TableLayout(Section):
    """One table: a layout by name, or its axes; the rest of the keys narrow what it shows.

    Attributes:
        layout: `arms`: each with its parameters; `iterations`: by mark, a table a region; `regions`; `weighting`: each
            loss plain and inverse-weighted.
        rows: Meaning of a row.
        columns: Meaning of a column.
        each: Factor with a table for each of its values.
        metric: Those shown; none: the objective's, or all where they are an axis.
        region: The same for regions.
        iteration: The same for marks; none: the last.
    """

    layout: LayoutName | None = None
    rows: Axes = ()
    columns: Axes = ()
    each: Axes = ()
    metric: Words = ()
    region: Words = ()
    iteration: Annotated[tuple[Count, ...], BeforeValidator(_several)] = ()

    def problems(self) -> Iterator[Problem]:
        """Yield a layout beside axes, neither of them, or an axis twice."""
        axes = (*self.rows, *self.columns, *self.each)
        if self.layout is not None and axes:
            yield Problem(("layout",), f"`{self.layout}` brings its own rows and columns: leave them or it out.")
        elif self.layout is None and not (self.rows and self.columns):
            missing = "columns" if self.rows else "rows"
            yield Problem((missing,), "missing: give rows and columns, or a layout.")
        twice = [axis for axis, times in Counter(axes).items() if times > 1]
        parts = [axis for axis in axes if axis in ("model", "loss", "weighting")]
        if twice:
            yield Problem((), f"names the axis '{twice[0]}' twice: each is rows, columns or each.")
        elif "arm" in axes and parts:
            yield Problem((), f"an arm is model and loss: leave out '{parts[0]}' or 'arm'.")


Tables = Annotated[tuple[Annotated[TableLayout, BeforeValidator(_table)], ...], BeforeValidator(listed)]
Published = Annotated[tuple[str, ...], BeforeValidator(_several), Field(max_length=20)]


def published_problems(names: tuple[str, ...]) -> Iterator[Problem]:
    """Yield names that have no printed numbers, or stand twice."""
    known = [*PUBLISHED, *(f"{study}/{part}" for study, parts in PUBLISHED.items() for part in parts)]
    for index, name in enumerate(names):
        if name not in known:
            yield Problem(("published", index), unknown("study with printed numbers", name, known))
    if len(set(names)) < len(names):
        yield Problem(("published",), f"names one twice: {list(names)}.")


def table_problems(tables: tuple[TableLayout, ...]) -> Iterator[Problem]:
    """Yield the problems inside each table."""
    for index, table in enumerate(tables):
        for problem in table.problems():
            yield Problem(("tables", index, *problem.path), problem.text)


def shown_problems(values: Values) -> Iterator[Problem]:
    """Yield tables of metrics, regions or marks that the study does not have.

    Args:
        values: Sections by name: `report`, `objective`, `dataset`, `budget` and `length` are looked at.
    """
    report, objective, halving = values["report"], values["objective"], values["budget"].halving
    regions = values["dataset"].scored
    marks = (values["length"].iterations,) if halving is None else halving.marks
    for index, table in enumerate(report.tables):
        for place, name in enumerate(table.metric):
            if name not in (*report.metrics, objective.metric):
                text = f"{name!r} is not computed: add it to report.metrics, or show {', '.join(report.metrics)}."
                yield Problem(("report", "tables", index, "metric", place), text)
        for place, name in enumerate(table.region):
            if name not in (*regions, *report.means) and not (name == "mean" == objective.region):
                yield Problem(("report", "tables", index, "region", place), unknown("region", name, regions))
        for place, mark in enumerate(table.iteration):
            if mark not in marks:
                text = f"expected a mark ({', '.join(map(str, marks))}), found {mark}."
                yield Problem(("report", "tables", index, "iteration", place), text)


class LesionCounting(Section):
    """Counting of lesions: their records are kept for every case, and the report has a table of them.

    Attributes:
        protocol: How that table works out average recall: `corrected`, or `iw2020` as the paper's code did.
        strata: Diameters in voxels that part small lesions from large ones; each stratum gets a row of its own. The
            papers: 8 for LUNA16, 12 for LiTS, 5 for metastases.
    """

    protocol: Literal["corrected", "iw2020"] = "corrected"
    strata: Annotated[tuple[Annotated[float, Field(gt=0)], ...], BeforeValidator(listed)] = ()

    def problems(self) -> Iterator[Problem]:
        """Yield diameters that are not increasing."""
        if any(left >= right for left, right in zip(self.strata, self.strata[1:], strict=False)):
            yield Problem(("strata",), f"expected rising diameters, found {list(self.strata)}.")
