"""What a paper's figures show, drawn on given axes. Arms differ by dash, marker and grey, never by colour alone."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reports import numbers
from reports.best_of import best_of
from reports.claims import region as region_name
from reports.figures import DASHES, broken
from reports.metrics import METRICS
from reports.ranks import by_case, rank_stability
from reports.results import ArmResult, Results
from study.ledger.rows import Curve

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


def training_loss(axes: "Axes", curves: Sequence[Curve]) -> None:
    """An arm's final trainings, a line each."""
    for index, dash in enumerate(DASHES):
        if same := curves[index :: len(DASHES)]:
            axes.plot(*broken(same), color=GREYS[index % len(GREYS)], linestyle=dash, linewidth=0.9)
    axes.set_xlim(0)
    axes.set_xlabel("iteration")
    axes.set_ylabel("training loss")


def by_iteration(axes: "Axes", results: Results) -> bool:
    """The objective at each mark with its interval, all arms; False with one mark, or nothing scored."""
    how = results.protocol
    if len(how.marks) == 1:
        return False
    shown = [arm for arm in results.arms if arm.cells[results.objective].estimate is not None]
    step = how.last * 0.012  # side by side, so that intervals do not hide each other
    means = []
    for place, arm in enumerate(shown):
        cells = [(mark, arm.cells[how.region, how.metric, mark].estimate) for mark in how.marks]
        there = [(mark + (place - (len(shown) - 1) / 2) * step, found) for mark, found in cells if found is not None]
        low = [found.mean - (found.mean if found.low is None else found.low) for _, found in there]
        high = [(found.mean if found.high is None else found.high) - found.mean for _, found in there]
        heights = [found.mean for _, found in there]
        means += heights
        axes.errorbar(
            [at for at, _ in there], heights, [low, high], **look(arm.row.number),
            linewidth=1.1, elinewidth=0.6, capsize=1.5, markersize=3.5, label=arm.row.name,
        )  # fmt: skip
    if not shown:
        return False
    _within(axes, results, "y")
    axes.set_xlim(0, how.last * 1.08)
    axes.set_xticks(how.marks, [numbers.iteration(mark) for mark in how.marks])
    axes.set_xlabel("iteration")
    axes.set_ylabel(objective(results))
    return True


def _within(axes: "Axes", results: Results, axis: str) -> None:
    """Shares end at 0 and 1: the interval of an arm with a failed seed must not flatten the others."""
    if METRICS[results.protocol.metric].kind != "share":
        return
    low, high = axes.get_ylim() if axis == "y" else axes.get_xlim()
    (axes.set_ylim if axis == "y" else axes.set_xlim)(max(low, -0.02), min(high, 1.02))


def cases(axes: "Axes", results: Results) -> bool:
    """Each test case a point, the mean over an arm's trainings; a box from quartile to quartile, with the median."""
    found = [(arm, values) for arm in results.arms if len(values := _scored(by_case(results, arm.row.name)))]
    if not found:
        return False
    for place, (_, values) in enumerate(found):
        low, middle, high = np.percentile(values, (25, 50, 75))
        axes.barh(place, high - low, 0.6, left=low, facecolor="#e6e6e6", edgecolor="#404040", linewidth=0.6, zorder=2)
        axes.plot([middle] * 2, [place - 0.3, place + 0.3], color="#000000", linewidth=1.6, zorder=4)
        _strip(axes, values, place)
    _rows(axes, [arm.row.name for arm, _ in found])
    _within(axes, results, "x")
    axes.set_xlabel(f"{objective(results)}, by test case")
    return True


