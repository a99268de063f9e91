"""The report for a terminal: the objective's table, claims, missing results and remarks."""

import textwrap
from collections.abc import Sequence

from reports.document import Document
from reports.formats.visible import visible
from reports.tables.table import LIKE_BEST, Entry, Row, Table

WIDEST = 160
"""Characters in a line of a table, unless the terminal is wider."""


def text(document: Document, width: int = 100) -> str:
    """Returns the requested tables, else the objective's, and the sentences, as plain text.

    Args:
        document: The report.
        width: Characters in a line of prose; tables may be wider.
    """
    shown = document.requested or document.regions[:1]
    blocks = [f"{document.name}: {document.headline}", *(table(found, max(width, WIDEST)) for found in shown)]
    for heading, lines in (("", document.claims), ("Missing:", document.missing), ("Note:", document.remarks)):
        if lines:
            blocks.append(
                "\n".join([heading] * bool(heading) + [_wrapped(line, width, bool(heading)) for line in lines])
            )
    return visible("\n\n".join(blocks)) + "\n"


def _wrapped(line: str, width: int, item: bool) -> str:
    return textwrap.fill(line, width, initial_indent="- " if item else "", subsequent_indent="  " if item else "")


def table(found: Table, width: int = WIDEST) -> str:
    """Returns a table with aligned columns: text left, numbers right; `*` marks a column's best.

    Args:
        found: The table.
        width: Characters in a line; a wider table is split into parts, each with the text columns.
    """
    first = next((index for index in range(len(found.columns)) if index not in found.words), 0)
    marked = []
    for row in found.rows:
        cells = [_cell(entry, index == first) for index, entry in enumerate(row.entries)]
        marked.append((_in_brackets(row) if row.state == "printed" else cells[0], *cells[1:]))
    lines = [found.full_columns, *marked]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    parts = [_aligned(lines, widths, part, found.words) for part in _parts(widths, found.words, width)]
    notes = "*: best of its column" + (
        "; ≈: close to the best, within the declared margin" if _any_like_best(found) else ""
    )
    printed = any(row.state == "printed" for row in found.rows)
    notes += "; (in brackets): a paper's own numbers, by its own protocol" if printed else ""
    return "\n".join([found.title, *"\n\n".join(parts).split("\n"), notes])


def _parts(widths: Sequence[int], words: frozenset[int], width: int) -> list[list[int]]:
    """Returns the columns of each part: text columns in all parts, the others where they fit."""
    left = [index for index in range(len(widths)) if index in words]
    taken = sum(widths[index] + 2 for index in left)
    parts: list[list[int]] = []
    room = 0
    for index in range(len(widths)):
        if index in words:
            continue
        if not parts or widths[index] + 2 > room:
            parts.append([*left])
            room = width - taken
        parts[-1].append(index)
        room -= widths[index] + 2
    return parts or [left]


def _aligned(
    lines: Sequence[Sequence[str]], widths: Sequence[int], columns: Sequence[int], words: frozenset[int]
) -> str:
    written = [
        "  ".join(
            line[index].ljust(widths[index]) if index in words else line[index].rjust(widths[index])
            for index in columns
        ).rstrip()
        for line in lines
    ]
    return "\n".join([written[0], "─" * max(map(len, written)), *written[1:]])


def _in_brackets(row: Row) -> str:
    first = row.entries[0]
    return f"({', '.join(filter(None, (first.text, first.detail)))})"


def _cell(entry: Entry, first: bool) -> str:
    """Returns a cell's text; only the first metric has intervals, so that the table fits a terminal."""
    mark = "*" if entry.best else LIKE_BEST if entry.like_best else ""
    shown = entry.below if first else "" if entry.n is None else f"n = {entry.n}"
    return f"{entry.text}{mark}" + (f" {shown}" if shown else "")


def _any_like_best(found: Table) -> bool:
    return any(entry.like_best for row in found.rows for entry in row.entries)
