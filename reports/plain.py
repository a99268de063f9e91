"""The report for a terminal: the objective's table, what may be claimed, what is missing."""

import textwrap

from reports.document import Document
from reports.layout import LIKE_BEST, Entry, Table


def text(document: Document, width: int = 100) -> str:
    """Plain text, ending with a line break; sentences are wrapped at `width` letters, tables are not."""
    blocks = [f"{document.name}: {document.headline}", table(document.regions[0])]
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
    rows = (tuple(_cell(entry, index == 1) for index, entry in enumerate(row.entries)) for row in found.rows)
    lines = [found.columns, *rows]
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
    return "\n".join([found.title, written[0], rule, *written[1:], notes])


def _cell(entry: Entry, first: bool) -> str:
    """Intervals stand beside the first metric only, so that the table fits a terminal."""
    mark = "*" if entry.best else LIKE_BEST if entry.like_best else ""
    return f"{entry.text}{mark}" + (f" {entry.detail}" if entry.detail and first else "")


def _any_like_best(found: Table) -> bool:
    return any(entry.like_best for row in found.rows for entry in row.entries)
