"""The tidy CSV: one number a row. Test values and validation values in files of their own."""

import csv
import io
from collections.abc import Iterator

from reports.results.results import Results
from reports.results.tidy import COLUMNS, Line, final_lines, search_lines


def final_csv(*studies: Results) -> str:
    """Test cases: every arm, region, metric and mark; arms without a result have empty means. Then the papers' rows."""
    return _written(final_lines(studies))


def search_csv(*studies: Results) -> str:
    """Validation cases: the objective of every search trial at every mark that it reached."""
    return _written(search_lines(studies))


def _written(lines: Iterator[Line]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in line.items()} for line in lines)
    return out.getvalue()
