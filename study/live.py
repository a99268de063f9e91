"""The live table: a study's arms and trials while they run, fitted to the terminal's width and height."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from study.progress import ArmProgress, Progress
from study.words import counted, duration


def picture(progress: Progress, *, width: int, height: int) -> RenderableType:
    """The whole picture.

    Args:
        progress: Where the study stands.
        width: Columns of the terminal; narrow ones lose the least needed columns of the table first.
        height: Lines of the terminal; arms that do not fit are counted, those at work shown first.
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
    """`demo: running, 42 %, about 3 min left, 2 segments at work`."""
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
    """In the study file's order; where there is too little room, those at work before the others."""
    if len(arms) <= room:
        return list(arms)
    chosen = sorted(range(len(arms)), key=lambda index: (not arms[index].running, index))[: room - 1]
    return [arms[index] for index in sorted(chosen)]


def _table(arms: Sequence[ArmProgress], width: int) -> Table:
    """Columns by need: arm, search, final always; best from 50 columns on, failed from 60, at work from 80."""
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("arm", no_wrap=True, overflow="ellipsis", min_width=8)
    table.add_column("search", justify="right", no_wrap=True)
    table.add_column("final", justify="right", no_wrap=True)
    if width >= 50:
        table.add_column("best", justify="right", no_wrap=True)
    if width >= 60:
        table.add_column("failed", justify="right", no_wrap=True)
    if width >= 80:
        table.add_column("at work", no_wrap=True, overflow="ellipsis")
    for arm in arms:
        table.add_row(*_cells(arm)[: len(table.columns)], style="bold" if arm.running else "")
    return table


def _cells(arm: ArmProgress) -> list[RenderableType]:
    best = "" if arm.best is None else f"{arm.best:.3f} at {arm.best_at}"
    return [
        arm.name,
        f"{arm.tried}/{arm.tries}" if arm.tries else "–",
        f"{arm.finals}/{arm.finals_planned}",
        best,
        Text(str(arm.failed), style="red") if arm.failed else "",
        ", ".join(arm.running),
    ]
