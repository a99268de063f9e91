"""Style shared by all figures: arms differ by colour, dash and marker, never by colour alone."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.figures.drawing import ARM_COLOURS, DASHES
from reports.results.metric_facts import METRICS
from reports.results.names import region as region_name
from reports.results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREYS = ("#000000", "#707070", "#a0a0a0")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
GOLDEN = 0.6180339887498949  # its multiples modulo 1 spread any number of points evenly


def arm_style(index: int) -> dict[str, Any]:
    """Returns the line style of an arm on shared axes; 45 arms differ in dash or marker, 360 with colour."""
    return {
        "color": ARM_COLOURS[index % len(ARM_COLOURS)],
        "linestyle": DASHES[index % len(DASHES)],
        "marker": MARKERS[index % len(MARKERS)],
    }


def objective(results: Results) -> str:
    """Returns the label of a score axis: `Dice ↑, mean over 2 regions`."""
    how = results.protocol
    return f"{METRICS[how.metric].heading(pixels=results.pixels)}, {region_name(results, how.region)}"


def within(axes: "Axes", results: Results, axis: str) -> None:
    """Limits the axis of a share to [0, 1], so that one arm's interval does not flatten the others."""
    if METRICS[results.protocol.metric].kind != "share":
        return
    low, high = axes.get_ylim() if axis == "y" else axes.get_xlim()
    (axes.set_ylim if axis == "y" else axes.set_xlim)(max(low, -0.02), min(high, 1.02))


def scored(values: Any) -> Any:
    """Returns the values that are not missing."""
    return values[~np.isnan(values)]


def strip(axes: "Axes", values: Any, place: int) -> None:
    """Draws each value as a point in its row, spread vertically so that equal values are visible."""
    heights = place + 0.42 * ((np.arange(len(values)) * GOLDEN) % 1 - 0.5)
    axes.plot(values, heights, linestyle="none", marker="o", markersize=2.2, color="#505050", alpha=0.7, zorder=3)


def rows(axes: "Axes", names: Sequence[str]) -> None:
    """Labels one row per arm, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(False, axis="y")
