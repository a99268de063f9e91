from collections.abc import Iterator

import pytest

from study.ledger import Lease, Ledger
from tests.study import small
from tests.study.small import key

TRIAL = key(0)


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    lease = small.begin(ledger)
    ledger.insert_trials(lease, [small.plan(TRIAL), small.plan(key(1))], "random")
    return lease


def test_a_trial_resumes_from_its_newest_checkpoint(ledger: Ledger, lease: Lease) -> None:
    study_id = lease.study_id
    assert ledger.resume_point(study_id, TRIAL) is None
    ledger.record_checkpoint(lease, TRIAL, 2, "two")
    assert ledger.resume_point(study_id, TRIAL) == (2, "two")
    ledger.record_checkpoint(lease, TRIAL, 4, "four")
    assert ledger.resume_point(study_id, TRIAL) == (4, "four")
    small.complete(ledger, lease, [(TRIAL, 5)])
    assert ledger.resume_point(study_id, TRIAL) == (5, f"{TRIAL}/5")
    ledger.record_checkpoint(lease, TRIAL, 7, "seven")
    assert ledger.resume_point(study_id, TRIAL) == (7, "seven")
    assert ledger.resume_point(study_id, key(1)) is None
    with pytest.raises(ValueError, match="there is no trial"):
        ledger.resume_point(study_id, key(9))


def test_the_newest_two_between_marks_stay(ledger: Ledger, lease: Lease) -> None:
    assert ledger.record_checkpoint(lease, TRIAL, 1, "one") == ()
    assert ledger.record_checkpoint(lease, TRIAL, 2, "two") == ()
    assert ledger.record_checkpoint(lease, TRIAL, 3, "three") == ("one",)
    assert ledger.folders(lease.study_id) == {"two", "three"}


def test_a_mark_takes_the_place_of_what_was_before(ledger: Ledger, lease: Lease) -> None:
    ledger.record_checkpoint(lease, TRIAL, 2, "two")
    ledger.record_checkpoint(lease, TRIAL, 4, "four")
    ledger.record_checkpoint(lease, key(1), 4, "another trial's")
    done = ledger.complete_segment(lease, TRIAL, 5, small.outcome(5, TRIAL), 0.5)
    assert done.obsolete == ("four", "two")
    ledger.record_checkpoint(lease, key(1), 5, "at the mark, before its end was reported")
    done = ledger.complete_segment(lease, key(1), 5, small.outcome(5, key(1)), 0.5)
    assert done.obsolete == ("another trial's", "at the mark, before its end was reported")
    ledger.record_checkpoint(lease, TRIAL, 7, "seven")
    done = ledger.complete_segment(lease, TRIAL, 10, small.outcome(10, TRIAL), 0.5)
    assert done.obsolete == (f"{TRIAL}/5", "seven")
    assert ledger.folders(lease.study_id) == {f"{TRIAL}/10", f"{key(1)}/5"}


def test_recorded_again(ledger: Ledger, lease: Lease) -> None:
    ledger.record_checkpoint(lease, TRIAL, 2, "two")
    assert ledger.record_checkpoint(lease, TRIAL, 2, "two") == ()
    assert ledger.record_checkpoint(lease, TRIAL, 2, "two, by another attempt") == ("two",)
    assert ledger.resume_point(lease.study_id, TRIAL) == (2, "two, by another attempt")


def test_one_that_comes_late_is_not_kept(ledger: Ledger, lease: Lease) -> None:
    small.complete(ledger, lease, [(TRIAL, 5)])
    assert ledger.record_checkpoint(lease, TRIAL, 4, "late") == ("late",)
    assert ledger.record_checkpoint(lease, TRIAL, 5, f"{TRIAL}/5") == ()  # the mark's own
    ledger.halve(lease, [TRIAL])
    assert ledger.record_checkpoint(lease, TRIAL, 7, "later") == ("later",)
    assert ledger.folders(lease.study_id) == set()


def test_a_damaged_one_gives_way_to_the_one_before(ledger: Ledger, lease: Lease) -> None:
    ledger.record_checkpoint(lease, TRIAL, 2, "two")
    small.complete(ledger, lease, [(TRIAL, 5)])
    ledger.record_checkpoint(lease, TRIAL, 7, "seven")
    ledger.record_checkpoint(lease, TRIAL, 8, "eight")
    points = []
    for _ in range(4):
        point = ledger.resume_point(lease.study_id, TRIAL)
        points.append(point)
        if point is not None:
            assert ledger.forget_checkpoint(lease, TRIAL, point[0]) == (point[1],)
    assert points == [(8, "eight"), (7, "seven"), (5, f"{TRIAL}/5"), None]
    assert ledger.forget_checkpoint(lease, TRIAL, 8) == ()
    assert [segment.iteration for segment in ledger.segments(lease.study_id)] == [5]  # its scores stay


def test_trials_that_did_not_win_keep_none(ledger: Ledger, lease: Lease) -> None:
    small.complete(ledger, lease, [(trial, mark) for trial in (TRIAL, key(1)) for mark in (5, 10)])
    assert ledger.forget_checkpoints(lease, [key(1)]) == (f"{key(1)}/10",)
    assert ledger.forget_checkpoints(lease, [key(1)]) == ()
    assert ledger.folders(lease.study_id) == {f"{TRIAL}/10"}
