"""The critical-difference diagram of several studies for a page."""

from collections.abc import Sequence

from reports.datasets import Ranked, ranked
from reports.figures import INK, drawing
from reports.plots.datasets import critical, height
from reports.results import Results


def diagram(studies: Sequence[Results]) -> str:
    """As SVG; empty text for one study, or where arms cannot be ranked."""
    found = ranked(studies) if len(studies) > 1 else ""
    if not isinstance(found, Ranked):
        return ""
    label = f"Critical-difference diagram of {len(found.arms)} arms over {len(found.studies)} data sets: " + ", ".join(
        f"{arm} {mean:.2f}" for arm, mean in zip(found.arms, found.means, strict=True)
    )
    return drawing(lambda axes: critical(axes, found, INK), label, "cd", (6.3, height(found)))
