"""Figures with one row per arm: scores by case, paired differences, stability of ranks."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.figures.rank_stability import by_case, rank_stability
from reports.figures.shared_style import objective, rows, scored, strip, within
from reports.results.metric_facts import METRICS
from reports.results.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def cases(axes: "Axes", results: Results) -> bool:
    """Draws each test case as a point (mean over trainings), with quartiles and median; False without scores."""
    found = [(arm, values) for arm in results.arms if len(values := scored(by_case(results, arm.row.name)))]
    if not found:
        return False
    for place, (_, values) in enumerate(found):
        low, middle, high = np.percentile(values, (25, 50, 75))
        axes.barh(place, high - low, 0.6, left=low, facecolor="#e6e6e6", edgecolor="#404040", linewidth=0.6, zorder=2)
        axes.plot([middle] * 2, [place - 0.3, place + 0.3], color="#000000", linewidth=1.6, zorder=4)
        strip(axes, values, place)
    rows(axes, [arm.row.name for arm, _ in found])
    within(axes, results, "x")
    axes.set_xlabel(f"{objective(results)}, by test case")
    return True


def differences(axes: "Axes", results: Results) -> bool:
    """Draws arm minus baseline: each case a point, the mean with its interval; False without comparisons."""
    how = results.protocol
    found = [(each, each.cell.estimate) for each in results.comparisons if each.cell.estimate is not None]
    if not found or how.baseline is None:
        return False
    reference = by_case(results, how.baseline)
    axes.axvline(0, color="#000000", linewidth=0.8)
    for place, (comparison, estimate) in enumerate(found):
        points = scored(by_case(results, comparison.arm) - reference)
        strip(axes, points, place)
        low, high = (estimate.mean if end is None else end for end in (estimate.low, estimate.high))
        axes.errorbar(
            [estimate.mean], [place], xerr=[[estimate.mean - low], [high - estimate.mean]], color="#000000",
            marker="D", markersize=4.5, markerfacecolor="#ffffff", elinewidth=1.6, capsize=3, zorder=4,
        )  # fmt: skip
    if METRICS[how.metric].kind == "share":
        axes.set_xlim(*(max(-1.02, min(1.02, end)) for end in axes.get_xlim()))
    rows(axes, [each.arm for each, _ in found])
    axes.set_xlabel(f"difference from {how.baseline}: {objective(results)}")
    return True


def ranks(axes: "Axes", results: Results) -> bool:
    """Draws how often each arm has each rank when patients are resampled; False if ranks cannot be resampled."""
    found = rank_stability(results)
    if found is None:
        return False
    order = sorted(found, key=lambda name: float(found[name] @ np.arange(len(found))))
    for place, name in enumerate(order):
        for rank, share in enumerate(found[name].tolist()):
            if share > 0:
                axes.add_patch(_square(rank + 1, place, 0.86 * math.sqrt(share)))
            if share >= 0.005:
                middle, colour = (
                    (rank + 1, "#ffffff") if share >= 0.25 else (rank + 1 + 0.46 * math.sqrt(share), "#000000")
                )
                axes.text(
                    middle, place, f"{100 * share:.0f}", color=colour, fontsize=6, va="center",
                    ha="center" if share >= 0.25 else "left",
                )  # fmt: skip
    rows(axes, order)
    axes.grid(False)
    axes.set_xlim(0.4, len(order) + 0.6)
    axes.set_xticks(range(1, len(order) + 1))
    axes.set_xlabel("rank; % of draws of patients and trainings")
    return True


def _square(x: float, y: float, side: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - side / 2, y - side / 2), side, side, facecolor="#404040", edgecolor="none")
