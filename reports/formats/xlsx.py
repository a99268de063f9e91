"""The report as a workbook: a sheet of sentences, a sheet per table, and all numbers as tidy rows on the last.

Numbers are numbers with all their digits, shown as in the other formats; an interval has columns of its own.
"""

import csv
import dataclasses
import datetime
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reports.document import Document
from reports.formats.tidy_csv import final_csv
from reports.results.number_format import MINUS, NONE
from reports.results.results import Results
from reports.tables.table import LIKE_BEST, Row, Table

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format

MOST_DECIMALS = 4
CREATED = datetime.datetime(2000, 1, 1)
"""Creation time in the file's properties: a real one would change the bytes each time."""

OPTIONS: Mapping[str, Any] = {
    "in_memory": True,
    "strings_to_numbers": False,
    "strings_to_formulas": False,
    "strings_to_urls": False,
}
"""Text is never converted to numbers, formulas or links."""

_NUMBER = re.compile(rf"[+{MINUS}-]?\d+(\.\d+)?")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclasses.dataclass(frozen=True, slots=True)
class Value:
    """One cell.

    Attributes:
        content: Text or a number; an empty string leaves the cell empty.
        bold: Whether it is emphasised.
        title: Whether it is a sheet's title: bold and larger.
        decimals: Digits shown after the point; None for the program's default.
    """

    content: str | float
    bold: bool = False
    title: bool = False
    decimals: int | None = None


Sheet = tuple[str, Sequence[Sequence[Value]]]
"""(name, rows)."""


def workbook(document: Document, studies: Sequence[Results]) -> bytes:
    """Returns the workbook; a report always gives the same bytes."""
    sheets = [("Report", _sentences(document)), *((table.title, _rows(table)) for table in document.tables)]
    return _written([*sheets, ("All numbers", _tidy(final_csv(*studies)))])


def _sentences(document: Document) -> list[list[Value]]:
    rows = [[Value(document.name, title=True)], [Value(document.headline)]]
    parts = (
        ("What may be claimed", document.claims),
        ("Missing", document.missing),
        ("To be known", document.remarks),
        ("Methods, for the manuscript", document.methods),
    )
    for title, lines in parts:
        if lines:
            rows += [[], [Value(title, title=True)], *([Value(line)] for line in lines)]
    return [*rows, [], [Value("Study", title=True)], *([Value(what), Value(how)] for what, how in document.facts)]


def _rows(table: Table) -> list[list[Value]]:
    spans = [any(_interval(row, index) is not None for row in table.rows) for index in range(len(table.columns))]
    details = [
        any(row.entries[index].like_best or bool(_more(row, index)) for row in table.rows)
        for index in range(len(table.columns))
    ]
    headings = []
    for index, name in enumerate(table.full_columns):
        headings += [name, *([f"{name}, low", f"{name}, high"] * spans[index]), *([f"{name}, more"] * details[index])]
    rows = [[Value(table.title, title=True)], [Value(heading, bold=True) for heading in [*headings, "Standing"]]]
    for row in table.rows:
        cells = [
            cell for index in range(len(table.columns)) for cell in _cells(row, index, spans[index], details[index])
        ]
        rows.append([*cells, Value(row.remark or row.state)])
    return [*rows, [], *([Value(note)] for note in table.notes)]


def _interval(row: Row, index: int) -> tuple[float, float] | None:
    span = row.entries[index].span
    return None if span is None or span[0] is None or span[2] is None else (span[0], span[2])


def _cells(row: Row, index: int, spans: bool, details: bool) -> list[Value]:
    """Returns a cell, and its interval's ends and detail if its column has any."""
    entry = row.entries[index]
    cells = [_value(entry.label, None if entry.span is None else entry.span[1], bold=entry.best)]
    interval = _interval(row, index)
    if spans:
        digits = _decimals(entry.text)
        cells += [Value("")] * 2 if interval is None else [Value(end, decimals=digits) for end in interval]
    if details:
        more = _more(row, index)
        cells.append(Value(f"{more} {LIKE_BEST}".strip() if entry.like_best else more))
    return cells


def _more(row: Row, index: int) -> str:
    """Returns a cell's smaller text, but for an interval, which has columns of its own."""
    entry = row.entries[index]
    return entry.below if _interval(row, index) is None else "" if entry.n is None else f"n = {entry.n}"


def _value(text: str, exact: float | None, *, bold: bool) -> Value:
    """Returns a number with all its known digits, else text."""
    if text == NONE:
        return Value("")
    if _NUMBER.fullmatch(text):
        shown = float(text.replace(MINUS, "-"))
        return Value(shown if exact is None else exact, bold=bold, decimals=_decimals(text))
    return Value(text, bold=bold)


def _decimals(text: str) -> int:
    return min(MOST_DECIMALS, len(text.partition(".")[2])) if _NUMBER.fullmatch(text) else 3


def _tidy(text: str) -> list[list[Value]]:
    """Returns the rows of `results.csv`, numbers as numbers."""
    head, *lines = csv.reader(io.StringIO(text))
    numbers = {head.index(name) for name in ("iteration", "mean", "low", "high", "n", "baseline_p")}
    return [
        [Value(name, bold=True) for name in head],
        *([_number(word) if index in numbers else Value(word) for index, word in enumerate(line)] for line in lines),
    ]


def _number(word: str) -> Value:
    try:
        return Value(float(word))
    except ValueError:
        return Value(word)


def _written(sheets: Sequence[Sheet]) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    names = _names([name for name, _ in sheets])
    with xlsxwriter.Workbook(out, dict(OPTIONS)) as book:
        book.set_properties({"created": CREATED})
        formats = _Formats(book)
        for name, (_, rows) in zip(names, sheets, strict=True):
            sheet = book.add_worksheet(name)
            sheet.set_column(0, 0, 30)
            for at, row in enumerate(rows):
                for column, value in enumerate(row):
                    if isinstance(value.content, str):
                        if value.content:
                            sheet.write_string(at, column, _text(value.content), formats[value])
                    elif math.isfinite(value.content):  # workbooks have neither infinity nor NaN
                        sheet.write_number(at, column, value.content, formats[value])
                    else:
                        sheet.write_string(at, column, str(value.content), formats[value])
    return out.getvalue()


class _Formats:
    """Formats of a workbook, each created once."""

    def __init__(self, book: "Workbook") -> None:
        self.book = book
        self.made: dict[tuple[bool, bool, int | None], Format] = {}

    def __getitem__(self, value: Value) -> "Format":
        key = (value.bold, value.title, value.decimals)
        if key not in self.made:
            found: dict[str, Any] = {"bold": value.bold or value.title, "font_size": 13 if value.title else 11}
            if value.decimals is not None:
                found["num_format"] = "0" + ("." + "0" * value.decimals if value.decimals else "")
            self.made[key] = self.book.add_format(found)
        return self.made[key]


def _names(titles: Sequence[str]) -> list[str]:
    """Returns valid sheet names: at most 31 characters, no brackets, slashes, `:*?`, unique regardless of case."""
    names: list[str] = []
    for title in titles:
        clean = _text(re.sub(r"[\[\]:*?/\\]+", " ", title)).strip().strip("'") or "Table"
        name, number = clean[:31].strip().strip("'"), 1
        while name.lower() in {"history", *(other.lower() for other in names)}:  # Excel reserves `History`
            number += 1
            end = f" {number}"
            name = clean[: 31 - len(end)].strip() + end
        names.append(name)
    return names


def _text(text: str) -> str:
    return _NOT_XML.sub("�", text)
