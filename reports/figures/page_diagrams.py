"""Figures of the HTML page that all arms share: scores by case, lesions, cost, ranks over data sets."""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from reports.figures import by_arm, lesion_plots, line_plots
from reports.figures.critical_difference import critical, height
from reports.figures.drawing import drawing
from reports.results.lesion_scores import regions
from reports.results.results import Results
from reports.tables.ranks_over_datasets import Ranked, ranked

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH = 6.3
"""Width in inches, as in print; narrow screens scroll."""

TITLES = {
    "cases": ("Scores by case", "Each test case a point, its mean over an arm's trainings; box: quartiles and median."),
    "differences": ("Paired differences", "Each test case a point; diamond: mean difference with its 95 % interval."),
    "ranks": (
        "Stability of ranks",
        "How often each arm has each rank when patients and trainings are drawn again, in percent.",
    ),
    "best-of-n": ("Best of n trials", "What a smaller search would have found, on validation cases."),
    "cost": ("Cost and quality", "Hours of all attempts, searches included, against the test score."),
    "froc": ("FROC", "Lesion recall against false lesions a scan, mean over trainings."),
    "by-size": ("Recall by lesion size", "Share of lesions found, by diameter, mean over trainings."),
}
"""Key → (title, description)."""


def figures(results: Results) -> list[tuple[str, str, str]]:
    """Returns (title, description, SVG) of every figure that the study has data for."""
    found: list[tuple[str, str, str]] = []
    for key, draw, inches in _drawings(results):
        title, seen = TITLES[key]
        svg = _drawn(draw, f"{title}. {seen}", f"f{len(found)}", inches)
        if svg:
            found.append((title, seen, svg))
    return found


Draw = Callable[["Axes"], bool]


def _drawings(results: Results) -> Iterator[tuple[str, Draw, float]]:
    """Yields (key, function that draws and returns whether it drew anything, height in inches)."""
    arms = len(results.arms)
    rows, shared = 0.7 + 0.36 * arms, 3.2 + 0.14 * math.ceil(arms / 3)
    for key, by_row in (("cases", by_arm.cases), ("differences", by_arm.differences), ("ranks", by_arm.ranks)):
        yield key, functools.partial(by_row, results=results), rows
    for key, line in (("best-of-n", line_plots.best_of_n), ("cost", line_plots.cost)):
        yield key, _with_legend(functools.partial(line, results=results)), shared
    for region in regions(results):
        for key, curve in (("froc", lesion_plots.curves), ("by-size", lesion_plots.by_size)):
            yield key, _with_legend(functools.partial(curve, results=results, region=region)), shared


def _with_legend(draw: Draw) -> Draw:
    def both(axes: "Axes") -> bool:
        drawn = draw(axes)
        if drawn:
            axes.figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=7)
        return drawn

    return both


def _drawn(draw: Draw, label: str, key: str, inches: float) -> str:
    """Returns the SVG; an empty string if nothing was drawn."""
    said: list[bool] = []
    svg = drawing(lambda axes: said.append(draw(axes)), label, key, (WIDTH, inches))
    return svg if said[0] else ""


def diagram(studies: Sequence[Results]) -> str:
    """Returns the critical-difference diagram; an empty string for one study, or if arms cannot be ranked."""
    found = ranked(studies) if len(studies) > 1 else ""
    if not isinstance(found, Ranked):
        return ""
    label = f"Critical-difference diagram of {len(found.arms)} arms over {len(found.studies)} data sets: " + ", ".join(
        f"{arm} {mean:.2f}" for arm, mean in zip(found.arms, found.means, strict=True)
    )
    return drawing(lambda axes: critical(axes, found), label, "cd", (WIDTH, height(found)))
