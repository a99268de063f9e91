"""Tables independent of the output format: cells, rows, headings, notes and emphasis."""

import dataclasses
from typing import Literal

State = Literal["", "baseline", "unfinished", "failed", "printed"]

LIKE_BEST = "≈"
"""Mark of arms that are close to the best within the declared margin."""

INCOMPLETE = "†"
"""Mark of arms that have lost final trainings."""


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One cell.

    Attributes:
        text: Its text.
        detail: Additional smaller text, such as the interval or the parameters.
        best: Whether it is its column's best.
        like_best: Whether it is close to the best within the declared margin.
        span: (low, mean, high) for the drawn interval; low and high None without one.
        arm: Number of the arm whose trials the page links to; None without a link.
        n: Number of cases of the value, where it differs from the row's; None elsewhere.
        incomplete: Whether it names an arm that has lost final trainings.
    """

    text: str
    detail: str = ""
    best: bool = False
    like_best: bool = False
    span: tuple[float | None, float, float | None] | None = None
    arm: int | None = None
    n: int | None = None
    incomplete: bool = False

    @property
    def label(self) -> str:
        """The text with the mark of an incomplete arm."""
        return f"{self.text}{INCOMPLETE}" if self.incomplete else self.text

    @property
    def below(self) -> str:
        """The smaller text: detail and number of cases."""
        return "; ".join(filter(None, (self.detail, "" if self.n is None else f"n = {self.n}")))


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One row.

    Attributes:
        entries: Its cells.
        state: State of the arm; `printed` for a paper's numbers.
        badges: Parts in which a printed row's protocol differs.
    """

    entries: tuple[Entry, ...]
    state: State = ""
    badges: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """The remark beside a printed row's name; empty for other rows."""
        if self.state != "printed":
            return ""
        return f"printed; differs: {', '.join(self.badges)}" if self.badges else "printed"


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        key: Its anchor in links.
        title: Title in print.
        columns: Headings; columns hold numbers unless `words` lists them.
        groups: (heading, number of columns) above the headings, over all columns; empty without groups.
        rows: Each as long as `columns`.
        notes: Notes below the table.
        words: Positions of text columns.
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
        """Headings with that of their group, for formats with one line of headings: `tumor: unet`."""
        above = [heading for heading, span in self.groups for _ in range(span)] or [""] * len(self.columns)
        return tuple(f"{group}: {name}" if group else name for group, name in zip(above, self.columns, strict=True))
