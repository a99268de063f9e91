"""Texts of `status` and `list` about the studies of a ledger."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from study.console.follower import stands
from study.console.live import picture
from study.console.progress import FAILED, Progress
from study.in_words import counted, trial_label
from study.ledger import Ledger
from study.ledger.rows import Notice, TrialRow

SHOWN = 10
"""Maximum number of failed trials and notices that are shown; `--json` has all."""


@dataclasses.dataclass(frozen=True)
class Status:
    """Status of a study for the user.

    Attributes:
        progress: Its progress.
        failed: Failed and lost trials, with reasons.
        notices: Notices for readers of its report.
    """

    progress: Progress
    failed: tuple[TrialRow, ...]
    notices: tuple[Notice, ...]

    def plain(self) -> dict[str, Any]:
        """Return JSON-able data."""
        return {
            **self.progress.plain(),
            "failed": [
                {"trial": str(trial.key), "arm": trial.arm, "status": trial.status, "reason": trial.reason}
                for trial in self.failed
            ],
            "notices": [notice.text for notice in self.notices],
        }


def status_of(where: str, name: str) -> Status:
    """Read a study's status from a ledger.

    Raises:
        InputError: No such ledger or study.
    """
    with Ledger.open(where, read_only=True) as ledger:
        row = ledger.study(name)
        progress = stands(ledger, row)
        failed = [trial for trial in ledger.trials(row.id) if trial.status in FAILED] if progress.failed else []
        return Status(progress, tuple(failed), tuple(ledger.notices(row.id)))


def status_text(status: Status, width: int) -> RenderableType:
    """Return the live table with every arm, failures with reasons, and notices."""
    parts: list[RenderableType] = [picture(status.progress, width=width, height=len(status.progress.arms) + 8)]
    if status.progress.driver is not None:
        parts.append(Text(f"run by {status.progress.driver}", style="dim"))
    parts += [
        Text(f"{trial.arm}: {trial_label(trial.key)} {trial.status}: {trial.reason}", style="red")
        for trial in status.failed[:SHOWN]
    ]
    if len(status.failed) > SHOWN:
        parts.append(Text(f"… and {counted(len(status.failed) - SHOWN, 'trial')} more", style="red"))
    parts += [Text(f"Note: {notice.text}", style="yellow") for notice in status.notices[-SHOWN:]]
    return Group(*parts)


def studies(where: str) -> tuple[Progress, ...]:
    """Return the progress of all studies of a ledger.

    Raises:
        InputError: No such ledger.
    """
    with Ledger.open(where, read_only=True) as ledger:
        return tuple(stands(ledger, row) for row in ledger.studies())


def listing(found: Sequence[Progress]) -> Table:
    """Return one line for each study."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("study", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for column in ("done", "arms", "search", "final", "failed"):
        table.add_column(column, justify="right", no_wrap=True)
    for each in found:
        arms = each.arms
        table.add_row(
            each.study,
            each.state,
            f"{each.share:.0%}".replace("%", " %"),
            str(len(arms)),
            f"{sum(arm.tried for arm in arms)}/{sum(arm.tries for arm in arms)}",
            f"{sum(arm.finals for arm in arms)}/{sum(arm.finals_planned for arm in arms)}",
            str(each.failed) if each.failed else "",
        )
    return table
