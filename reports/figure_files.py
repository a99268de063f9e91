"""Figures as files for a paper: each as SVG, PDF and PNG, from one style that prints in grey."""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reports import plots
from reports.figures import STYLE
from reports.records import Pictures
from reports.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 6.3
"""Inches: the text of an A4 page with usual margins."""

PRINT: Any = {
    **STYLE,
    "svg.fonttype": "path",  # looks alike wherever it is opened
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
"""Without dates and versions: the same ledger, the same bytes."""

Draw = Callable[["Axes", Results], bool]

BY_ARM: Mapping[str, Draw] = {
    "scores-by-case": plots.cases,
    "paired-differences": plots.differences,
    "rank-stability": plots.ranks,
}
"""Figures with a row an arm."""

LINES: Mapping[str, Draw] = {
    "metric-by-iteration": plots.by_iteration,
    "best-of-n": plots.best_of_n,
    "cost-and-quality": plots.cost,
}
"""Figures in which arms share axes, with a legend."""


def figure_files(studies: Sequence[Results], pictures: Pictures) -> dict[str, bytes]:
    """File name → bytes of every figure for which the study has something.

    Args:
        studies: One study; of several, each is shown by its own report, and there is nothing here.
        pictures: Its training curves.
    """
    if len(studies) != 1:
        return {}
    (results,) = studies
    files: dict[str, bytes] = {}
    with _style():
        for name, figure in _figures(results, pictures):
            files |= {f"{name}.{kind}": _saved(figure, kind) for kind in METADATA}
    return files


def _figures(results: Results, pictures: Pictures) -> Iterator[tuple[str, "Figure"]]:
    arms = len(results.arms)
    if pictures.curves:
        yield "training-loss", _training_loss(results, pictures)
    for name, draw in LINES.items():
        figure, axes = _new(0.5 + 2.8 + 0.14 * math.ceil(arms / 3))
        if draw(axes, results):
            figure.legend(loc="outside lower center", ncols=min(3, arms))
            yield name, figure
    for name, draw in BY_ARM.items():
        figure, axes = _new(0.7 + 0.36 * arms)
        if draw(axes, results):
            yield name, figure


def _training_loss(results: Results, pictures: Pictures) -> "Figure":
    from matplotlib.figure import Figure

    shown = [arm for arm in results.arms if any(curve.trial.arm == arm.row.number for curve in pictures.curves)]
    columns = min(3, len(shown))
    rows = math.ceil(len(shown) / columns)
    figure = Figure(figsize=(WIDTH, 0.3 + 1.7 * rows), layout="constrained")
    for place, arm in enumerate(shown):
        axes = figure.add_subplot(rows, columns, place + 1)
        plots.training_loss(axes, [curve for curve in pictures.curves if curve.trial.arm == arm.row.number])
        axes.set_title(arm.row.name, fontsize=8)
        if place % columns:
            axes.set_ylabel("")
    return figure


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
