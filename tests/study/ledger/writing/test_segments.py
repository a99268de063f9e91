import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from study.design import TrialKey
from study.ledger import Lease, Ledger
from study.ledger.database import schema
from study.ledger.writing import segments as ledger_segments
from tests.study import small
from tests.study.small import key, objective, outcome
from trainables.trial import Outcome, Point, Score

TRIAL, FINAL = key(0), key(0, stage="final")


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    lease = small.begin(ledger)
    ledger.insert_trials(lease, [small.plan(TRIAL), small.plan(FINAL)], "random")
    return lease


def contents(ledger: Ledger) -> dict[str, list[Any]]:
    """Every row but what each transaction counts."""
    with ledger.reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in schema.metadata.sorted_tables
            if table is not schema.leases
        }


def status(ledger: Ledger, lease: Lease, trial: TrialKey = TRIAL) -> tuple[str, str | None, float | None]:
    [row] = [row for row in ledger.trials(lease.study_id) if row.key == trial]
    return row.status, row.reason, row.ended


def test_a_mark_between(ledger: Ledger, lease: Lease) -> None:
    attempt = ledger.start_attempt(lease, TRIAL, 5, 0, now=1.0)
    done = ledger.complete_segment(lease, TRIAL, 5, outcome(5, TRIAL), 0.7, attempt, now=2.0)
    assert (done.result, done.obsolete) == ("recorded", ())
    [segment] = ledger.segments(lease.study_id)
    assert dataclasses.asdict(segment) == {
        "trial": dataclasses.asdict(TRIAL),
        "iteration": 5,
        "objective": 0.7,
        "weights": f"weights of {TRIAL} at 5",
        "checkpoint": f"{TRIAL}/5",
        "attempts": 1,
        "seconds": 2.0,
        "evaluate_seconds": 0.5,
        "trained": 5,
        "host": "here",
        "device": "cpu",
        "peak_bytes": 0,
        "ended": 2.0,
        "machine": {},
    }
    assert status(ledger, lease) == ("open", None, None)
    [ended] = ledger.attempts(lease.study_id)
    assert (ended.result, ended.ended, ended.reason) == ("done", 2.0, None)
    rows = ledger.scores(lease.study_id, stage=None).rows()
    found = {(row.case, row.metric): (row.trial, row.iteration, row.region, row.value, row.group) for row in rows}
    assert found == {
        ("case_2", "dice"): (TRIAL, 5, "tumor", 0.05, "bob"),
        ("case_2", "hd95"): (TRIAL, 5, "tumor", 0.05 + 1 / 7, "bob"),
        ("case_3", "dice"): (TRIAL, 5, "tumor", 0.05, "cem"),
        ("case_3", "hd95"): (TRIAL, 5, "tumor", 0.05 + 1 / 7, "cem"),
    }
    [curve] = ledger.curves(lease.study_id)
    assert (curve.iterations.tolist(), curve.values.tolist()) == ([4, 5], [1.05, 0.05])


def test_the_last_mark_finishes(ledger: Ledger, lease: Lease) -> None:
    small.complete(ledger, lease, [(FINAL, 5)])
    ledger.complete_segment(lease, FINAL, 10, outcome(10, FINAL), None, now=9.0)
    assert status(ledger, lease, FINAL) == ("finished", None, 9.0)
    assert ledger.segments(lease.study_id)[1].objective is None
    [(trial, preview)] = ledger.previews(lease.study_id)
    assert (trial, preview) == (FINAL, dataclasses.replace(outcome(10, FINAL).previews[0], stack=None))


def test_a_failed_trial_says_why_and_keeps_its_curve(ledger: Ledger, lease: Lease) -> None:
    attempt = ledger.start_attempt(lease, TRIAL, 5, 0)
    ledger.record_checkpoint(lease, TRIAL, 2, "two")
    failed = Outcome(iteration=3, curve=(Point(2, "loss", 1.0),), failed="non-finite loss at iteration 3\x00")
    done = ledger.complete_segment(lease, TRIAL, 5, failed, None, attempt, now=4.0)
    assert (done.result, done.obsolete) == ("recorded", ("two",))
    assert status(ledger, lease) == ("failed", "non-finite loss at iteration 3�", 4.0)
    assert ledger.segments(lease.study_id) == []
    assert [curve.values.tolist() for curve in ledger.curves(lease.study_id)] == [[1.0]]
    [ended] = ledger.attempts(lease.study_id)
    assert (ended.result, ended.reason) == ("failed", "non-finite loss at iteration 3�")


