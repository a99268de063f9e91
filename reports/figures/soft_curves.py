"""Figures of the soft Dice of each class on training patches, over the training's iterations."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reports.figures.drawing import SIZE, drawing
from reports.figures.shared_style import arm_style
from reports.results.results import ArmResult, Results
from study.ledger.rows import Curve
from trainables.trial import soft_dice_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def by_class(axes: "Axes", curves: Sequence[Curve]) -> None:
    """Draws a line for each class, the mean of an arm's trainings, and a band from the least to the greatest."""
    prefix = soft_dice_curve("")
    names = list(dict.fromkeys(curve.name for curve in sorted(curves, key=_place)))
    for number, name in enumerate(names):
        values: dict[int, list[float]] = {}
        for curve in curves:
            if curve.name == name:
                for iteration, value in zip(curve.iterations.tolist(), curve.values.tolist(), strict=True):
                    values.setdefault(iteration, []).append(value)
        at = sorted(values)
        style = {key: value for key, value in arm_style(number).items() if key != "marker"}
        low, high = ([edge(values[iteration]) for iteration in at] for edge in (min, max))
        axes.fill_between(at, low, high, color=style["color"], alpha=0.15, linewidth=0)
        means = [sum(values[iteration]) / len(values[iteration]) for iteration in at]
        axes.plot(at, means, **style, linewidth=1.2, label=name.removeprefix(prefix))
    axes.set_xlim(0)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("iteration")
    axes.set_ylabel("soft Dice, training")


def _place(curve: Curve) -> tuple[bool, str]:
    """Returns a sort key that puts the background last."""
    return curve.name == soft_dice_curve("background"), curve.name


def soft_dice_panels(results: Results, curves: Sequence[Curve]) -> tuple[str, ...]:
    """Returns each arm's figure as SVG for the page; an empty string for an arm without curves."""
    return tuple(_panel(arm, [c for c in curves if c.trial.arm == arm.row.number]) for arm in results.arms)


def _panel(arm: ArmResult, curves: Sequence[Curve]) -> str:
    if not curves:
        return ""

    def draw(axes: "Axes") -> None:
        by_class(axes, curves)
        axes.legend(fontsize=6, frameon=False, loc="lower right", handlelength=2.6)

    return drawing(draw, f"Soft Dice of each class on training patches of {arm.row.name}", f"c{arm.row.number}", SIZE)
