"""The live table as a terminal shows it: narrow, wide, low, and on a real ledger that fills."""

import dataclasses
import io
import threading

import pytest
from rich.console import Console

from study.console.live import headline, picture
from study.console.progress import ArmProgress, Progress
from study.console.watch import watching
from study.design import Segment, TrialKey
from study.events import SegmentDone, SegmentLost, SegmentProgress, SegmentStarted, Step, TrialEnded

QUIET = ArmProgress("unet3d+cross_entropy", 5, 18, 0.8512, 1000, 0, 3, 0, ())
BUSY = dataclasses.replace(QUIET, name="unet3d+dice", running=("n003 420/1000", "n004 → 1000"))
FAILED = dataclasses.replace(QUIET, name="vnet+dice", tried=7, failed=2, best=None, best_at=None)
UNTUNED = dataclasses.replace(QUIET, name="vnet+focal", tried=0, tries=0, finals=2, best=None, best_at=None)
PROGRESS = Progress("demo", "running", "here (pid 4)", 0.42, 3800.0, 1, (QUIET, BUSY, FAILED, UNTUNED))


def drawn(progress: Progress, width: int, height: int = 40) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=True, color_system=None)
    console.print(picture(progress, width=width, height=height))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


def test_wide() -> None:
    lines = drawn(PROGRESS, 110)
    said = "demo: running, 42 %, about 63 min left, 2 segments at work, 2 trials failed, 1 segment lost to machines"
    assert lines[0] == f"{said}, run …"
    assert lines[2].split() == ["arm", "search", "final", "best", "failed", "at", "work"]
    assert lines[3].split() == ["unet3d+cross_entropy", "5/18", "0/3", "0.851", "at", "1000"]
    assert lines[4].split("  ")[-1].strip() == "n003 420/1000, n004 → 1000"
    assert lines[5].split() == ["vnet+dice", "7/18", "0/3", "2"]
    assert lines[6].split() == ["vnet+focal", "–", "2/3"]


@pytest.mark.parametrize(
    ("width", "columns"),
    [
        (80, "arm search final best failed at work"),
        (79, "arm search final best failed"),
        (59, "arm search final best"),
        (49, "arm search final"),
        (30, "arm search final"),
    ],
)
def test_narrow_terminals_lose_the_least_needed_columns(width: int, columns: str) -> None:
    lines = drawn(PROGRESS, width)
    assert " ".join(lines[2].split()) == columns
    assert max(map(len, lines)) <= width
    assert len(lines) == 7  # nothing is wrapped


def test_low_terminals_show_the_arms_at_work() -> None:
    arms = [dataclasses.replace(QUIET, name=f"unet+loss{index}") for index in range(36)]
    arms[20] = dataclasses.replace(arms[20], running=("n000 → 10",))
    lines = drawn(dataclasses.replace(PROGRESS, arms=tuple(arms)), 100, height=12)
    assert len(lines) <= 12
    shown = [line.split()[0] for line in lines[3:-1]]
    assert shown == [*(f"unet+loss{index}" for index in range(len(shown) - 1)), "unet+loss20"]
    assert lines[-1] == f"… and {36 - len(shown)} more arms"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"state": "done", "share": 1.0, "seconds_left": 0.0}, "demo: done"),
        ({"state": "stopped", "share": 0.1}, "demo: stopped, 10 %"),
        ({"seconds_left": None, "share": 0.0}, "demo: running, 0 %, time left not known yet, 0 segments at work"),
        ({"seconds_left": 41.0}, "demo: running, 42 %, about 41 s left, 0 segments at work"),
        ({"seconds_left": 9000.0}, "demo: running, 42 %, about 2.5 h left, 0 segments at work"),
        ({"seconds_left": 200000.0}, "demo: running, 42 %, about 2.3 days left, 0 segments at work"),
        ({"state": "stopping", "losses": 2}, "0 segments at work, 2 segments lost to machines, run again"),
    ],
)
def test_headline(changes: dict[str, object], expected: str) -> None:
    quiet = dataclasses.replace(PROGRESS, arms=(QUIET,), losses=0)
    assert expected in headline(dataclasses.replace(quiet, **changes))  # type: ignore[arg-type]


KEY = TrialKey("search", 0, 0, 0, 3)
SEGMENT = Segment(KEY, 0, 1000)


def test_on_a_terminal_the_table_follows_and_failures_stay() -> None:
    console = Console(file=io.StringIO(), width=100, height=30, force_terminal=True, color_system=None)
    seen: list[dict[TrialKey, int]] = []
    first = threading.Event()

    def look(iterations: dict[TrialKey, int]) -> Progress:
        seen.append(iterations)
        first.set()
        return PROGRESS

    with watching(console, look) as hear:
        hear(SegmentStarted("unet3d+dice", SEGMENT, 100))
        hear(SegmentProgress("unet3d+dice", SEGMENT, 420, 0.5))
        assert first.wait(10)
        hear(SegmentLost("unet3d+dice", SEGMENT, "the worker died", 1))
        hear(TrialEnded("vnet+dice", KEY, "failed", "non-finite loss at iteration 9"))
        hear(Step("nearly there"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "unet3d+dice: trial 3 lost on its way to 1000: the worker died (loss 1; it is run again)\n" in text
    assert "vnet+dice: trial 3 failed: non-finite loss at iteration 9\n" in text
    assert "demo: running, 42 %" in text
    assert "nearly there" in text
    assert {KEY: 420} in seen or {KEY: 100} in seen or {} in seen
    assert seen[-1] == {}, "a segment that was lost is no longer under way"


def test_before_the_ledger_has_the_study_there_is_the_step() -> None:
    console = Console(file=io.StringIO(), width=60, height=20, force_terminal=True, color_system=None)
    with watching(console, lambda iterations: None) as hear:
        hear(Step("preparing 24 cases"))
    assert "preparing 24 cases" in console.file.getvalue()  # type: ignore[attr-defined]


def test_elsewhere_there_are_lines() -> None:
    console = Console(file=io.StringIO(), width=40, force_terminal=False)
    with watching(console, lambda iterations: PROGRESS) as hear:
        hear(SegmentProgress("unet3d+dice", SEGMENT, 420, 0.5))
        hear(SegmentDone("unet3d+[dice]", SEGMENT, 0.81234, 4.0))
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert [line[9:] for line in lines] == ["unet3d+[dice]: trial 3 reached 1000: 0.8123 (4.0 s)"]


def test_lines_say_now_and_then_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("study.console.watch.time.monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=40, force_terminal=False)
    with watching(console, lambda iterations: PROGRESS) as hear:
        for seconds in (59, 60, 61, 119, 120):
            now[0] = 1000.0 + seconds
            hear(SegmentDone("unet3d+dice", SEGMENT, 0.8, 4.0))
        now[0] = 5000.0
        hear(TrialEnded("unet3d+dice", KEY, "finished"))
    lines = [line[9:] for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]
    assert [index for index, line in enumerate(lines) if line.startswith("demo: running, 42 %")] == [2, 6]
    assert len(lines) == 5 + 1 + 2


def test_a_terminal_that_cannot_move_its_cursor_gets_lines() -> None:
    console = Console(file=io.StringIO(), width=60, force_terminal=True, color_system=None, _environ={"TERM": "dumb"})
    with watching(console, lambda iterations: PROGRESS) as hear:
        hear(Step("starting Ray"))
    assert console.file.getvalue()[9:] == "starting Ray\n"  # type: ignore[attr-defined]
