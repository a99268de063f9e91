"""Tidy CSV files, one number per row: one file of test values, one of validation values."""

import csv
import io
import re
from collections.abc import Iterator

from reports.formats.visible import visible
from reports.results.results import Results
from reports.results.tidy import COLUMNS, Line, final_lines, search_lines

FORMULA = tuple("=+-@\t\r")
"""First characters of what spreadsheets run as a formula."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.I)


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
    writer.writerows({name: _cell(value) for name, value in line.items()} for line in lines)
    return out.getvalue()


def _cell(value: str | int | float | None) -> str | int | float:
    """Returns what a cell holds: text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if not isinstance(value, str):
        return "" if value is None else value
    return f"'{visible(value)}" if value[:1] in FORMULA and not _NUMBER.fullmatch(value) else visible(value)