def test_a_missing_value_stays_missing(ledger: Ledger, lease: Lease) -> None:
    missing = (Score("case_2", "tumor", "dice", None, "clean negative"),)
    ledger.complete_segment(lease, TRIAL, 5, outcome(5, TRIAL, scores=missing), None)
    [row] = ledger.scores(lease.study_id, stage=None).rows()
    assert (row.value, row.note) == (None, "clean negative")


def test_attempts_at_the_segment_are_counted(ledger: Ledger, lease: Lease) -> None:
    for number in range(3):
        attempt = ledger.start_attempt(lease, TRIAL, 5, 0)
        if number < 2:
            ledger.end_attempt(lease, attempt, "lost", "node died")
    small.complete(ledger, lease, [(TRIAL, 5)])
    small.complete(ledger, lease, [(TRIAL, 10)])
    assert [segment.attempts for segment in ledger.segments(lease.study_id)] == [3, 1]


class TestAgain:
    """Whatever comes a second time, the first report stays as it was."""

    @pytest.mark.parametrize("trial", [TRIAL, FINAL], ids=str)
    def test_the_same_changes_nothing(self, ledger: Ledger, lease: Lease, trial: TrialKey) -> None:
        for mark in (5, 10):
            small.complete(ledger, lease, [(trial, mark)])
            before = contents(ledger)
            done = ledger.complete_segment(lease, trial, mark, outcome(mark, trial), objective(mark, trial), now=1e9)
            assert (done.result, done.obsolete) == ("repeated", ())
            assert contents(ledger) == before
        late = ledger.complete_segment(lease, trial, 5, outcome(5, trial), objective(5, trial))
        assert (late.result, late.obsolete) == ("repeated", (f"{trial}/5",))  # its folder counts no longer
        assert contents(ledger) == before

    def test_the_same_from_another_attempt_leaves_its_folder_to_be_removed(self, ledger: Ledger, lease: Lease) -> None:
        small.complete(ledger, lease, [(TRIAL, 5)])
        attempt = ledger.start_attempt(lease, TRIAL, 5, 0)
        again = outcome(5, TRIAL, checkpoint="from another attempt", seconds=7.0)
        done = ledger.complete_segment(lease, TRIAL, 5, again, objective(5, TRIAL), attempt)
        assert (done.result, done.obsolete) == ("repeated", ("from another attempt",))
        assert ledger.folders(lease.study_id) == {f"{TRIAL}/5"}
        assert [row.result for row in ledger.attempts(lease.study_id)] == ["done"]

    @pytest.mark.parametrize(
        ("change", "value"),
        [
            ({"weights": "others"}, 0.05),
            ({}, 0.06),
            ({}, None),
            ({"scores": outcome(5, TRIAL).scores[1:]}, 0.05),
            ({"scores": (Score("case_2", "tumor", "dice", 0.5), *outcome(5, TRIAL).scores[1:])}, 0.05),
            ({"scores": (Score("case_2", "tumor", "dice", 0.05, "x"), *outcome(5, TRIAL).scores[1:])}, 0.05),
            ({"curve": outcome(5, TRIAL).curve[1:]}, 0.05),
            ({"curve": (*outcome(5, TRIAL).curve, Point(3, "loss", 0.0))}, 0.05),
            ({"failed": "out of memory", "iteration": 3}, None),
        ],
    )  # fmt: skip
    def test_something_else_is_not_written_and_a_notice_says_so(
        self, ledger: Ledger, lease: Lease, change: dict[str, Any], value: float | None
    ) -> None:
        small.complete(ledger, lease, [(TRIAL, 5)])
        before = contents(ledger)
        other = outcome(5, TRIAL, **{"checkpoint": "another", **change})
        done = ledger.complete_segment(lease, TRIAL, 5, other, value, now=8.0)
        assert (done.result, done.obsolete) == ("ignored", ("another",))
        [notice] = ledger.notices(lease.study_id)
        assert f"trial {TRIAL} reported its segment up to 5 again, with another result" in notice.text
        assert {**contents(ledger), "notices": []} == before

    def test_of_a_failure(self, ledger: Ledger, lease: Lease) -> None:
        failed = Outcome(iteration=3, failed="out of memory")
        ledger.complete_segment(lease, TRIAL, 5, failed, None)
        before = contents(ledger)
        assert ledger.complete_segment(lease, TRIAL, 5, failed, None).result == "repeated"
        assert contents(ledger) == before
        for late, value in ((Outcome(iteration=4, failed="disk"), None), (outcome(5, TRIAL), 0.05)):
            assert ledger.complete_segment(lease, TRIAL, 5, late, value).result == "ignored"
        assert {**contents(ledger), "notices": []} == before

    def test_of_a_trial_that_was_given_up(self, ledger: Ledger, lease: Lease) -> None:
        ledger.lose(lease, TRIAL, "lost 3 times")
        before = contents(ledger)
        done = ledger.complete_segment(lease, TRIAL, 5, outcome(5, TRIAL), 0.05)
        assert (done.result, done.obsolete) == ("ignored", (f"{TRIAL}/5",))
        assert "the first stays (it is lost)" in ledger.notices(lease.study_id)[0].text
        assert {**contents(ledger), "notices": []} == before


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an objective that is no number": ({"objective": math.nan}, "the objective at 5 is nan"),
    "a score that is no number": (
        {"outcome": outcome(5, TRIAL, scores=(Score("case_2", "tumor", "dice", math.inf),))},
        "dice of tumor of case_2 is inf",
    ),
    "a curve that is no number": (
        {"outcome": outcome(5, TRIAL, curve=(Point(5, "loss", math.nan),))},
        "loss at iteration 5 is nan",
    ),
    "a case of another study": (
        {"outcome": outcome(5, TRIAL, scores=(Score("case_9", "tumor", "dice", 0.5),))},
        "case 'case_9' is not among the 4 cases",
    ),
    "a mark that is none": ({"stop": 7, "outcome": outcome(7, TRIAL)}, r"7 is not among the study's marks \[5, 10\]"),
    "another iteration": ({"outcome": outcome(4, TRIAL)}, "stands at iteration 4, not at the mark 5"),
    "a trial that is none": ({"key": key(9)}, "there is no trial search-a00-r0-f0-n009"),
    "test cases before the final stage": (
        {"outcome": outcome(5, TRIAL, scores=(Score("case_4", "tumor", "dice", 0.5),))},
        "was scored on the test case case_4",
    ),
    "one score twice": ({"outcome": outcome(5, TRIAL, scores=outcome(5, TRIAL).scores[:1] * 2)}, "(?i)unique"),
}


@pytest.mark.parametrize(("change", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_leaves_nothing_behind(
    ledger: Ledger, lease: Lease, change: dict[str, Any], message: str
) -> None:
    before = contents(ledger)
    given = {"key": TRIAL, "stop": 5, "outcome": outcome(5, TRIAL), "objective": 0.5, **change}
    with pytest.raises(Exception, match=message):
        ledger.complete_segment(lease, **given)
    assert contents(ledger) == before


def test_a_crash_at_the_very_end_leaves_nothing_behind(
    ledger: Ledger, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.record_checkpoint(lease, FINAL, 3, "three")
    small.complete(ledger, lease, [(FINAL, 5)])
    before = contents(ledger)

    def crash(*args: Any) -> None:
        raise RuntimeError("the driver is gone")

    with monkeypatch.context() as patch:
        patch.setattr(ledger_segments, "end_attempt_in", crash)
        with pytest.raises(RuntimeError, match="the driver is gone"):
            ledger.complete_segment(lease, FINAL, 10, outcome(10, FINAL), 0.5, attempt=1)
    assert contents(ledger) == before
    small.complete(ledger, lease, [(FINAL, 10)])
    assert status(ledger, lease, FINAL)[0] == "finished"
