"""Numbers, durations and trial names as texts for the user."""

import time

from study.design import TrialKey


def counted(number: int, word: str) -> str:
    """Return a number with its noun: `1 trial`, `3 trials`, `12,000 trials`."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def duration(seconds: float) -> str:
    """Return a duration with two figures: `40 s`, `12 min`, `3.5 h`, `2.1 days`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"


def clock(time_seconds: float) -> str:
    """Return the local time of day of a time in seconds since 1970."""
    return time.strftime("%H:%M:%S", time.localtime(time_seconds))


def trial_label(key: TrialKey) -> str:
    """Return `trial 3` or `final seed 1`, with search and fold if they are not the first."""
    words = [f"final seed {key.number}" if key.stage == "final" else f"trial {key.number}"]
    if key.search:
        words.append(f"of search {key.search + 1}")
    if key.fold:
        words.append(f"in fold {key.fold + 1}")
    return " ".join(words)
