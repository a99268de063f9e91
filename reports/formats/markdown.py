"""The report as Markdown (GitHub's tables)."""

import re

from reports.document import Document
from reports.formats.visible import visible
from reports.tables.table import LIKE_BEST, Entry, Row, Table

_SPECIAL = re.compile(r"[\\`*<>|\[\]]|(?<!\w)_|_(?!\w)|^(?=[#+-]\s|\d+\.\s)")


def markdown(document: Document) -> str:
    """Returns the whole report."""
    blocks = [f"# {escape(document.name)}", escape(document.headline) + "."]
    if not document.complete:
        blocks.append("**This study is not finished.**")
    blocks += ["## What may be claimed", "\n\n".join(map(escape, document.claims))]
    for title, lines in (("## Missing", document.missing), ("## To be known", document.remarks)):
        if lines:
            blocks += [title, "\n".join(f"- {escape(line)}" for line in lines)]
    blocks += [block for found in document.tables for block in _table(found)]
    if document.methods:
        blocks += ["## Methods, for the manuscript", "\n\n".join(map(escape, document.methods))]
    blocks += ["## Study", "\n".join(f"- {what}: {escape(how)}" for what, how in document.facts)]
    return "\n\n".join(blocks) + "\n"


def escape(text: str) -> str:
    """Escapes text, so that names and reasons make no emphasis, links, HTML, cells or line breaks."""
    return _SPECIAL.sub(lambda found: "\\" + found.group(), visible(" ".join(text.split())))


def _table(found: Table) -> list[str]:
    rule = ["---" if index in found.words else "---:" for index in range(len(found.columns))]
    rows = [list(map(escape, found.full_columns)), rule, *(_row(row) for row in found.rows)]
    notes = "\n".join(f"- {escape(note)}" for note in found.notes)
    return [
        f"## {escape(found.title)}",
        "\n".join(f"| {' | '.join(row)} |" for row in rows),
        *([notes] if notes else []),
    ]


def _row(row: Row) -> list[str]:
    cells = [_cell(entry) for entry in row.entries]
    if row.remark:  # a paper's own numbers are in italics
        cells = [f"*{cell}*" if cell else "" for cell in cells]
        cells[0] += f" ({escape(row.remark)})"
    return cells


def _cell(entry: Entry) -> str:
    text = f"**{escape(entry.label)}**" if entry.best else escape(entry.label)
    text += f" {LIKE_BEST}" if entry.like_best else ""
    return f"{text} {_detail(entry)}".rstrip()


def _detail(entry: Entry) -> str:
    if not entry.below:
        return ""
    return escape(entry.below) if entry.span is not None else f"({escape(entry.below)})"
