"""A run's lines."""

import time

import pytest

from study.console.run_lines import line, printer
from study.design import Segment, TrialKey
from study.events import (
    CohortSampled,
    Event,
    Prepared,
    SegmentDone,
    SegmentLost,
    SegmentProgress,
    SegmentStarted,
    Step,
    TrialEnded,
    Waiting,
)

KEY = TrialKey("search", 0, 0, 0, 3)
OTHER = TrialKey("search", 0, 1, 2, 4)
FINAL = TrialKey("final", 0, 0, 0, 1)
SEGMENT = Segment(KEY, 40, 120)
NOON = time.mktime((2026, 1, 1, 12, 0, 0, 0, 0, -1))

LINES: list[tuple[Event, str | None]] = [
    (Step("starting Ray"), "starting Ray"),
    (Waiting("another driver has it", NOON), "another driver has it, until 12:00:00 at most"),
    (Waiting("no room"), "no room"),
    (Prepared("case_1", 1, 8), None),
    (Prepared("case_2", 2, 8), "prepared 2 of 8 cases"),
    (Prepared("case_8", 8, 8), "prepared 8 of 8 cases"),
    (Prepared("case_1", 1, 1), "prepared 1 of 1 cases"),
    (CohortSampled("unet+dice", (KEY, OTHER)), "unet+dice: sampled trial 3 to 4"),
    (CohortSampled("unet+dice", (FINAL,)), "unet+dice: final stage, 1 training"),
    (SegmentStarted("unet+dice", SEGMENT, 40), None),
    (SegmentProgress("unet+dice", SEGMENT, 60, 0.5), None),
    (SegmentDone("unet+dice", SEGMENT, 0.81239, 4.04), "unet+dice: trial 3 reached 120: 0.8124 (4.0 s)"),
    (
        SegmentDone("unet+dice", SEGMENT, None, 4.0),
        "unet+dice: trial 3 reached 120: no value, all cases are missing (4.0 s)",
    ),
    (
        SegmentLost("unet+dice", SEGMENT, "the worker died", 2),
        "unet+dice: trial 3 lost on its way to 120: the worker died (loss 2; it is run again)",
    ),
    (TrialEnded("unet+dice", KEY, "finished"), "unet+dice: trial 3 finished"),
    (TrialEnded("unet+dice", KEY, "halved"), "unet+dice: trial 3 ends here: others of its cohort were better"),
    (
        TrialEnded("unet+dice", OTHER, "failed", "out of memory"),
        "unet+dice: trial 4 of search 2 in fold 3 failed: out of memory",
    ),
    (TrialEnded("unet+dice", FINAL, "lost", "3 times"), "unet+dice: final seed 1 given up: 3 times"),
]


@pytest.mark.parametrize(("event", "expected"), LINES, ids=lambda value: type(value).__name__)
def test_lines(event: Event, expected: str | None) -> None:
    assert line(event) == expected


def test_the_time_stands_before() -> None:
    said: list[str] = []
    hear = printer(said.append, now=lambda: NOON)
    hear(Step("starting Ray"))
    hear(SegmentProgress("unet+dice", SEGMENT, 60, 0.5))
    assert said == ["12:00:00 starting Ray"]
