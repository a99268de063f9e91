"""Scores of two folders of masks: a table by region, a tidy CSV, and a page of its own."""

import csv
import io
import math
import statistics
from collections.abc import Sequence
from importlib.resources import files

from reports.formats.templating import environment
from reports.formats.tidy_csv import cell
from reports.results import number_format
from reports.results.metric_facts import METRICS
from reports.statistics.lesion_counts import object_dice, recall
from reports.tables.table import Entry, Row, Table
from trainables.lesion_records import Lesions
from trainables.scores import Counts, Score

COLUMNS = ("case", "region", "metric", "value", "note")
NO_PREDICTION, NO_REFERENCE = "no prediction", "no reference"


def tables(
    scores: Sequence[Score], counts: Sequence[Counts], lesions: Sequence[Lesions], *, pixels: bool
) -> tuple[Table, ...]:
    """Returns a table for each region: mean, standard deviation, median, range and number of cases by metric.

    Args:
        scores: Of every case.
        counts: Likewise; pooled over cases into one more row.
        lesions: Likewise.
        pixels: Whether lengths are in pixels.
    """
    made: list[Table] = []
    for region in dict.fromkeys(score.region for score in scores):
        own = [score for score in scores if score.region == region]
        cases = len({score.case for score in own})
        rows = [
            _row([one for one in own if one.metric == name], pixels) for name in dict.fromkeys(s.metric for s in own)
        ]
        rows += _pooled(
            [one for one in counts if one.region == region], [one for one in lesions if one.region == region]
        )
        empty = [score.note for score in own if score.metric == own[0].metric and score.note is not None]
        notes = [f"{number_format.count(cases, 'case')}; n: those in which the metric is defined."]
        notes += [f"{note}: {number_format.count(empty.count(note), 'case')}" for note in dict.fromkeys(empty)]
        made.append(
            Table(
                key=f"region-{len(made) + 1}",
                title=region,
                columns=("Metric", "Mean", "SD", "Median", "Least", "Greatest", "n"),
                rows=tuple(rows),
                notes=tuple(notes),
            )
        )
    return tuple(made)


def _row(scores: Sequence[Score], pixels: bool) -> Row:
    metric = METRICS[scores[0].metric]
    values = [score.value for score in scores if score.value is not None]
    shown: list[float | None] = [None] * 5
    if values:
        deviation = statistics.stdev(values) if len(values) > 1 else None
        shown = [math.fsum(values) / len(values), deviation, statistics.median(values), min(values), max(values)]
    texts = [number_format.fixed(value, metric.decimals) for value in shown]
    return Row((Entry(metric.heading(pixels=pixels)), *map(Entry, texts), Entry(str(len(values)))))


def _pooled(counts: Sequence[Counts], lesions: Sequence[Lesions]) -> list[Row]:
    """Returns rows of the metrics that have one value for all cases together."""
    tp, fp, fn = (sum(getattr(one, name) for one in counts) for name in ("tp", "fp", "fn"))
    found, dice = recall(lesions), object_dice(lesions)
    values = {
        "pooled_dice": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else None,
        "pooled_lesion_recall": found,
        "object_dice": None if dice is None else dice.mean,
    }
    return [
        Row(
            (
                Entry(METRICS[name].heading(pixels=False)),
                Entry(number_format.fixed(value, 3)),
                *[Entry("")] * 4,
                Entry(""),
            )
        )
        for name, value in values.items()
    ]


def tidy(scores: Sequence[Score], without_prediction: Sequence[str], without_reference: Sequence[str]) -> str:
    """Returns CSV: a row for each case, region and metric, with full precision, then the cases that have no partner.

    Args:
        scores: Of every case; an undefined value is empty.
        without_prediction: References that have no prediction.
        without_reference: Predictions that have no reference.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for score in scores:
        writer.writerow([cell(score.case), cell(score.region), score.metric, cell(score.value), score.note or ""])
    for note, names in ((NO_PREDICTION, without_prediction), (NO_REFERENCE, without_reference)):
        writer.writerows([cell(name), "", "", "", note] for name in names)
    return out.getvalue()


def page(title: str, found: Sequence[Table], remarks: Sequence[str]) -> str:
    """Returns a self-contained page without scripts.

    Args:
        title: Its title.
        found: The tables.
        remarks: Sentences before the tables: cases without a partner, warnings.
    """
    from markupsafe import Markup

    style = files("reports.formats").joinpath("templates/report.css").read_text("utf-8")
    template = environment("html").get_template("scores.html")
    return template.render(title=title, tables=found, remarks=remarks, style=Markup(style))
