"""Figures as files for a paper: SVG, PDF and PNG, in one style that prints in grey."""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reports.figures import (
    by_arm,
    critical_difference,
    gallery_print,
    lesion_plots,
    line_plots,
    search_plots,
    soft_curves,
)
from reports.figures.drawing import STYLE
from reports.figures.gallery import chosen
from reports.results.lesion_scores import regions
from reports.results.records import Pictures
from reports.results.results import Results
from reports.results.search_responses import responses
from reports.tables.ranks_over_datasets import Ranked, ranked
from study.ledger.rows import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 6.3
"""Inches: the text of an A4 page with usual margins."""

PRINT: Any = {
    **STYLE,
    "svg.fonttype": "path",  # independent of installed fonts
    "pdf.fonttype": 42,  # TrueType: journals refuse Type 3
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), "#000000"),
    **dict.fromkeys(("axes.edgecolor", "xtick.color", "ytick.color"), "#404040"),
    "grid.color": "#e0e0e0",
    "legend.frameon": False,
    "legend.fontsize": 7,
    "savefig.dpi": 300,
    "figure.facecolor": "#ffffff",
}

METADATA: Mapping[str, Mapping[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
"""Leaves out dates and versions, so that a ledger always gives the same bytes."""

Draw = Callable[["Axes", Results], bool]

BY_ARM: Mapping[str, Draw] = {
    "scores-by-case": by_arm.cases,
    "paired-differences": by_arm.differences,
    "rank-stability": by_arm.ranks,
}
"""Figures with one row per arm."""

LINES: Mapping[str, Draw] = {
    "metric-by-iteration": line_plots.by_iteration,
    "best-of-n": line_plots.best_of_n,
    "cost-and-quality": line_plots.cost,
}
"""Figures in which arms share axes, with a legend."""

BY_REGION: Mapping[str, Callable[["Axes", Results, str], bool]] = {
    "froc": lesion_plots.curves,
    "recall-by-size": lesion_plots.by_size,
}
"""Figures of lesions, one axes per region, with a shared legend."""


def figure_files(studies: Sequence[Results], pictures: Pictures) -> dict[str, bytes]:
    """Returns file name → bytes of every figure that the study has data for.

    Args:
        studies: One study; several give their critical-difference diagram, if they can be ranked.
        pictures: Training curves and previews of the one study.
    """
    files: dict[str, bytes] = {}
    with _style():
        for name, figure in figures(studies[0], pictures) if len(studies) == 1 else _together(studies):
            figure.draw_without_rendering()
            figure.set_layout_engine("none")  # one layout for all formats
            files |= {f"{name}.{kind}": _saved(figure, kind) for kind in METADATA}
    return files


def _together(studies: Sequence[Results]) -> Iterator[tuple[str, "Figure"]]:
    found = ranked(studies)
    if isinstance(found, Ranked):
        figure, axes = _new(critical_difference.height(found))
        critical_difference.critical(axes, found)
        yield "critical-difference", figure


def figures(results: Results, pictures: Pictures) -> Iterator[tuple[str, "Figure"]]:
    """Yields (name, figure) of everything that one study has data for."""
    arms = len(results.arms)
    if pictures.curves:
        yield "training-loss", _by_training(results, pictures.curves, line_plots.training_loss)
    if pictures.soft:
        figure = _by_training(results, pictures.soft, soft_curves.by_class)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
        yield "training-soft-dice", figure
    for name, draw in LINES.items():
        figure, axes = _new(0.5 + 2.8 + 0.14 * math.ceil(arms / 3))
        if draw(axes, results):
            figure.legend(loc="outside lower center", ncols=min(3, arms))
            yield name, figure
    for name, draw in BY_ARM.items():
        figure, axes = _new(0.7 + 0.36 * arms)
        if draw(axes, results):
            yield name, figure
    yield from _gallery(results, pictures)
    yield from _of_lesions(results)
    yield from _of_searches(results)


def _gallery(results: Results, pictures: Pictures) -> Iterator[tuple[str, "Figure"]]:
    found = chosen(results, pictures)
    if found is None:
        return
    for number, start in enumerate(range(0, len(results.arms), gallery_print.ARMS), 1):
        arms = results.arms[start : start + gallery_print.ARMS]
        figure, panels = _grid(len(arms) * len(found[1]), len(found[1]), 1.8)
        for place, axes in enumerate(panels):
            arm, case = arms[place // len(found[1])], found[1][place % len(found[1])]
            gallery_print.case(axes, case, arm.row.number)
            if place < len(found[1]):
                axes.set_title(f"{case.rank}: {case.case}" if case.rank else case.case, fontsize=7)
            if place % len(found[1]) == 0:
                axes.text(
                    -0.03, 0.5, arm.row.name, transform=axes.transAxes, rotation=90, ha="right", va="center", fontsize=7
                )
        yield f"gallery{f'-{number}' if number > 1 else ''}", figure


def _of_lesions(results: Results) -> Iterator[tuple[str, "Figure"]]:
    shown = regions(results)
    for name, draw in BY_REGION.items() if shown else ():
        figure, panels = _grid(len(shown), min(2, len(shown)), 2.6)
        drawn = [axes for axes, region in zip(panels, shown, strict=True) if draw(axes, results, region)]
        if drawn:
            handles, labels = drawn[0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=min(3, len(labels)))
            yield name, figure


def _of_searches(results: Results) -> Iterator[tuple[str, "Figure"]]:
    found = responses(results)
    slices = [(response, name) for response in found for name in response.importance]
    for number, some in enumerate(search_plots.pages(slices), 1):
        figure, panels = _grid(len(some), search_plots.COLUMNS, 1.75)
        for axes, (response, name) in zip(panels, some, strict=True):
            search_plots.along(axes, response, name)
        figure.suptitle(search_plots.label(results, some[0][0]), fontsize=8)
        yield f"response{f'-{number}' if number > 1 else ''}", figure
    pairs = [(response, *response.numeric[:2]) for response in found if len(response.numeric) > 1]
    for number, some in enumerate(search_plots.pages(pairs), 1):
        figure, panels = _grid(len(some), search_plots.COLUMNS, 1.9)
        for axes, (response, across, up) in zip(panels, some, strict=True):
            bar = figure.colorbar(search_plots.over(axes, response, across, up), ax=axes)
            bar.ax.tick_params(labelsize=6)
        figure.suptitle(search_plots.label(results, some[0][0]), fontsize=8)
        yield f"response-surface{f'-{number}' if number > 1 else ''}", figure


def _by_training(
    results: Results, curves: Sequence[Curve], draw: Callable[["Axes", Sequence[Curve]], None]
) -> "Figure":
    """Returns a figure of training curves with one axes per arm that has any."""
    by_number: dict[int, list[Curve]] = {}
    for curve in curves:
        by_number.setdefault(curve.trial.arm, []).append(curve)
    shown = [arm for arm in results.arms if arm.row.number in by_number]
    columns = min(3, len(shown))
    figure, panels = _grid(len(shown), columns, 1.7)
    for place, (axes, arm) in enumerate(zip(panels, shown, strict=True)):
        draw(axes, by_number[arm.row.number])
        axes.set_title(arm.row.name, fontsize=8)
        if place % columns:
            axes.set_ylabel("")
    return figure


def _grid(count: int, columns: int, height: float) -> tuple["Figure", list["Axes"]]:
    """Returns a figure of `count` axes, filled row by row; `height` is that of a row in inches."""
    from matplotlib.figure import Figure

    rows = math.ceil(count / columns)
    figure = Figure(figsize=(WIDTH, 0.4 + height * rows), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, place + 1) for place in range(count)]


def _new(height: float) -> tuple["Figure", "Axes"]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


def _saved(figure: "Figure", kind: str) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format=kind, metadata=dict(METADATA[kind]))
    return out.getvalue()


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a user's own settings must not change a figure
        matplotlib.rcParams.update(PRINT)
        yield
