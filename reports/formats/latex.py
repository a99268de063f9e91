"""The report as LaTeX: an ASCII document of booktabs tables that compiles as it is."""

import re
import unicodedata

from reports.document import Document
from reports.formats.templating import environment
from reports.tables.table import Entry, Row, Table

_PLAIN = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "{''}",
    "`": r"{\`{}}",
    "'": r"{'}",
    "-": "{-}",  # two in a row would become a dash
    "−": "$-$",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "×": r"$\times$",
    "±": r"$\pm$",
    "≈": r"$\approx$",
    "†": r"$\dagger$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\to$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "·": r"$\cdot$",
    "°": r"$^\circ$",
    "µ": r"$\mu$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "γ": r"$\gamma$",
    "δ": r"$\delta$",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "œ": r"\oe{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
}
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
    "\u0328": "k",
}


_JOINED = re.compile(r"(?<=[A-Za-z])\+(?=[A-Za-z])")
"""The plus signs in an arm's name, after which a line may break."""


class Latex(str):
    """Text that is LaTeX already."""


def escape(text: object) -> str:
    """Returns LaTeX that prints the text: special characters, accents, mathematical signs.

    Characters that an 8-bit font lacks become their code point, `[U+4E2D]`, so that every engine compiles the document.
    """
    if isinstance(text, Latex):
        return text
    written = "".join(_letter(letter) for letter in unicodedata.normalize("NFC", " ".join(str(text).split())))
    return _JOINED.sub(r"+\\allowbreak{}", written)


def _letter(letter: str) -> str:
    if letter in _PLAIN:
        return _PLAIN[letter]
    if " " <= letter <= "~":
        return letter
    parts = unicodedata.normalize("NFD", letter)
    if len(parts) == 2 and parts[1] in _ACCENTS and parts[0].isascii():
        return f"\\{_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"[U+{ord(letter):04X}]"


def latex(document: Document) -> str:
    """Returns the whole report."""
    template = environment("latex", finalize=escape).get_template("report.tex")
    tables = [(found, columns(found), headings(found), rows(found)) for found in document.tables]
    return template.render(document=document, tables=tables)


def columns(found: Table) -> Latex:
    """Returns the column specification: long text as paragraphs, short text left, numbers right."""
    return Latex("@{}" + "".join(_column(found, index) for index in range(len(found.columns))) + "@{}")


def _column(found: Table, index: int) -> str:
    if index not in found.words:
        return "r"
    longest = max((len(row.entries[index].text) for row in found.rows), default=0)
    below = index == 0 and any(row.entries[0].below or row.remark for row in found.rows)
    said = index == 0 and any(row.remark for row in found.rows)  # two lines, so that the table stays narrow
    width = "7.5cm" if said else "4.4cm" if index == 0 or longest <= 50 else "8cm"
    return "l" if longest <= 20 and not below else rf">{{\raggedright\arraybackslash}}p{{{width}}}"


def headings(found: Table) -> Latex:
    """Returns the heading's cells, joined, below the groups of columns with a rule under each."""
    names = " & ".join(map(escape, found.columns))
    if not found.groups:
        return Latex(names)
    above, rules, start = [], [], 1
    for heading, span in found.groups:
        above.append(rf"\multicolumn{{{span}}}{{c}}{{{escape(heading)}}}")
        rules += [rf"\cmidrule(lr){{{start}-{start + span - 1}}}"] if heading else []
        start += span
    return Latex(" & ".join(above) + r" \\" + "".join(rules) + "\n" + names)


def rows(found: Table) -> list[Latex]:
    """Returns each row's cells, joined."""
    return [
        Latex(" & ".join(_cell(entry, index, row) for index, entry in enumerate(row.entries))) for row in found.rows
    ]


def _cell(entry: Entry, index: int, row: Row) -> str:
    text = escape(entry.label)
    if entry.best:
        text = rf"\textbf{{{text}}}"
    if entry.like_best:
        text += r"\rlap{$^{\approx}$}"
    if row.state == "printed" or (index == 0 and row.state in ("failed", "unfinished")):
        text = rf"\textit{{{text}}}" if text else text
    words = "; ".join(filter(None, (entry.below, row.remark if index == 0 else "")))
    if not words:
        return text
    detail = rf"{{\scriptsize {escape(words)}}}"
    if index == 0:
        return rf"{text}\newline {detail}"
    return rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{text}\\{detail}\end{{tabular}}"
