"""A table before it is written: what stands in which cell, and what is emphasised. The same for all formats."""

import dataclasses
from typing import Literal

State = Literal["", "baseline", "unfinished", "failed"]

LIKE_BEST = "≈"
"""Marks what cannot be told from the best."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One cell.

    Attributes:
        text: What stands in it.
        detail: What belongs to it and is less: the interval, the parameters.
        best: Whether it is its column's best.
        like_best: Whether it cannot be told from the best.
        span: (low, mean, high) for a drawing; low and high None without an interval.
    """

    text: str
    detail: str = ""
    best: bool = False
    like_best: bool = False
    span: tuple[float | None, float, float | None] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row; `state` says how the arm stands."""

    entries: tuple[Entry, ...]
    state: State = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        key: Its name in links.
        title: In print.
        columns: Headings; the first column is words, the others numbers unless `words` names them.
        rows: All as long as `columns`.
        notes: To be read with it.
        words: Positions of columns that hold words.
    """

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    words: frozenset[int] = frozenset({0})
