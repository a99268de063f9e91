"""The critical-difference diagram: arms on a line by mean rank, bars over arms that do not differ significantly.

Source: Demšar 2006, figure 1.
"""

import math
from typing import TYPE_CHECKING

from reports.tables.ranks_over_datasets import ALPHA, Ranked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#000000"
STEP = 0.55
"""Distance between lines of names, in data units."""


def height(found: Ranked) -> float:
    """Returns the height of a diagram in inches."""
    return 0.9 + 0.2 * (math.ceil(len(found.arms) / 2) + len(found.cliques))


def critical(axes: "Axes", found: Ranked) -> None:
    """Draws the diagram: better arms on the left from the top, worse ones on the right from the bottom."""
    arms, means = len(found.arms), found.means
    half = math.ceil(arms / 2)
    top, under = 0.0, 0.35 + 0.3 * len(found.cliques)
    axes.plot([1, arms], [top, top], color=INK, linewidth=1)
    for rank in range(1, arms + 1):
        axes.plot([rank, rank], [top, top + 0.18], color=INK, linewidth=1)
        axes.text(rank, top + 0.28, str(rank), ha="center", va="bottom")
    for place, (arm, mean) in enumerate(zip(found.arms, means, strict=True)):
        left = place < half
        level = -(under + STEP * (place if left else arms - 1 - place))
        end = 1 - 0.06 * arms if left else arms + 0.06 * arms
        axes.plot([mean, mean, end], [top, level, level], color=INK, linewidth=0.7)
        words = f"{arm}  {mean:.2f} " if left else f" {mean:.2f}  {arm}"
        axes.text(end, level, words, ha="right" if left else "left", va="center")
    for line, (first, last) in enumerate(found.cliques, 1):
        ends = [means[first] - 0.03 * arms / 5, means[last] + 0.03 * arms / 5]
        axes.plot(ends, [-0.3 * line + 0.05] * 2, color=INK, linewidth=3, solid_capstyle="butt")
    if found.test.p < ALPHA:
        over = top + 1.0
        axes.plot([1, 1 + found.difference], [over, over], color=INK, linewidth=1, marker="|", markersize=6)
        axes.text(1 + found.difference / 2, over + 0.15, f"CD = {found.difference:.2f}", ha="center", va="bottom")
    axes.set_xlim(1 - 0.75 * arms, arms + 0.75 * arms)
    axes.set_ylim(-(under + STEP * (half - 1) + 0.4), 1.75)
    axes.set_axis_off()
