"""Figures with all arms on shared axes: metric by iteration, best of n, cost against quality; training loss."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.figures.drawing import DASHES, broken
from reports.figures.shared_style import GREYS, arm_style, objective, within
from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.results.results import ArmResult, Results
from reports.tables.best_of_n import best_of
from study.ledger.rows import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def training_loss(axes: "Axes", curves: Sequence[Curve]) -> None:
    """Draws the training loss of an arm's final trainings, one line each."""
    for index, dash in enumerate(DASHES):
        if same := curves[index :: len(DASHES)]:
            axes.plot(*broken(same), color=GREYS[index % len(GREYS)], linestyle=dash, linewidth=0.9)
    axes.set_xlim(0)
    axes.set_xlabel("iteration")
    axes.set_ylabel("training loss")


def by_iteration(axes: "Axes", results: Results) -> bool:
    """Draws the objective of all arms at each mark with its interval; False with one mark, or without scores."""
    how = results.protocol
    if len(how.marks) == 1:
        return False
    shown = [arm for arm in results.arms if arm.cells[results.objective].estimate is not None]
    step = how.last * 0.012  # offsets, so that intervals do not overlap
    means = []
    for place, arm in enumerate(shown):
        cells = [(mark, arm.cells[how.region, how.metric, mark].estimate) for mark in how.marks]
        there = [(mark + (place - (len(shown) - 1) / 2) * step, found) for mark, found in cells if found is not None]
        low = [found.mean - (found.mean if found.low is None else found.low) for _, found in there]
        high = [(found.mean if found.high is None else found.high) - found.mean for _, found in there]
        heights = [found.mean for _, found in there]
        means += heights
        axes.errorbar(
            [at for at, _ in there], heights, [low, high], **arm_style(arm.row.number),
            linewidth=1.1, elinewidth=0.6, capsize=1.5, markersize=3.5, label=arm.row.name,
        )  # fmt: skip
    if not shown:
        return False
    within(axes, results, "y")
    axes.set_xlim(0, how.last * 1.08)
    axes.set_xticks(how.marks, [number_format.iteration(mark) for mark in how.marks])
    axes.set_xlabel("iteration")
    axes.set_ylabel(objective(results))
    return True


def best_of_n(axes: "Axes", results: Results) -> bool:
    """Draws the best of n search trials on validation cases; False without tuning, or with a single n."""
    found = best_of(results)
    if found is None or len(found.steps) < 2:
        return False
    for arm in results.arms:
        values = found.values.get(arm.row.name, ())
        there = [(n, value) for n, value in zip(found.steps, values, strict=False) if value is not None]
        if there:
            axes.plot(
                *zip(*there, strict=True),
                **arm_style(arm.row.number),
                linewidth=1.1,
                markersize=3.5,
                label=arm.row.name,
            )
    axes.set_xscale("log")
    axes.set_xticks(found.steps, [str(n) for n in found.steps])
    axes.minorticks_off()
    axes.set_xlabel("search trials, n")
    axes.set_ylabel(f"best of n, validation: {METRICS[results.protocol.metric].heading(pixels=results.pixels)}")
    return True


def cost(axes: "Axes", results: Results) -> bool:
    """Draws hours of all attempts, searches included, against the test score; False without hours."""
    shown = [(arm, _hours(arm), arm.cells[results.objective].estimate) for arm in results.arms]
    there = [(arm, hours, found) for arm, hours, found in shown if hours > 0 and found is not None]
    if not there:
        return False
    for arm, hours, found in there:
        low, high = (found.mean if end is None else end for end in (found.low, found.high))
        drawn = arm_style(arm.row.number) | {"linestyle": "none"}
        axes.errorbar(
            [hours], [found.mean], [[found.mean - low], [high - found.mean]], **drawn,
            markersize=5, elinewidth=0.8, capsize=2, label=arm.row.name,
        )  # fmt: skip
    within(axes, results, "y")
    axes.margins(x=0.1)
    axes.set_xlabel("hours, searches and failures included")
    axes.set_ylabel(objective(results))
    return True


def _hours(arm: ArmResult) -> float:
    return sum(arm.progress.hours.values())
