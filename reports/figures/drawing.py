"""SVG panels for the HTML page, one per arm, in the page's own colours (light, dark, print).

Lines differ in weight and dash beside their colour, so that they can be told apart in grey.
"""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reports.figures.page_svg import for_page
from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.progress import Winner
from reports.results.results import ArmResult, Results
from study.ledger.rows import Curve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

INK, MUTED, GRID, ACCENT = "#010203", "#010204", "#010205", "#010206"
"""Placeholders that are replaced by the page's CSS variables."""
ARM_COLOURS = ("#000000", "#0072b2", "#d55e00", "#007a5a", "#b8478a", "#2b8cbe", "#9a6b00", "#6a3d9a")
"""Of arms on shared axes; on white each has a contrast of at least 3. Dashes and markers tell arms apart in grey."""
COLOURS = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--line)",
    ACCENT: "var(--accent)",
    "#000000": "var(--ink)",  # the greys of printed figures
    "#404040": "var(--ink)",
    "#505050": "var(--muted)",
    "#707070": "var(--muted)",
    "#a0a0a0": "var(--faint)",
    "#e6e6e6": "var(--line)",
    "#ffffff": "var(--paper)",
    **{colour: f"var(--arm-{number})" for number, colour in enumerate(ARM_COLOURS[1:], 1)},
}
"""Colour of a drawing → the page's."""

STYLE: Any = {
    "svg.fonttype": "none",  # text stays text, for screen readers and the page's font
    "svg.hashsalt": "segstudy",  # ids depend on the content alone
    "font.size": 8,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.solid_capstyle": "round",
    "path.simplify": True,
}
SIZE = (3.0, 1.9)
"""Width and height of a panel in inches; the page scales it."""
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1)))


def loss_panels(results: Results, curves: Sequence[Curve]) -> tuple[str, ...]:
    """Returns the training loss of each arm's final trainings as SVG; an empty string for an arm without curves."""
    return tuple(_loss_panel(arm, [c for c in curves if c.trial.arm == arm.row.number]) for arm in results.arms)


def _loss_panel(arm: ArmResult, curves: Sequence[Curve]) -> str:
    if not curves:
        return ""

    def draw(axes: "Axes") -> None:
        for index, dash in enumerate(DASHES):
            if same := curves[index :: len(DASHES)]:
                axes.plot(*broken(same), color=ACCENT, linestyle=dash, linewidth=1)
        axes.set_ylabel("training loss")
        axes.set_xlim(0)

    return _panel(
        draw,
        f"Training loss of {arm.row.name} by iteration, {number_format.count(len(curves), 'training')}",
        f"l{arm.row.number}",
    )


def broken(curves: Sequence[Curve]) -> tuple[list[float], list[float]]:
    """Joins curves into one line with gaps: drawing a thousand lines takes a minute."""
    across: list[float] = []
    up: list[float] = []
    for curve in curves:
        across += [*curve.iterations.tolist(), math.nan]
        up += [*curve.values.tolist(), math.nan]
    return across[:-1], up[:-1]


def search_panels(results: Results) -> tuple[str, ...]:
    """Returns the validation objective of each arm's search trials by mark as SVG; all panels share the axis."""
    values = [
        v for arm in results.arms for trial in arm.progress.values.values() for v in trial.values() if v is not None
    ]
    if not values:
        return ("",) * len(results.arms)
    limits = _padded(min(values), max(values))
    return tuple(_search_panel(results, arm, limits) for arm in results.arms)


def _search_panel(results: Results, arm: ArmResult, limits: tuple[float, float]) -> str:
    if not any(arm.progress.values.values()):
        return ""
    won = {winner.key for winner in arm.progress.winners}

    def draw(axes: "Axes") -> None:
        others = [by_mark for key, by_mark in arm.progress.values.items() if key not in won]
        axes.plot(*_one_line(others, dash=results.protocol.last * 0.012), color=MUTED, linewidth=0.8)
        for winner in arm.progress.winners:
            _draw_winner(axes, winner)
        axes.set_ylabel(f"{METRICS[results.protocol.metric].label}, validation")
        axes.set_ylim(*limits)
        axes.set_xticks(results.protocol.marks, [number_format.iteration(mark) for mark in results.protocol.marks])
        axes.set_xlim(0, results.protocol.last * 1.04)

    count = number_format.count(sum(map(bool, arm.progress.values.values())), "search trial")
    label = f"Validation objective of {arm.row.name} by iteration, {count}, the chosen one emphasised"
    return _panel(draw, label, f"s{arm.row.number}")


