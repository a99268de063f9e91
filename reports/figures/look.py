"""How every figure looks: arms differ by dash, marker and grey, never by colour alone; one way to lay axes out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.figures.drawing import DASHES
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREYS = ("#000000", "#707070", "#a0a0a0")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GOLDEN = 0.6180339887498949  # its multiples spread points evenly, whatever their number


def look(index: int) -> dict[str, Any]:
    """How the arm of that number is drawn wherever arms share axes: 84 arms differ."""
    return {
        "color": GREYS[index % len(GREYS)],
        "linestyle": DASHES[index % len(DASHES)],
        "marker": MARKERS[index % len(MARKERS)],
    }


def objective(results: Results) -> str:
    """What the axis of scores says: `Dice ↑, mean over 2 regions`."""
    how = results.protocol
    return f"{METRICS[how.metric].heading(pixels=results.pixels)}, {region_name(results, how.region)}"


def within(axes: "Axes", results: Results, axis: str) -> None:
    """Shares end at 0 and 1: the interval of an arm with a failed seed must not flatten the others."""
    if METRICS[results.protocol.metric].kind != "share":
        return
    low, high = axes.get_ylim() if axis == "y" else axes.get_xlim()
    (axes.set_ylim if axis == "y" else axes.set_xlim)(max(low, -0.02), min(high, 1.02))


def scored(values: Any) -> Any:
    """Without the missing ones."""
    return values[~np.isnan(values)]


def strip(axes: "Axes", values: Any, place: int) -> None:
    """Each value a point in its row, spread so that equal ones show."""
    heights = place + 0.42 * ((np.arange(len(values)) * GOLDEN) % 1 - 0.5)
    axes.plot(values, heights, linestyle="none", marker="o", markersize=2.2, color="#505050", alpha=0.7, zorder=3)


def rows(axes: "Axes", names: Sequence[str]) -> None:
    """A row an arm, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(False, axis="y")
