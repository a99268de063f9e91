"""Run events as lines of text for logs and pipes: one for each mark and each trial's end, with the time."""

import time
from collections.abc import Callable

from study.events import (
    CohortSampled,
    Event,
    Prepared,
    SegmentDone,
    SegmentLost,
    Step,
    TrialEnded,
    Waiting,
)
from study.in_words import clock, counted, trial_label

PARTS = 4
"""Number of progress lines while many cases are prepared."""


def line(event: Event) -> str | None:
    """Return the line for an event; None if it has none."""
    match event:
        case Step(text):
            return text
        case Prepared(_, done, total):
            return f"prepared {done} of {total} cases" if _is_part(done, total) else None
        case Waiting(text, until):
            return text if until is None else f"{text}, until {clock(until)} at most"
        case CohortSampled(arm, trials) if trials[0].stage == "final":
            return f"{arm}: final stage, {counted(len(trials), 'training')}"
        case CohortSampled(arm, trials):
            return f"{arm}: sampled {trial_label(trials[0])} to {trials[-1].number}"
    return _trial_line(event)


def _trial_line(event: Event) -> str | None:
    match event:
        case SegmentDone(arm, segment, objective, seconds):
            value = "no value, all cases are missing" if objective is None else f"{objective:.4f}"
            return f"{arm}: {trial_label(segment.trial)} reached {segment.stop}: {value} ({seconds:.1f} s)"
        case SegmentLost(arm, segment, reason, times):
            way = f"{trial_label(segment.trial)} lost on its way to {segment.stop}"
            return f"{arm}: {way}: {reason} (loss {times}; it is run again)"
        case TrialEnded(arm, trial, status, reason):
            return f"{arm}: {trial_label(trial)} {STATUS_WORDS[status]}" + (f": {reason}" if reason else "")
    return None


STATUS_WORDS = {
    "open": "goes on",
    "finished": "finished",
    "halved": "ends here: others of its cohort were better",
    "failed": "failed",
    "lost": "given up",
}


def printer(say: Callable[[str], None], now: Callable[[], float] = time.time) -> Callable[[Event], None]:
    """Return a listener that prints each event's line with the time of day."""

    def hear(event: Event) -> None:
        text = line(event)
        if text is not None:
            say(f"{clock(now())} {text}")

    return hear


def _is_part(done: int, total: int) -> bool:
    return done == total or done * PARTS // total > (done - 1) * PARTS // total
