import dataclasses
import os
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from study.ledger import Ledger, Owner
from study.ledger.status_rows import Running
from tests.study import small
from tests.study.small import key, objective


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        small.fill(opened, "another")
        yield opened


def test_a_study_that_has_not_begun(ledger: Ledger) -> None:
    study_id = ledger.create_study("new", small.FILE, small.DESIGN, small.CASES, "d", {})
    status = ledger.status(study_id)
    assert (status.name, status.marks, status.driver, status.driver_until) == ("new", (5, 10), None, None)
    assert (status.first_started, status.last_ended, status.losses, status.notices) == (None, None, 0, 0)
    assert [arm.name for arm in status.arms] == ["unet+loss0", "unet+loss1"]
    assert (status.arms[0].counts, status.arms[0].reached, status.arms[0].best) == ({}, {}, {})
    assert (status.arms[0].iterations_open, status.arms[0].seconds) == (0, 0)


def test_a_study_with_some_of_everything(ledger: Ledger) -> None:
    lease = small.fill(ledger)
    first, second = status_arms = ledger.status(lease.study_id).arms
    assert len(status_arms) == 2
    assert first.counts == {("search", "finished"): 1, ("search", "halved"): 1, ("final", "finished"): 1}
    assert first.reached == {("search", 5): 2, ("search", 10): 1, ("final", 5): 1, ("final", 10): 1}
    assert first.best == {
        ("search", 5): objective(5, key(1)),
        ("search", 10): objective(10, key(0)),
        ("final", 5): 0.05,
        ("final", 10): 0.1,
    }
    assert (first.iterations_open, first.seconds, first.evaluate_seconds) == (0, 12.5, 2.5)
    assert second.counts == {("search", "failed"): 1}
    assert (second.reached, second.seconds) == ({}, 0)


def test_the_best_is_the_least_where_less_is_better(ledger: Ledger) -> None:
    design = dataclasses.replace(small.DESIGN, maximize=False)
    study_id = ledger.create_study("small", small.FILE, design, small.CASES, "d", {})
    lease = ledger.acquire(study_id)
    ledger.insert_trials(lease, [small.plan(key(number)) for number in range(4)], "random")
    small.complete(ledger, lease, [(key(0), 5), (key(0), 10), (key(1), 5), (key(3), 5)])  # 0 is finished
    ledger.complete_segment(lease, key(2), 5, small.outcome(5, key(2)), None)
    assert ledger.status(study_id).arms[0].best == {("search", 5): 0.05, ("search", 10): 0.1}
    ledger.write(lambda connection: connection.execute(text("UPDATE segments SET objective = 1 - objective")))
    expected = {("search", 5): 1 - objective(5, key(3)), ("search", 10): 0.9}  # now that of an open trial
    assert ledger.status(study_id).arms[0].best == expected


def test_what_is_under_way(ledger: Ledger) -> None:
    lease = small.begin(ledger)
    ledger.insert_trials(lease, [small.plan(key(number)) for number in range(3)], "random")
    attempt = ledger.start_attempt(lease, key(0), 5, 0, now=200.0)
    ledger.complete_segment(lease, key(0), 5, small.outcome(5, key(0)), 0.5, attempt, now=210.0)
    ledger.start_attempt(lease, key(0), 10, 5, now=211.0)
    lost = ledger.start_attempt(lease, key(1), 5, 0, now=212.0)
    ledger.end_attempt(lease, lost, "lost")
    ledger.record_checkpoint(lease, key(0), 7, "seven")
    ledger.record_checkpoint(lease, key(0), 8, "eight")
    ledger.record_checkpoint(lease, key(1), 2, "two")
    ledger.add_notice(lease.study_id, "a warning")
    ledger.request_stop(lease.study_id)
    status = ledger.status(lease.study_id)
    assert (status.first_started, status.last_ended, status.losses, status.notices) == (200.0, 210.0, 1, 1)
    assert status.stop_requested
    assert status.speeds == {"unet": 0.4}
    assert status.arms[0].running == (Running(key(0), 10, 5, 211.0),)
    assert status.arms[1].running == ()
    assert status.arms[0].iterations_open == 2 + 8 + 10
    ledger.halve(lease, [key(0), key(1)])
    assert ledger.status(lease.study_id).arms[0].iterations_open == 10


def test_who_drives(ledger: Ledger) -> None:
    study_id = ledger.create_study("small", small.FILE, small.DESIGN, small.CASES, "d", {})
    lease = ledger.acquire(study_id, seconds=60.0, now=1000.0)
    status = ledger.status(study_id)
    assert status.driver == f"process {os.getpid()} on {Owner.here().host}"
    assert status.driver_until == 1060.0
    ledger.release(lease)
    assert ledger.status(study_id).driver is None
    ledger.acquire(study_id, dataclasses.replace(Owner.here(), started="1"))  # a process that ended
    assert ledger.status(study_id).driver is None
