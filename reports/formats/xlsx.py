"""The report as a workbook: a sheet of what it says, a sheet a table, and every number tidy on the last.

Written with the standard library: a package is not needed for so little, and the same ledger gives the same bytes.
Numbers are numbers with all their digits, shown as in the other formats; an interval has columns of its own.

Source: ECMA-376, Office Open XML, part 1, chapter 18 (SpreadsheetML).
"""

import csv
import dataclasses
import io
import re
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from reports.document import Document
from reports.formats.tidy_csv import final_csv
from reports.results.number_format import MINUS, NONE
from reports.results.results import Results
from reports.tables.table import LIKE_BEST, Row, Table

PLAIN, BOLD, HEADING = 0, 1, 2
"""Styles; a number with d decimals has the style 3 + 2 d, in bold one more."""
DECIMALS = 4

_NUMBER = re.compile(rf"[+{MINUS}-]?\d+(\.\d+)?")
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclasses.dataclass(frozen=True, slots=True)
class Value:
    """One cell: words or a number, and its style."""

    content: str | float
    style: int = PLAIN


Sheet = tuple[str, Sequence[Sequence[Value]]]
"""(name, rows)."""


def workbook(document: Document, studies: Sequence[Results]) -> bytes:
    """The whole workbook."""
    sheets = [("Report", _said(document)), *((table.title, _rows(table)) for table in document.tables)]
    return _packed([*sheets, ("All numbers", _tidy(final_csv(*studies)))])


def _said(document: Document) -> list[list[Value]]:
    rows = [[Value(document.name, HEADING)], [Value(document.headline)]]
    parts = (
        ("What may be claimed", document.claims),
        ("Missing", document.missing),
        ("To be known", document.remarks),
        ("Methods, for the manuscript", document.methods),
    )
    for title, lines in parts:
        if lines:
            rows += [[], [Value(title, HEADING)], *([Value(line)] for line in lines)]
    return [*rows, [], [Value("Study", HEADING)], *([Value(what), Value(how)] for what, how in document.facts)]


def _rows(table: Table) -> list[list[Value]]:
    spans = [any(_interval(row, index) is not None for row in table.rows) for index in range(len(table.columns))]
    details = [
        any(
            row.entries[index].like_best or (row.entries[index].detail and _interval(row, index) is None)
            for row in table.rows
        )
        for index in range(len(table.columns))
    ]
    headings = []
    for index, name in enumerate(table.full_columns):
        headings += [name, *([f"{name}, low", f"{name}, high"] * spans[index]), *([f"{name}, more"] * details[index])]
    rows = [[Value(table.title, HEADING)], [Value(heading, BOLD) for heading in [*headings, "Standing"]]]
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
    """A cell with its interval's ends and what belongs to it, where its column has such."""
    entry = row.entries[index]
    cells = [_value(entry.text, None if entry.span is None else entry.span[1], bold=entry.best)]
    interval = _interval(row, index)
    if spans:
        digits = _decimals(entry.text)
        cells += [Value("")] * 2 if interval is None else [Value(end, _style(digits, bold=False)) for end in interval]
    if details:
        more = entry.detail if interval is None else ""
        cells.append(Value(f"{more} {LIKE_BEST}".strip() if entry.like_best else more))
    return cells


def _value(text: str, exact: float | None, *, bold: bool) -> Value:
    """A number as a number, with the digits that it is not shown with where they are known."""
    if text == NONE:
        return Value("")
    if _NUMBER.fullmatch(text):
        shown = float(text.replace(MINUS, "-"))
        return Value(shown if exact is None else exact, _style(_decimals(text), bold=bold))
    return Value(text, BOLD if bold else PLAIN)


def _decimals(text: str) -> int:
    return min(DECIMALS, len(text.partition(".")[2])) if _NUMBER.fullmatch(text) else 3


def _style(decimals: int, *, bold: bool) -> int:
    return 3 + 2 * decimals + bold


