"""The report for a terminal: the objective's table, what may be claimed, what is missing."""

import textwrap

from reports.document import Document
from reports.layout import LIKE_BEST, Entry, Row, Table


def text(document: Document, width: int = 100) -> str:
    """The tables that the file asks for, else the objective's, and the sentences, as plain text.

    Args:
        document: The report.
        width: Letters of a line of sentences; tables are as wide as they are.
    """
    shown = document.asked or document.regions[:1]
    blocks = [f"{document.name}: {document.headline}", *map(table, shown)]
    for heading, lines in (("", document.claims), ("Missing:", document.missing), ("Note:", document.remarks)):
        if lines:
            blocks.append(
                "\n".join([heading] * bool(heading) + [_wrapped(line, width, bool(heading)) for line in lines])
            )
    return "\n\n".join(blocks) + "\n"


def _wrapped(line: str, width: int, item: bool) -> str:
    return textwrap.fill(line, width, initial_indent="- " if item else "", subsequent_indent="  " if item else "")


def table(found: Table) -> str:
    """A table with aligned columns: words to the left, numbers to the right; `*` marks a column's best."""
    first = next((index for index in range(len(found.columns)) if index not in found.words), 0)
    rows = (tuple(_cell(entry, index == first) for index, entry in enumerate(row.entries)) for row in found.rows)
    printed = any(row.state == "printed" for row in found.rows)
    marked = [
        (_in_brackets(row) if row.state == "printed" else cells[0], *cells[1:])
        for row, cells in zip(found.rows, rows, strict=True)
    ]
    lines = [found.full_columns, *marked]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    written = [
        "  ".join(
            word.ljust(width) if index in found.words else word.rjust(width)
            for index, (word, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    rule = "─" * max(map(len, written))
    notes = "*: best of its column" + ("; ≈: cannot be told from the best" if _any_like_best(found) else "")
    notes += "; (in brackets): a paper's own numbers, by its own protocol" if printed else ""
    return "\n".join([found.title, written[0], rule, *written[1:], notes])


def _in_brackets(row: Row) -> str:
    first = row.entries[0]
    return f"({', '.join(filter(None, (first.text, first.detail)))})"


def _cell(entry: Entry, first: bool) -> str:
    """Intervals stand beside the first metric only, so that the table fits a terminal."""
    mark = "*" if entry.best else LIKE_BEST if entry.like_best else ""
    return f"{entry.text}{mark}" + (f" {entry.detail}" if entry.detail and first else "")


def _any_like_best(found: Table) -> bool:
    return any(entry.like_best for row in found.rows for entry in row.entries)