def _one_line(trials: Sequence[Mapping[int, float | None]], dash: float) -> tuple[list[float], list[float]]:
    """Joins all trials into one line with gaps; a trial with a single mark becomes a short dash."""
    across: list[float] = []
    up: list[float] = []
    for by_mark in trials:
        points = [(float(mark), value) for mark, value in sorted(by_mark.items()) if value is not None]
        if len(points) == 1:
            ((mark, value),) = points
            points = [(mark - dash, value), (mark + dash, value)]
        across += [*(mark for mark, _ in points), math.nan]
        up += [*(value for _, value in points), math.nan]
    return across, up


def _draw_winner(axes: "Axes", winner: Winner) -> None:
    points = [(mark, value) for mark, value in sorted(winner.values.items()) if value is not None]
    if points:
        axes.plot(*zip(*points, strict=True), color=ACCENT, linewidth=1.8, marker="D", markersize=4)


def mark_panels(results: Results) -> tuple[str, ...]:
    """Returns the test objective of each arm by mark with its interval as SVG; empty strings with a single mark.

    The scale is that of the arms without failed trainings, so that a collapsed arm does not flatten the others; its
    own panel extends to its values.
    """
    series = [_by_mark(results, arm) for arm in results.arms]
    sound = [
        s
        for s, arm in zip(series, results.arms, strict=True)
        if not (arm.trainings.diverged or arm.trainings.collapsed)
    ]
    usual = [value for points in sound for _, *values in points for value in values]
    if len(results.protocol.marks) == 1 or not any(series):
        return ("",) * len(results.arms)
    return tuple(_mark_panel(results, place, series, usual) for place in range(len(results.arms)))


Points = Sequence[tuple[int, float, float, float]]
"""(mark, mean, low, high)."""


def _mark_panel(results: Results, place: int, series: Sequence[Points], usual: Sequence[float]) -> str:
    how, arm, points = results.protocol, results.arms[place], series[place]
    if not points:
        return ""
    marks, means, low, high = (list(column) for column in zip(*points, strict=True))
    limits = _padded(min([*usual, *means]), max([*usual, *means]))

    def draw(axes: "Axes") -> None:
        for number, others in enumerate(series):
            if number != place and others:
                axes.plot(
                    [point[0] for point in others], [point[1] for point in others], color=MUTED, linewidth=1, alpha=0.45
                )
        reach = [[m - a for m, a in zip(means, low, strict=True)], [b - m for m, b in zip(means, high, strict=True)]]
        axes.errorbar(marks, means, reach, color=ACCENT, linewidth=1.6, marker="o", markersize=3.5, elinewidth=1)
        axes.set_ylabel(f"{METRICS[how.metric].label}, test")
        axes.set_ylim(*limits)
        axes.set_xticks(how.marks, [number_format.iteration(mark) for mark in how.marks])
        axes.set_xlim(0, how.last * 1.06)

    label = f"{METRICS[how.metric].label} of {arm.row.name} on test cases by iteration, with its interval"
    return _panel(draw, label, f"m{arm.row.number}")


def _by_mark(results: Results, arm: ArmResult) -> list[tuple[int, float, float, float]]:
    how = results.protocol
    cells = [(mark, arm.cells[how.region, how.metric, mark].estimate) for mark in how.marks]
    return [
        (
            mark,
            found.mean,
            found.mean if found.low is None else found.low,
            found.mean if found.high is None else found.high,
        )
        for mark, found in cells
        if found is not None
    ]


def _padded(low: float, high: float) -> tuple[float, float]:
    pad = (high - low or abs(high) or 1.0) * 0.06
    return low - pad, high + pad


def _panel(draw: Callable[["Axes"], None], label: str, key: str) -> str:
    def with_iterations(axes: "Axes") -> None:
        draw(axes)
        axes.set_xlabel("iteration")

    return drawing(with_iterations, label, key, SIZE)


def drawing(draw: Callable[["Axes"], None], label: str, key: str, size: tuple[float, float]) -> str:
    """Returns a drawing as SVG in the page's colours.

    Args:
        draw: Draws on the given axes in `INK`, `MUTED`, `GRID` and `ACCENT`.
        label: Text for screen readers.
        key: Prefix of all ids, unique on the page.
        size: Width and height in inches.
    """
    with _style():
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return for_page(out.getvalue(), label, key, COLOURS)


@contextmanager
def _style() -> "Iterator[None]":
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a user's own settings must not change a report
        matplotlib.rcParams.update(STYLE)
        yield
