"""Figures of the searches: an arm's values along each parameter, and over two parameters together."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports import numbers
from reports.metrics import METRICS
from reports.responses import Response, is_number
from reports.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS, COLUMNS = 5, 3
"""Panels of a figure: more go to the next one."""
LEAST_FOR_LINES = 8
"""Trials from which lines of equal value are drawn between them."""


def pages(panels: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """As many panels as a figure takes, at a time."""
    size = ROWS * COLUMNS
    return (panels[start : start + size] for start in range(0, len(panels), size))


def label(results: Results, response: Response) -> str:
    """`Dice, validation, at 5k`."""
    return f"{METRICS[results.protocol.metric].label}, validation, at {numbers.iteration(response.mark)}"


def along(axes: "Axes", response: Response, name: str) -> None:
    """Value of each trial along one parameter; the chosen configurations as diamonds, the default as a square."""
    column = response.columns[name]
    if is_number(column):
        places = np.array(column, dtype=np.float64)
        if name in response.log:
            axes.set_xscale("log")
    else:
        words = sorted(set(map(numbers.scalar, column)))
        places = np.array([words.index(numbers.scalar(value)) for value in column], dtype=np.float64)
        axes.set_xticks(range(len(words)), words)
        axes.set_xlim(-0.5, len(words) - 0.5)
    _marked(axes, response, places, response.values, {"color": "#707070", "markersize": 3.5})
    axes.set_title(response.arm.row.name, fontsize=8)
    axes.set_xlabel(name)


def over(axes: "Axes", response: Response, across: str, up: str) -> Any:
    """Value of each trial over two parameters, the darker the better; lines of equal value between the trials."""
    x, y = (np.array(response.columns[name], dtype=np.float64) for name in (across, up))
    for name, scale in ((across, axes.set_xscale), (up, axes.set_yscale)):
        if name in response.log:
            scale("log")
    flat = [np.log(part) if name in response.log else part for name, part in ((across, x), (up, y))]
    if len(response.values) >= LEAST_FOR_LINES and np.ptp(response.values) > 0 and _spreads(*flat):
        axes.tricontour(x, y, response.values, levels=5, colors="#a0a0a0", linewidths=0.6)
    order = response.values
    drawn = axes.scatter(x, y, c=order, cmap="Greys", s=22, edgecolors="#000000", linewidths=0.5, zorder=3)
    _marked(axes, response, x, y, {"linestyle": "none", "alpha": 0.0})
    axes.set_title(response.arm.row.name, fontsize=8)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return drawn


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
    """Whether the points are not on one line, so that triangles between them exist."""
    centred = np.stack([x - x.mean(), y - y.mean()])
    scale = np.abs(centred).max(axis=1, keepdims=True)
    if (scale == 0).any():
        return False
    return bool(np.linalg.svd(centred / scale, compute_uv=False)[-1] > 1e-6)
