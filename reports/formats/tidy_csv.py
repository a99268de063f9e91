"""Tidy CSV files, one number per row: means on test cases, each test case, and validation values."""

import csv
import io
import re
from collections.abc import Iterator, Sequence

from reports.formats.visible import visible
from reports.results.results import Results
from reports.results.tidy import CASE_COLUMNS, COLUMNS, Line, case_lines, final_lines, search_lines

FORMULA = tuple("=+-@\t\r")
"""First characters of what spreadsheets run as a formula."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", re.I)


def final_csv(*studies: Results) -> str:
    """Returns test values of every arm, region, metric and mark (empty means without a result), then papers' rows."""
    return _written(final_lines(studies))


def search_csv(*studies: Results) -> str:
    """Returns the validation objective of every search trial at every mark that it reached."""
    return _written(search_lines(studies))


def cases_csv(*studies: Results) -> str:
    """Returns every test case's value in every final training at the last mark."""
    return _written(case_lines(studies), CASE_COLUMNS)


def _written(lines: Iterator[Line], columns: Sequence[str] = COLUMNS) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in line.items()} for line in lines)
    return out.getvalue()


def cell(value: str | int | float | None) -> str | int | float:
    """Returns what a cell holds: text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if not isinstance(value, str):
        return "" if value is None else value
    return f"'{visible(value)}" if value[:1] in FORMULA and not _NUMBER.fullmatch(value) else visible(value)
