"""Figures of lesions: FROC and recall by size, one axes per region."""

from typing import TYPE_CHECKING

from reports.figures.lesion_curves import FALSE_POSITIVES, froc, recall_by_size, sizes
from reports.figures.shared_style import arm_style
from reports.results.names import region as region_name
from reports.results.results import Results
from reports.tables.lesion_tables import size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICKS = (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8)


def curves(axes: "Axes", results: Results, region: str) -> bool:
    """Draws recall against false lesions per scan; False without lesion records."""
    drawn = False
    for arm in results.arms:
        recall = froc(results, arm, region)
        if recall is not None:
            style = arm_style(arm.row.number)
            axes.plot(FALSE_POSITIVES, recall, **style, markevery=4, markersize=3.5, linewidth=1.1, label=arm.row.name)
            drawn = True
    axes.set_xscale("log", base=2)
    axes.set_xticks(TICKS, [f"1/{round(1 / tick)}" if tick < 1 else f"{tick:g}" for tick in TICKS])
    axes.minorticks_off()
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("false lesions a scan")
    axes.set_ylabel(f"lesion recall, {region_name(results, region)}")
    return drawn


def by_size(axes: "Axes", results: Results, region: str) -> bool:
    """Draws recall by lesion size; False without lesion records."""
    between = sizes(results, region)
    drawn = False
    for arm in results.arms:
        found = recall_by_size(results, arm, region, between)
        there = [(place, value) for place, value in enumerate(found) if value is not None]
        if there:
            style = arm_style(arm.row.number)
            axes.plot(*zip(*there, strict=True), **style, markersize=3.5, linewidth=1.1, label=arm.row.name)
            drawn = True
    axes.set_xticks(range(len(between)), [size(stratum) for stratum in between])
    axes.set_xlim(-0.3, len(between) - 0.7)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel("diameter of the lesion, voxels")
    axes.set_ylabel(f"lesion recall, {region_name(results, region)}")
    return drawn
