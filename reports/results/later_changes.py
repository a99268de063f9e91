"""Changes of a study after its test tables had been shown, as the ledger's notices record them."""

import re
from collections.abc import Sequence

from study.ledger.rows import Notice

AFTER = re.compile(r"after test tables were shown (once|\d+ times): (.*)", re.S)
BASELINE = re.compile(r"report\.baseline: (.+?) → (.+?): another baseline")
SEEDS = re.compile(r"budget\.final_seeds: (\d+) → \d+")


def changes_after_results(notices: Sequence[Notice]) -> tuple[str, ...]:
    """Returns the texts of the notices that record changes after test tables were shown, oldest first."""
    return tuple(notice.text for notice in notices if AFTER.match(notice.text))


def first_baseline(notices: Sequence[Notice], arms: Sequence[str], now: str | None) -> str | None:
    """Returns the baseline that was declared first; None where it was not changed after results were seen.

    Args:
        notices: The study's.
        arms: Names of the arms, by number: without a name the first arm is the baseline.
        now: The present baseline.
    """
    for text in changes_after_results(notices):
        found = BASELINE.search(text)
        if found:
            said = found.group(1).strip("'\"")
            name = arms[0] if said in ("None", "none", "nothing", "null") and arms else said
            return name if name in arms and name != now else None
    return None


def more_seeds(notices: Sequence[Notice]) -> bool:
    """Returns whether final seeds were added after test tables were shown."""
    return any("budget.final_seeds:" in text for text in changes_after_results(notices))


def first_seeds(notices: Sequence[Notice], now: int) -> int | None:
    """Returns the number of final seeds before any was added; None where none was added after results were seen.

    Args:
        notices: The study's.
        now: The present number.
    """
    for text in changes_after_results(notices):
        found = SEEDS.search(text)
        if found:
            return int(found.group(1)) if int(found.group(1)) < now else None
    return None


def late_arms(notices: Sequence[Notice], arms: Sequence[str]) -> tuple[str, ...]:
    """Returns the arms that were added after test tables were shown."""
    added = {part.strip() for text in changes_after_results(notices) for part in AFTER.sub(r"\2", text).split(";")}
    return tuple(arm for arm in arms if f"arm {arm}" in added)
