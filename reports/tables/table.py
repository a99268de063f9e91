"""A table before it is written: what stands in which cell, and what is emphasised. The same for all formats."""

import dataclasses
from typing import Literal

State = Literal["", "baseline", "unfinished", "failed", "printed"]

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
        arm: Number of the arm whose trials it comes from, for a page to link to them; None elsewhere.
    """

    text: str
    detail: str = ""
    best: bool = False
    like_best: bool = False
    span: tuple[float | None, float, float | None] | None = None
    arm: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        entries: Its cells.
        state: How the arm stands; `printed` where the numbers are a paper's.
        badges: What differs in a printed row's protocol, a word each.
    """

    entries: tuple[Entry, ...]
    state: State = ""
    badges: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """What a printed row's first cell says beside its name; empty elsewhere."""
        if self.state != "printed":
            return ""
        return f"printed; differs: {', '.join(self.badges)}" if self.badges else "printed"


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        key: Its name in links.
        title: In print.
        columns: Headings; the first column is words, the others numbers unless `words` names them.
        groups: (heading, columns that it spans) above the headings, over all columns; empty without.
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
    groups: tuple[tuple[str, int], ...] = ()

    @property
    def full_columns(self) -> tuple[str, ...]:
        """Headings with that of their group, for formats of one line: `tumor: unet`."""
        above = [heading for heading, span in self.groups for _ in range(span)] or [""] * len(self.columns)
        return tuple(f"{group}: {name}" if group else name for group, name in zip(above, self.columns, strict=True))