def _tidy(text: str) -> list[list[Value]]:
    """`results.csv` as it is, numbers as numbers."""
    head, *lines = csv.reader(io.StringIO(text))
    numbers = {head.index(name) for name in ("iteration", "mean", "low", "high", "n", "baseline_p")}
    return [
        [Value(name, BOLD) for name in head],
        *(
            [
                Value(float(word)) if word and index in numbers and _is_number(word) else Value(word)
                for index, word in enumerate(line)
            ]
            for line in lines
        ),
    ]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _packed(sheets: Sequence[Sheet]) -> bytes:
    names = _names([name for name, _ in sheets])
    numbers = range(1, len(sheets) + 1)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        + "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n in numbers
        )
        + "</Types>",
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        + "".join(
            f'<sheet name={quoteattr(name)} sheetId="{n}" r:id="rId{n}"/>'
            for n, name in zip(numbers, names, strict=True)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations(
            [*(("worksheet", f"worksheets/sheet{n}.xml") for n in numbers), ("styles", "styles.xml")]
        ),
        "xl/styles.xml": _styles(),
    }
    parts |= {f"xl/worksheets/sheet{n}.xml": _sheet(rows) for n, (_, rows) in zip(numbers, sheets, strict=True)}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))  # no clock: the same bytes
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, _HEAD + content)
    return out.getvalue()


def _names(titles: Sequence[str]) -> list[str]:
    """Names that a workbook takes: at most 31 letters, no brackets, slashes, `:*?`, each once whatever the case."""
    names: list[str] = []
    for title in titles:
        clean = _text(re.sub(r"[\[\]:*?/\\]+", " ", title)).strip().strip("'") or "Table"
        name, number = clean[:31].strip(), 1
        while name.lower() in {other.lower() for other in names}:
            number += 1
            end = f" {number}"
            name = clean[: 31 - len(end)].strip() + end
        names.append(name)
    return names


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    links = (
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{"".join(links)}</Relationships>'


def _styles() -> str:
    formats = ["0" + ("." + "0" * decimals if decimals else "") for decimals in range(DECIMALS + 1)]
    listed = "".join(f'<numFmt numFmtId="{164 + n}" formatCode="{code}"/>' for n, code in enumerate(formats))
    styles = [(0, 0), (0, 1), (0, 2), *((164 + n, font) for n in range(len(formats)) for font in (0, 1))]
    cells = "".join(
        f'<xf numFmtId="{number}" fontId="{font}" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"'
        ' applyFont="1"/>'
        for number, font in styles
    )
    size = '<name val="Calibri"/>'
    return (
        f'<styleSheet xmlns="{_MAIN}"><numFmts count="{len(formats)}">{listed}</numFmts>'
        f'<fonts count="3"><font><sz val="11"/>{size}</font><font><b/><sz val="11"/>{size}</font>'
        f'<font><b/><sz val="13"/>{size}</font></fonts>'
        '<fills count="2"><fill><patternFill patternType="none"/></fill>'
        '<fill><patternFill patternType="gray125"/></fill></fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(styles)}">{cells}</cellXfs></styleSheet>'
    )


def _sheet(rows: Sequence[Sequence[Value]]) -> str:
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(
            _cell(value, f"{_letters(index)}{number}") for index, value in enumerate(row) if value.content != ""
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    return (
        f'<worksheet xmlns="{_MAIN}"><cols><col min="1" max="1" width="30" customWidth="1"/></cols>'
        f"<sheetData>{''.join(lines)}</sheetData></worksheet>"
    )


def _cell(value: Value, at: str) -> str:
    if isinstance(value.content, str):  # inline and never a formula, whatever it begins with
        words = escape(_text(value.content))
        return f'<c r="{at}" s="{value.style}" t="inlineStr"><is><t xml:space="preserve">{words}</t></is></c>'
    return f'<c r="{at}" s="{value.style}"><v>{value.content!r}</v></c>'


def _letters(index: int) -> str:
    """`A`, `B`, …, `Z`, `AA`: a column's name, from 0."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def _text(text: str) -> str:
    return _NOT_XML.sub("�", text)
