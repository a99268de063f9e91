"""The live table of a running study's arms and trials, fitted to the terminal's width and height."""

from collections.abc import Sequence

from rich.console import Group, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from study.console.progress import ArmProgress, Progress
from study.in_words import counted, duration


def picture(progress: Progress, *, width: int, height: int) -> RenderableType:
    """Return the live table.

    Args:
        progress: The study's progress.
        width: Columns of the terminal; narrow ones lose the least needed columns of the table first.
        height: Lines of the terminal; arms that do not fit are counted, running ones are shown first.
    """
    room = max(1, height - 5)
    shown = _fitting(progress.arms, room)
    table = _table(shown, width)
    parts: list[RenderableType] = [
        Text(headline(progress), style="bold", overflow="ellipsis", no_wrap=True),
        Padding(ProgressBar(total=1.0, completed=progress.share, width=min(width, 60))),
        table,
    ]
    if len(shown) < len(progress.arms):
        parts.append(Text(f"… and {len(progress.arms) - len(shown)} more arms", style="dim"))
    return Group(*parts)


def headline(progress: Progress) -> str:
    """Return a line such as `demo: running, 42 %, about 3 min left, 2 segments at work`."""
    parts = [progress.state]
    if progress.state != "done":
        parts.append(f"{progress.share:.0%}".replace("%", " %"))
    if progress.state in ("running", "stopping"):
        left = progress.seconds_left
        parts.append("time left not known yet" if left is None else f"about {duration(left)} left")
        parts.append(counted(sum(len(arm.running) for arm in progress.arms), "segment") + " at work")
    if progress.failed:
        parts.append(counted(progress.failed, "trial") + " failed")
    if progress.losses:
        parts.append(counted(progress.losses, "segment") + " lost to machines, run again")
    return f"{progress.study}: " + ", ".join(parts)


def _fitting(arms: Sequence[ArmProgress], room: int) -> list[ArmProgress]:
    """Return the arms that fit, in the study file's order; if room is short, running ones first."""
    if len(arms) <= room:
        return list(arms)
    chosen = sorted(range(len(arms)), key=lambda index: (not arms[index].running, index))[: room - 1]
    return [arms[index] for index in sorted(chosen)]


COLUMNS = (("arm", 0), ("search", 0), ("final", 0), ("best", 50), ("failed", 60), ("at work", 80))
"""(heading, minimum width of the terminal at which it is shown): the least needed columns go first."""
GAP = 2
NARROWEST = 8
"""Characters kept of an arm's name and of its running segments; numbers are never truncated."""


def _table(arms: Sequence[ArmProgress], width: int) -> Table:
    headings = [heading for heading, least in COLUMNS if width >= least]
    rows = [_cells(arm)[: len(headings)] for arm in arms]
    widths = [max([len(heading), *(len(row[index]) for row in rows)]) for index, heading in enumerate(headings)]
    spare = width - sum(widths) - GAP * (len(widths) - 1)
    for index in (len(headings) - 1, 0):  # running segments are truncated first, then the arm's name
        if spare < 0 and headings[index] in ("at work", "arm"):
            given = min(-spare, max(0, widths[index] - NARROWEST))
            widths[index] -= given
            spare += given
    table = Table(box=None, pad_edge=False, show_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for heading, column in zip(headings, widths, strict=True):
        justify: JustifyMethod = "left" if heading in ("at work", "arm") else "right"
        table.add_column(heading, justify=justify, no_wrap=True, overflow="ellipsis", width=column)
    for arm, row in zip(arms, rows, strict=True):
        table.add_row(*row, style="bold" if arm.running else "")
    return table


def _cells(arm: ArmProgress) -> list[Text]:
    best = "" if arm.best is None else f"{arm.best:.3f} at {arm.best_at}"
    return [
        Text(arm.name),
        Text(f"{arm.tried}/{arm.tries}" if arm.tries else "–"),
        Text(f"{arm.finals}/{arm.finals_planned}"),
        Text(best),
        Text(str(arm.failed) if arm.failed else "", style="red"),
        Text(", ".join(arm.running)),
    ]