def differences(axes: "Axes", results: Results) -> bool:
    """Arm minus baseline: each case a point, the mean with its 95 % interval; False where nothing is compared."""
    how = results.protocol
    found = [(each, each.cell.estimate) for each in results.comparisons if each.cell.estimate is not None]
    if not found or how.baseline is None:
        return False
    reference = by_case(results, how.baseline)
    axes.axvline(0, color="#000000", linewidth=0.8)
    for place, (comparison, estimate) in enumerate(found):
        points = _scored(by_case(results, comparison.arm) - reference)
        _strip(axes, points, place)
        low, high = (estimate.mean if end is None else end for end in (estimate.low, estimate.high))
        axes.errorbar(
            [estimate.mean], [place], xerr=[[estimate.mean - low], [high - estimate.mean]], color="#000000",
            marker="D", markersize=4.5, markerfacecolor="#ffffff", elinewidth=1.6, capsize=3, zorder=4,
        )  # fmt: skip
    if METRICS[how.metric].kind == "share":
        axes.set_xlim(*(max(-1.02, min(1.02, end)) for end in axes.get_xlim()))
    _rows(axes, [each.arm for each, _ in found])
    axes.set_xlabel(f"difference from {how.baseline}: {objective(results)}")
    return True


def best_of_n(axes: "Axes", results: Results) -> bool:
    """The best of n search trials on validation cases; False where nothing was tuned, or there is one n only."""
    found = best_of(results)
    if found is None or len(found.steps) < 2:
        return False
    for arm in results.arms:
        values = found.values.get(arm.row.name, ())
        there = [(n, value) for n, value in zip(found.steps, values, strict=False) if value is not None]
        if there:
            axes.plot(
                *zip(*there, strict=True), **look(arm.row.number), linewidth=1.1, markersize=3.5, label=arm.row.name
            )
    axes.set_xscale("log")
    axes.set_xticks(found.steps, [str(n) for n in found.steps])
    axes.minorticks_off()
    axes.set_xlabel("search trials, n")
    axes.set_ylabel(f"best of n, validation: {METRICS[results.protocol.metric].heading(pixels=results.pixels)}")
    return True


def ranks(axes: "Axes", results: Results) -> bool:
    """How often each arm has each rank when patients are drawn again, as squares; False where it cannot be asked."""
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
    _rows(axes, order)
    axes.grid(False)
    axes.set_xlim(0.4, len(order) + 0.6)
    axes.set_xticks(range(1, len(order) + 1))
    axes.set_xlabel("rank; % of draws of patients")
    return True


def cost(axes: "Axes", results: Results) -> bool:
    """Hours of all attempts, searches included, against the test score with its interval; False without hours."""
    shown = [(arm, _hours(arm), arm.cells[results.objective].estimate) for arm in results.arms]
    there = [(arm, hours, found) for arm, hours, found in shown if hours > 0 and found is not None]
    if not there:
        return False
    for arm, hours, found in there:
        low, high = (found.mean if end is None else end for end in (found.low, found.high))
        drawn = look(arm.row.number) | {"linestyle": "none"}
        axes.errorbar(
            [hours], [found.mean], [[found.mean - low], [high - found.mean]], **drawn,
            markersize=5, elinewidth=0.8, capsize=2, label=arm.row.name,
        )  # fmt: skip
    _within(axes, results, "y")
    axes.margins(x=0.1)
    axes.set_xlabel("hours, searches and failures included")
    axes.set_ylabel(objective(results))
    return True


def _hours(arm: ArmResult) -> float:
    return sum(arm.progress.hours.values())


def _scored(values: Any) -> Any:
    return values[~np.isnan(values)]


def _strip(axes: "Axes", values: Any, place: int) -> None:
    heights = place + 0.42 * ((np.arange(len(values)) * GOLDEN) % 1 - 0.5)
    axes.plot(values, heights, linestyle="none", marker="o", markersize=2.2, color="#505050", alpha=0.7, zorder=3)


def _rows(axes: "Axes", names: Sequence[str]) -> None:
    """A row an arm, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(False, axis="y")


def _square(x: float, y: float, side: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - side / 2, y - side / 2), side, side, facecolor="#404040", edgecolor="none")
