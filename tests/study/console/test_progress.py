"""Where a study stands, looked at while it is played in a real ledger."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from study.console.progress import Progress, progress
from study.ledger import Lease, Ledger
from study.planning.planner import Planner
from tests.study.tracked import DESIGN, NAME, create, play


def look(path: Path, *, now: float = 1_700_000_000.0, slots: int | None = None, **more: object) -> Progress:
    with Ledger.open(path, read_only=True) as ledger:
        study = ledger.study(NAME).id
        return progress(DESIGN, ledger.status(study), ledger.known(study), now=now, slots=slots, **more)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create(tmp_path / "ledger.db")
    return tmp_path / "ledger.db"


def test_before_the_first_segment_nothing_is_promised(path: Path) -> None:
    found = look(path)
    assert (found.state, found.driver, found.share, found.seconds_left) == ("stopped", None, 0.0, None)
    assert [(arm.name, arm.tried, arm.tries, arm.finals, arm.finals_planned) for arm in found.arms] == [
        ("unet+dice", 0, 6, 0, 2),
        ("unet+focal", 0, 0, 0, 2),
    ]
    assert all(arm.best is None and arm.best_at is None and not arm.running for arm in found.arms)


def test_time_left_is_what_then_follows(path: Path) -> None:
    # A segment of the toy trains 10 iterations in 20 s and evaluates in 4 s; one trial of unet+dice fails.
    left, shares = [], []
    for _ in play(path):
        found = look(path)
        assert found.state == "running"
        left.append(found.seconds_left)
        shares.append(found.share)
    assert left == pytest.approx([24.0 * (len(left) - 1 - index) for index in range(len(left))])
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.1
    assert shares[-1] == 1


def test_the_end(path: Path) -> None:
    for _ in play(path):
        pass
    found = look(path)
    assert (found.state, found.driver, found.share, found.seconds_left, found.losses) == ("done", None, 1.0, 0.0, 0)
    tuned, untuned = found.arms
    assert (tuned.tried, tuned.tries, tuned.finals, tuned.failed) == (6, 6, 2, 1)
    assert (tuned.best_at, untuned.best_at) == (20, None)  # the final stage's test values are no "best"
    assert (untuned.tried, untuned.tries, untuned.finals, untuned.failed) == (0, 0, 2, 0)
    assert found.failed == 1
    with Ledger.open(path, read_only=True) as ledger:
        reached = [
            trial.values[20] for trial in ledger.known(1) if trial.plan.key.stage == "search" and 20 in trial.values
        ]
    assert tuned.best == max(value for value in reached if value is not None)


def test_what_is_under_way_counts(path: Path) -> None:
    playing = play(path)
    for _ in range(3):
        next(playing)
    rest = look(path, slots=1)
    with Ledger.open(path) as ledger:
        study = ledger.study(NAME).id
        segment = next(Planner(DESIGN, ledger.known(study)).owed())
        ledger.start_attempt(Lease(study, 1, 0.0), segment.trial, segment.stop, segment.start, now=1_700_000_000.0)
    name = f"n{segment.trial.number:03d}"
    after = look(path, now=1_700_000_000.0 + 9, slots=1)
    assert after.arms[0].running == (f"{name} → {segment.stop}",)
    assert rest.seconds_left is not None
    assert after.seconds_left == pytest.approx(rest.seconds_left - 9)
    long_after = look(path, now=1_700_000_000.0 + 9999, slots=1)
    assert long_after.seconds_left is not None
    assert long_after.seconds_left >= rest.seconds_left - 24 * 2  # never more than the segment itself
    known = look(path, slots=1, iterations={segment.trial: segment.start + 7})
    assert known.arms[0].running == (f"{name} {segment.start + 7}/{segment.stop}",)
    playing.close()


def test_more_slots_take_less_time(path: Path) -> None:
    playing = play(path)
    next(playing)
    one, two, many = (look(path, slots=slots).seconds_left for slots in (1, 2, 1000))
    assert one == pytest.approx(360.0)
    assert two == pytest.approx(180.0)
    assert many == pytest.approx(4 * 24.0)  # search and final stage, two marks each, one after the other
    playing.close()


def test_a_training_that_stopped_early_promises_nothing_for_the_others(path: Path) -> None:
    playing = play(path)
    next(playing)
    before = look(path).seconds_left
    with Ledger.open(path) as ledger:  # its first iteration alone was trained, in a tenth of the time
        ledger.write(lambda connection: connection.execute(text("UPDATE segments SET trained = 1, seconds = 2.0")))
    assert look(path).seconds_left == pytest.approx(before)
    playing.close()


def test_a_stop_that_was_asked_for_shows(path: Path) -> None:
    playing = play(path)
    next(playing)
    with Ledger.open(path) as ledger:
        ledger.request_stop(ledger.study(NAME).id)
    assert look(path).state == "stopping"
    playing.close()
    assert look(path).state == "stopped"


def test_plain_is_json(path: Path) -> None:
    plain = json.loads(json.dumps(look(path).plain()))
    assert plain["arms"][0]["name"] == "unet+dice"
    assert plain["seconds_left"] is None
