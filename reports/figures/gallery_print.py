"""The printed gallery: a row per arm, a column per case; reference solid, prediction dashed, both in white."""

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.figures.gallery import Chosen
from reports.figures.outlines import Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ARMS = 4
"""Arms in one figure; further arms go to the next."""


def case(axes: "Axes", shown: Chosen, arm: int) -> None:
    """Draws one arm on one case, on the slice that the page shows first; without a prediction the reference alone."""
    axes.imshow(shown.image[shown.start], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    _outline(axes, shown.reference[shown.start], "-")
    prediction = shown.predictions.get(arm)
    if prediction is not None:
        _outline(axes, prediction[shown.start], (0, (2.5, 1.6)))
    axes.set_axis_off()
    words = shown.captions.get(arm, "no prediction").partition(": ")
    below = textwrap.fill(words[2] or words[0], 36)
    axes.text(0.5, -0.03, below, transform=axes.transAxes, ha="center", va="top", fontsize=6)


def _outline(axes: "Axes", labels: Labels, dash: Any) -> None:
    """Draws the border of every class in white on a broader black line, visible on any background."""
    from matplotlib.patheffects import Normal, Stroke

    for index in np.unique(labels[labels > 0]).tolist():
        inside = np.pad((labels == index).astype(np.float64), 1)
        at = np.arange(-1, inside.shape[1] - 1), np.arange(-1, inside.shape[0] - 1)
        drawn = axes.contour(*at, inside, levels=[0.5], colors="#ffffff", linewidths=0.8, linestyles=[dash])
        drawn.set_path_effects([Stroke(linewidth=1.8, foreground="#000000"), Normal()])
