"""Tables requested in the study file: rows and columns of any axes, papers' numbers beside the study's."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

from reports.published import Printed
from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.number_format import NONE
from reports.results.parameters import configurations
from reports.results.results import Results
from reports.tables.lesion_tables import weighting_tables
from reports.tables.protocol_differences import badges
from reports.tables.requested_layouts import ARM_AXES, Axis, Layout, Value, layouts
from reports.tables.requested_points import Point, ours, printed
from reports.tables.result_tables import counts, how_means_are_taken, notes_on_marks, row_state, unranked_notes
from reports.tables.table import Entry, Row, State, Table

Key = tuple[Value, ...]
Orders = Mapping[Axis, Sequence[Value]]
Lines = dict[tuple[Key, str, int], dict[Key, Point]]
"""(row, paper's data set or an empty string, variant) → column → number."""

WEIGHTINGS = {"none": "plain", "inverse": "inverse-weighted"}


def requested_tables(results: Results) -> tuple[Table, ...]:
    """Returns the requested tables, in the file's order."""
    return tuple(
        table
        for number, layout in enumerate(layouts(results), 1)
        for table in _of_layout(results, layout, f"table-{number}")
    )


def _of_layout(results: Results, layout: Layout, key: str) -> list[Table]:
    mine, theirs = list(ours(results, layout)), list(printed(results, layout))
    orders = _orders(mine, theirs)
    combinations = list(itertools.product(*(orders[axis] for axis in layout.each)))
    tables = []
    for number, values in enumerate(combinations, 1):
        chosen = dict(zip(layout.each, values, strict=True))
        here = [point for point in mine if _is(point, chosen)]
        if here:
            beside = [point for point in theirs if _is(point, chosen)]
            name = f"{key}-{number}" if len(combinations) > 1 else key
            tables.append(_Sheet(results, layout, chosen, here, beside, orders).table(name))
    return [*tables, *weighting_tables(results, key)] if layout.name == "weighting" else tables


def _is(point: Point, chosen: Mapping[Axis, Value]) -> bool:
    return all(point.at[axis] == value for axis, value in chosen.items())


def _orders(mine: Iterable[Point], theirs: Iterable[Point]) -> Orders:
    """Returns the values of each axis: the study's in its order, then those of papers alone; iterations sorted."""
    found: dict[Axis, dict[Value, None]] = {}
    for point in (*mine, *theirs):
        for axis, value in point.at.items():
            found.setdefault(axis, {})[value] = None
    orders = {axis: list(values) for axis, values in found.items()}
    orders["iteration"] = sorted(orders["iteration"])
    return orders


class _Sheet:
    """Builder of one table.

    Args:
        results: The study's.
        layout: Axes of rows and columns.
        chosen: Value of each axis that the table is fixed at.
        mine: The study's numbers.
        theirs: The papers' numbers.
        orders: Values of each axis in their order.
    """

    def __init__(
        self,
        results: Results,
        layout: Layout,
        chosen: Mapping[Axis, Value],
        mine: Sequence[Point],
        theirs: Sequence[Point],
        orders: Orders,
    ) -> None:
        self.results, self.layout, self.chosen, self.orders = results, layout, chosen, orders
        self.mine, self.theirs = mine, theirs
        self.rows = _telling(layout.rows, (*mine, *theirs))
        columns = {self._key(point, layout.columns) for point in mine}
        if "iteration" in layout.columns:
            columns |= {self._key(point, layout.columns) for point in theirs}
        self.columns = sorted(columns, key=lambda key: self._rank(layout.columns, key))
        self.datasets = sorted({row.dataset for point in theirs if (row := point.printed)})

    def table(self, key: str) -> Table:
        """Returns the table."""
        headings, groups = self._headings()
        words = len(self.rows) + (self.layout.name == "arms")
        names = [*(axis.capitalize() for axis in self.rows), *(["Parameters"] if words > len(self.rows) else [])]
        extra = self._extra_headings()
        return Table(
            key=key,
            title=self._title(),
            columns=(*names, *headings, *extra),
            rows=tuple(self._row(line, points) for line, points in self._lines()),
            notes=tuple(self._notes()),
            words=frozenset(range(words)),
            groups=(("", words), *groups, *([("", len(extra))] if extra else [])) if groups else (),
        )

    def _lines(self) -> list[tuple[tuple[Key, str, int], dict[Key, Point]]]:
        lines: Lines = {}
        for point in (*self.mine, *self.theirs):
            source = "" if point.printed is None else f"{point.printed.study}/{point.printed.dataset}"
            line = (self._key(point, self.rows), source, point.variant)
            lines.setdefault(line, {})[self._key(point, self.layout.columns)] = point
        return sorted(lines.items(), key=lambda item: (self._rank(self.rows, item[0][0]), item[0][1], item[0][2]))

    def _row(self, line: tuple[Key, str, int], points: Mapping[Key, Point]) -> Row:
        cells = [points[column].entry if column in points else Entry("") for column in self.columns]
        if not line[1]:
            cells = [Entry(NONE) if cell.text == "" else cell for cell in cells]
        some = list(points.values())
        entries = [*self._labels(line[0], some), *cells, *self._extra(some)]
        return Row(tuple(entries), self._state(some), self._badges(some))

    def _labels(self, key: Key, points: Sequence[Point]) -> list[Entry]:
        row = points[0].printed
        if row is None:
            names = [Entry(self._text(axis, value)) for axis, value in zip(self.rows, key, strict=True)]
        else:
            loss = row.printed_loss + self._setting_apart(row)
            said = {"model": row.printed_model, "loss": loss, "arm": f"{row.printed_model}, {loss}"}
            names = [Entry(said.get(axis, self._text(axis, value))) for axis, value in zip(self.rows, key, strict=True)]
            if len(self.datasets) > 1:
                names[0] = Entry(names[0].text, row.dataset)
        return [*names, Entry(self._parameters(points[0]))] if self.layout.name == "arms" else names

    def _setting_apart(self, row: Printed) -> str:
        """Returns `, exponent 5` if the paper has the loss with several parameters and no column shows them."""
        if self.layout.name == "arms":
            return ""
        where = (row.study, row.dataset, row.model, row.loss, row.weighting)
        others = [point.printed for point in self.theirs if point.printed is not None]
        settings = [
            dict(other.parameters)
            for other in others
            if (other.study, other.dataset, other.model, other.loss, other.weighting) == where
        ]
        apart = {
            name: value for name, value in row.parameters if any(setting.get(name) != value for setting in settings)
        }
        return f", {number_format.parameters(apart)}" if apart else ""

    def _parameters(self, point: Point) -> str:
        if point.printed is not None:
            return number_format.parameters(dict(point.printed.parameters))
        if point.arm is None:
            return ""
        also = {
            name
            for other in self.theirs
            if other.arm is point.arm and other.printed
            for name, _ in other.printed.parameters
        }
        return "; ".join(configurations(point.arm, also))

    def _state(self, points: Sequence[Point]) -> State:
        if points[0].printed is not None:
            return "printed"
        states = {row_state(self.results, point.arm) for point in points if point.arm is not None}
        return states.pop() if len(states) == 1 else ""

    def _badges(self, points: Sequence[Point]) -> tuple[str, ...]:
        found = (badges(self.results, point.printed, point.arm) for point in points if point.printed is not None)
        return tuple(dict.fromkeys(itertools.chain.from_iterable(found)))

    def _extra_headings(self) -> list[str]:
        if self.layout.name != "arms":
            return []
        how = self.results.protocol
        return ["n of N", "missed", "false pos.", "seeds" if how.searches * how.folds == 1 else "trainings"]

    def _extra(self, points: Sequence[Point]) -> list[Entry]:
        headings, first = self._extra_headings(), points[0]
        if not headings or first.printed is not None or first.arm is None:
            return [Entry("")] * len(headings)
        return counts(self.results, first.arm, str(first.at["region"]))

    def _headings(self) -> tuple[list[str], list[tuple[str, int]]]:
        axes = self.layout.columns
        if len(axes) == 1:
            return [self._text(axes[0], key[0]) for key in self.columns], []
        groups = [
            (self._text(axes[0], value), len(list(keys)))
            for value, keys in itertools.groupby(self.columns, key=lambda key: key[0])
        ]
        rest = [
            ", ".join(self._text(axis, value) for axis, value in zip(axes[1:], key[1:], strict=True))
            for key in self.columns
        ]
        return rest, groups

    def _title(self) -> str:
        layout, used = self.layout, {*self.rows, *self.layout.columns}
        metric = "" if "metric" in used else self._text("metric", self._only("metric"))
        down, across = " and ".join(self.rows), " and ".join(layout.columns)
        axes = f"by {across}" if layout.name else f"by {down} × {across}"
        parts = [f"{metric} {axes}, test cases" if metric else f"By {down}, test cases"]
        if "region" not in used:
            parts[0] += f": {self._text('region', self._only('region'))}"
        if "iteration" not in used:
            parts.append(f"at {number_format.iteration(int(self._only('iteration')))} iterations")
        parts += [
            self._text(axis, value)
            for axis, value in self.chosen.items()
            if axis not in ("region", "metric", "iteration")
        ]
        single = [axis for axis in layout.rows if axis not in self.rows and axis != "weighting"]
        parts += [self._text(axis, self.mine[0].at[axis]) for axis in single]
        return ", ".join(parts)

    def _only(self, axis: Axis) -> Value:
        return self.mine[0].at[axis]

    def _notes(self) -> list[str]:
        notes = [
            f"{how_means_are_taken(self.results)}; bold: the best of all arms in that region, metric and iteration."
        ]
        if any(point.entry.like_best for point in self.mine):
            notes += notes_on_marks(self.results)
        ours = {(str(point.at["region"]), str(point.at["metric"]), int(point.at["iteration"])) for point in self.mine}
        notes += unranked_notes(self.results, sorted(ours))
        if self.layout.name != "arms":
            notes.append(self._evaluated())
        if self.layout.by_mark:
            notes.append("One training, looked at on its way: the learning-rate schedule spans all of it.")
        if self.theirs:
            notes.append(
                "printed: the paper's own number with its digits, never tested against ours. Its words say in "
                "what its protocol differs, and of how many facts the paper is silent; tables below name them."
            )
        if any(point.printed and point.printed.spread for point in self.theirs):
            notes.append("±: the paper's own standard deviation, not an interval of the mean.")
        return notes

    def _evaluated(self) -> str:
        """Returns the note on cases evaluated, which may differ between regions and arms."""
        total = len(self.results.scores.cases)
        found: dict[str, set[int]] = {}
        for point in self.mine:
            assert point.arm is not None
            column = (str(point.at["region"]), str(point.at["metric"]), int(point.at["iteration"]))
            cell = point.arm.cells.get(column)
            if cell is not None and cell.estimate is not None:
                found.setdefault(self._text("region", column[0]), set()).add(cell.cases)
        parts = [
            f"{region} {min(cases)}{f' to {max(cases)}' if len(cases) > 1 else ''}" for region, cases in found.items()
        ]
        return f"Cases evaluated of {total}: {', '.join(parts) or 'none'}."

    def _text(self, axis: Axis, value: Value) -> str:
        if axis == "region":
            return region_name(self.results, str(value))
        if axis == "metric":
            return METRICS[str(value)].heading(pixels=self.results.pixels)
        if axis == "weighting":
            return WEIGHTINGS.get(str(value), str(value))
        if axis == "iteration":
            how = self.results.protocol
            origin = f"of {number_format.iteration(how.last)}" if int(value) in how.marks else "(printed)"
            return f"{number_format.iteration(int(value))} {origin}"
        return str(value)

    def _key(self, point: Point, axes: Sequence[Axis]) -> Key:
        return tuple(point.at[axis] for axis in axes)

    def _rank(self, axes: Sequence[Axis], key: Key) -> tuple[int, ...]:
        return tuple(self.orders[axis].index(value) for axis, value in zip(axes, key, strict=True))


def _telling(axes: tuple[Axis, ...], points: Sequence[Point]) -> tuple[Axis, ...]:
    """Drops network, loss or weighting if all rows share it; keeps at least one axis."""
    telling = [axis for axis in axes if axis not in ARM_AXES or len({point.at[axis] for point in points}) > 1]
    return tuple(telling) or (("loss",) if "loss" in axes else axes[:1])
