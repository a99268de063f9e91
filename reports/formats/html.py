"""The report as one self-contained HTML page; scripts only sort tables, scroll slices and hint at more columns."""

import base64
import dataclasses
import hashlib
import statistics
from collections.abc import Sequence
from importlib.resources import files
from typing import Literal

from reports.document import Document
from reports.figures.drawing import loss_panels, mark_panels, search_panels
from reports.figures.gallery import Shown, gallery
from reports.figures.page_diagrams import diagram, figures
from reports.figures.soft_curves import soft_dice_panels
from reports.formats.templating import environment
from reports.results.number_format import MINUS, NONE
from reports.results.records import Pictures
from reports.results.results import Results
from reports.tables.table import Entry, Table
from reports.tables.trial_tables import provenance, trial_tables


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """An interval drawn under its numbers; positions in percent of the cell's width.

    Attributes:
        low: Left end.
        mean: Position of the dot.
        high: Right end.
        zero: Position of 0, for differences; None elsewhere.
        off: The side on which the mean is outside the scale.
    """

    low: float
    mean: float
    high: float
    zero: float | None
    off: Literal["", "left", "right"]


Span = tuple[float | None, float, float | None]


@dataclasses.dataclass(frozen=True)
class Panels:
    """Small figures, one per arm.

    Attributes:
        title: Their common title.
        note: How to read them.
        drawn: (arm, SVG); an empty string for an arm without data.
    """

    title: str
    note: str
    drawn: tuple[tuple[str, str], ...]


def page(document: Document, studies: Sequence[Results], pictures: Pictures) -> str:
    """Returns the page; that of several studies has ranks, but neither curves nor a gallery."""
    from markupsafe import Markup

    results = studies[0] if len(studies) == 1 else None
    shown = None if results is None else gallery(results, pictures)
    trials = () if results is None else trial_tables(results)
    script = _template("sort.js") + _template("scroll.js")
    panels = [] if results is None else _panels(results, pictures)
    tables = {found.key: bars(found) for found in (*document.tables, *trials)}
    return (
        environment("html")
        .get_template("report.html")
        .render(
            document=document,
            bars=tables,
            gallery=shown,
            panels=[panel for panel in panels if any(svg for _, svg in panel.drawn)],
            stroke=stroke,
            none_sign=NONE,
            diagram=diagram(studies),
            figures=[] if results is None else figures(results),
            trials=trials,
            provenance="" if results is None else provenance(results),
            style=Markup(_template("report.css")),
            script=Markup(script),
            script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            svg=Markup,
        )
    )


def _template(name: str) -> str:
    return files("reports.formats").joinpath(f"templates/{name}").read_text("utf-8")


def _panels(results: Results, pictures: Pictures) -> list[Panels]:
    names = [arm.row.name for arm in results.arms]

    def paired(drawings: Sequence[str]) -> tuple[tuple[str, str], ...]:
        return tuple(zip(names, drawings, strict=True))

    return [
        Panels(
            "On the way: test cases",
            "The objective at each mark with its interval, the other arms behind it.",
            paired(mark_panels(results)),
        ),
        Panels(
            "Training loss",
            "Each final training a line. Losses of different formulas share no scale: compare shapes, not heights.",
            paired(loss_panels(results, pictures.curves)),
        ),
        Panels(
            "Soft Dice by class while training",
            "On the augmented patches that a network learns from, before each step, pooled over "
            f"{results.records.study.file['training'].get('log_every')} iterations: line, mean of the final trainings; "
            "band, from the least to the greatest. No measure of how well an arm does on images that it has not seen.",
            paired(soft_dice_panels(results, pictures.soft)),
        ),
        Panels(
            "Search: validation cases",
            "Each search trial a thin line, the chosen one thick with diamonds. Those that end early were halved away.",
            paired(search_panels(results)),
        ),
    ]


def bars(table: Table) -> list[list[Bar | None]]:
    """Returns a bar for each cell that has a span, on one scale per column."""
    columns = [_column_bars([row.entries[index] for row in table.rows]) for index in range(len(table.columns))]
    return [list(row) for row in zip(*columns, strict=True)]


def _column_bars(entries: Sequence[Entry]) -> list[Bar | None]:
    spans = [entry.span for entry in entries if entry.span is not None]
    if not any(low is not None for low, _, _ in spans):
        return [None] * len(entries)
    signed = any(entry.text.startswith(("+", MINUS)) for entry in entries)
    scale = _scale(spans, signed)
    return [None if entry.span is None else _bar(entry.span, scale, signed) for entry in entries]


def _scale(spans: Sequence[Span], signed: bool) -> tuple[float, float]:
    """Returns the range of the usual arms, so that a failed arm does not shrink the others to dots."""
    means = [mean for _, mean, _ in spans]
    ends = [end for low, _, high in spans for end in (low, high) if end is not None] + means
    halves = [(high - low) / 2 for low, _, high in spans if low is not None and high is not None]
    middle = statistics.median(means)
    reach = 3 * max(statistics.median(abs(mean - middle) for mean in means), statistics.median(halves))
    low, high = max(min(ends), middle - reach), min(max(ends), middle + reach)
    return (min(low, 0.0), max(high, 0.0)) if signed else (low, high)


def _bar(span: Span, scale: tuple[float, float], signed: bool) -> Bar:
    def place(value: float) -> float:
        return round(100 * min(1.0, max(0.0, (value - scale[0]) / ((scale[1] - scale[0]) or 1.0))), 1)

    low, mean, high = span
    return Bar(
        low=place(mean if low is None else low),
        mean=place(mean),
        high=place(mean if high is None else high),
        zero=place(0.0) if signed else None,
        off="left" if mean < scale[0] else "right" if mean > scale[1] else "",
    )


def stroke(shown: Shown) -> dict[str, str]:
    """Returns line widths of outlines in pixels of the slice, so that they look alike at any size."""
    unit = max(shown.width, 1) / 100
    dashes = f"{3.2 * unit:.3g} {2.4 * unit:.3g}"
    return {"casing": f"{1.7 * unit:.3g}", "line": f"{0.85 * unit:.3g}", "dashes": dashes}
