"""Figures of the searches: validation values along one parameter, and over two parameters."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.results import Results
from reports.results.search_responses import Response
from reports.statistics.parameter_importance import is_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS, COLUMNS = 5, 3
"""Panels of one figure; further panels go to the next."""
LEAST_FOR_LINES = 8
"""Least number of trials for contour lines."""


def pages(panels: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yields the panels of one figure at a time."""
    size = ROWS * COLUMNS
    return (panels[start : start + size] for start in range(0, len(panels), size))


def label(results: Results, response: Response) -> str:
    """`Dice on validation cases at 5k. Diamond: chosen; square: default`."""
    metric, at = METRICS[results.protocol.metric].heading(pixels=results.pixels), number_format.iteration(response.mark)
    return f"{metric} on validation cases at {at}. Diamond: chosen; square: default"


def along(axes: "Axes", response: Response, name: str) -> None:
    """Draws the value of each trial along one parameter; chosen configurations as diamonds, the default as a square."""
    column = response.columns[name]
    if is_number(column):
        places = np.array(column, dtype=np.float64)
        if name in response.log:
            _logarithmic(axes, "x", places)
    else:
        words = sorted(set(map(number_format.scalar, column)))
        places = np.array([words.index(number_format.scalar(value)) for value in column], dtype=np.float64)
        axes.set_xticks(range(len(words)), words)
        axes.set_xlim(-0.5, len(words) - 0.5)
    _marked(axes, response, places, response.values, {"color": "#707070", "markersize": 3.5})
    axes.set_title(response.arm.row.name, fontsize=8)
    axes.set_xlabel(name)


def over(axes: "Axes", response: Response, across: str, up: str) -> Any:
    """Draws the value of each trial over two parameters, with contour lines between the trials."""
    x, y = (np.array(response.columns[name], dtype=np.float64) for name in (across, up))
    for name, axis, part in ((across, "x", x), (up, "y", y)):
        if name in response.log:
            _logarithmic(axes, axis, part)
    flat = [np.log(part) if name in response.log else part for name, part in ((across, x), (up, y))]
    if len(response.values) >= LEAST_FOR_LINES and np.ptp(response.values) > 0 and _spreads(*flat):
        from matplotlib.tri import Triangulation

        between = Triangulation(x, y, Triangulation(*flat).triangles)  # neighbours on the drawn, logarithmic scale
        axes.tricontour(between, response.values, levels=5, colors="#a0a0a0", linewidths=0.6)
    axes.use_sticky_edges = False
    axes.margins(0.08)
    drawn = axes.scatter(x, y, c=response.values, cmap="Greys", s=22, edgecolors="#000000", linewidths=0.5, zorder=3)
    _marked(axes, response, x, y, {"linestyle": "none", "alpha": 0.0})
    axes.set_title(response.arm.row.name, fontsize=8)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return drawn


def log_ticks(low: float, high: float, most: int = 3) -> list[float]:
    """Returns at most `most` ticks of 1, 2 and 5 times powers of ten; powers of ten alone over long ranges."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in ((1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{step}e{power}") for power in powers for step in steps]
        inside = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(inside) <= most:
            break
    return inside[:: math.ceil(len(inside) / most)] if inside else [low, high]


def _logarithmic(axes: "Axes", axis: str, values: Any) -> None:
    """Makes an axis logarithmic, with few labels."""
    ticks = log_ticks(float(values.min()), float(values.max()))
    words = [f"{tick:g}" if 0.01 <= tick < 1000 else f"{tick:.0e}".replace("e-0", "e-") for tick in ticks]
    (axes.set_xscale if axis == "x" else axes.set_yscale)("log")
    (axes.set_xticks if axis == "x" else axes.set_yticks)(ticks, words)
    (axes.xaxis if axis == "x" else axes.yaxis).set_tick_params(
        which="minor", length=0, labelleft=False, labelbottom=False
    )


def _marked(axes: "Axes", response: Response, x: Any, y: Any, usual: dict[str, Any]) -> None:
    chosen = {winner.key for winner in response.arm.progress.winners}
    won = np.array([key in chosen for key in response.trials])
    first = np.array([key.number == 0 for key in response.trials])
    axes.plot(x[~won], y[~won], **{"linestyle": "none", "marker": "o", **usual})
    for there, marker, size in ((first, "s", 7), (won, "D", 8)):
        axes.plot(
            x[there], y[there], linestyle="none", marker=marker, markersize=size, color="#000000",
            markerfacecolor="none", markeredgewidth=1.0, zorder=4,
        )  # fmt: skip


def _spreads(x: Any, y: Any) -> bool:
    """Returns whether the points span a plane, so that they can be triangulated."""
    centred = np.stack([x - x.mean(), y - y.mean()])
    scale = np.abs(centred).max(axis=1, keepdims=True)
    if (scale == 0).any():
        return False
    return bool(np.linalg.svd(centred / scale, compute_uv=False)[-1] > 1e-6)
