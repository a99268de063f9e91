"""Tidy CSV files, one number per row: one file of test values, one of validation values."""

import csv
import io
from collections.abc import Iterator

from reports.results.results import Results
from reports.results.tidy import COLUMNS, Line, final_lines, search_lines


def final_csv(*studies: Results) -> str:
    """Returns test values of every arm, region, metric and mark (empty means without a result), then papers' rows."""
    return _written(final_lines(studies))


def search_csv(*studies: Results) -> str:
    """Returns the validation objective of every search trial at every mark that it reached."""
    return _written(search_lines(studies))


def _written(lines: Iterator[Line]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in line.items()} for line in lines)
    return out.getvalue()
