import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from study.ledger import FencedOut, Lease, LeaseHeld, Ledger, Owner
from study.ledger.database import schema
from tests.study import small
from tests.study.small import key
from trainables.errors import InputError

ELSEWHERE = Owner("another-host", "a boot", 7, "1")


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


@pytest.fixture
def study_id(ledger: Ledger) -> int:
    return ledger.create_study("small", small.FILE, small.DESIGN, small.CASES, "d", {})


def test_one_driver_at_a_time(ledger: Ledger, study_id: int) -> None:
    first = ledger.acquire(study_id, ELSEWHERE, seconds=60.0, now=1000.0)
    with pytest.raises(LeaseHeld) as held:
        ledger.acquire(study_id, now=1059.0)
    assert held.value.until == 1060.0
    assert held.value.owner == "process 7 on another-host"
    assert str(held.value) == (
        "study 'small' is being run by process 7 on another-host, whose lease ends in 1 s unless renewed; "
        "`segstudy stop small` ends that run"
    )
    assert isinstance(held.value, InputError)
    second = ledger.acquire(study_id, now=1061.0)
    assert second.fence > first.fence


def test_a_renewed_lease_lasts_longer(ledger: Ledger, study_id: int) -> None:
    lease = ledger.acquire(study_id, ELSEWHERE, seconds=60.0, now=1000.0)
    renewed = ledger.renew(lease, seconds=60.0, now=1050.0)
    assert renewed == Lease(study_id, lease.fence, 1110.0)
    with pytest.raises(LeaseHeld):
        ledger.acquire(study_id, now=1100.0)


def test_a_lease_that_ended_is_renewed_unless_somebody_took_it(ledger: Ledger, study_id: int) -> None:
    lease = ledger.acquire(study_id, ELSEWHERE, seconds=60.0, now=1000.0)
    ledger.renew(lease, seconds=60.0, now=2000.0)
    ledger.acquire(study_id, now=3000.0)
    with pytest.raises(FencedOut, match=rf"process {os.getpid()} on .* has it \(fence 2, ours is 1\)"):
        ledger.renew(lease, seconds=60.0, now=3001.0)


def test_a_released_lease_is_free_and_writes_no_more(ledger: Ledger, study_id: int) -> None:
    lease = ledger.acquire(study_id, ELSEWHERE, seconds=60.0, now=1000.0)
    ledger.release(lease)
    with pytest.raises(FencedOut, match="nobody has it"):
        ledger.renew(lease)
    again = ledger.acquire(study_id, ELSEWHERE, now=1000.0)
    ledger.release(lease)  # the old one: the new one stays
    ledger.renew(again, now=1001.0)


def test_each_study_has_a_lease_of_its_own(ledger: Ledger, study_id: int) -> None:
    other = ledger.create_study("other", {}, small.DESIGN, (), "d", {})
    ledger.acquire(study_id, ELSEWHERE, now=1000.0)
    ledger.acquire(other, ELSEWHERE, now=1000.0)


def test_by_default_time_is_told_by_the_clock(ledger: Ledger, study_id: int) -> None:
    lease = ledger.acquire(study_id, ELSEWHERE, seconds=60.0)
    assert lease.expires == pytest.approx(time.time() + 60.0, abs=5.0)
    with pytest.raises(LeaseHeld):
        ledger.acquire(study_id)


WRITES: dict[str, Callable[[Ledger, Lease], Any]] = {
    "set_cases": lambda ledger, lease: ledger.set_cases(lease, small.CASES),
    "update_file": lambda ledger, lease: ledger.update_file(lease, {"new": 1}, small.DESIGN),
    "insert_trials": lambda ledger, lease: ledger.insert_trials(lease, [small.plan(key(7))], "random"),
    "halve": lambda ledger, lease: ledger.halve(lease, [key(0)]),
    "lose": lambda ledger, lease: ledger.lose(lease, key(0), "gone"),
    "start_attempt": lambda ledger, lease: ledger.start_attempt(lease, key(0), 5, 0),
    "end_attempt": lambda ledger, lease: ledger.end_attempt(lease, 1, "lost"),
    "complete_segment": lambda ledger, lease: small.complete(ledger, lease, [(key(0), 5)]),
    "record_checkpoint": lambda ledger, lease: ledger.record_checkpoint(lease, key(0), 3, "folder"),
    "forget_checkpoint": lambda ledger, lease: ledger.forget_checkpoint(lease, key(0), 2),
    "forget_checkpoints": lambda ledger, lease: ledger.forget_checkpoints(lease, [key(0)]),
    "reopen": lambda ledger, lease: ledger.reopen(lease, [key(1)]),
    "renew": lambda ledger, lease: ledger.renew(lease),
}


def everything(ledger: Ledger) -> list[Any]:
    with ledger.reading() as connection:
        return [connection.execute(select(table)).all() for table in schema.metadata.sorted_tables]


class TestFencing:
    """A driver that lost its lease, whatever it believes, writes nothing."""

    @pytest.fixture
    def old(self, ledger: Ledger, study_id: int) -> Lease:
        lease = ledger.acquire(study_id, ELSEWHERE, seconds=60.0, now=1000.0)
        ledger.insert_trials(lease, [small.plan(key(0)), small.plan(key(1))], "random")
        ledger.lose(lease, key(1), "gone")
        ledger.start_attempt(lease, key(0), 5, 0)
        ledger.record_checkpoint(lease, key(0), 2, "two")
        return lease

    @pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
    def test_nothing_is_written(self, ledger: Ledger, old: Lease, write: Callable[[Ledger, Lease], Any]) -> None:
        new = ledger.acquire(old.study_id, now=2000.0)
        before = everything(ledger)
        with pytest.raises(FencedOut, match=r"fence 2, ours is 1\); nothing was written"):
            write(ledger, old)
        assert everything(ledger) == before
        write(ledger, new)  # and it was the fence that stopped it

    def test_on_an_sqlite_that_returns_nothing_from_updates(
        self, ledger: Ledger, old: Lease, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ledger._engine.dialect, "update_returning", False)
        ledger.record_checkpoint(old, key(0), 3, "three")
        assert ledger.resume_point(old.study_id, key(0)) == (3, "three")
        ledger.acquire(old.study_id, now=2000.0)
        with pytest.raises(FencedOut, match="nothing was written"):
            ledger.record_checkpoint(old, key(0), 4, "four")

    def test_a_transaction_under_way_holds_off_the_next_owner(self, where: str, ledger: Ledger, old: Lease) -> None:
        inside, proceed, order = threading.Event(), threading.Event(), []

        def write() -> None:
            def work(connection: Any, revision: int) -> None:
                inside.set()
                proceed.wait(10)
                order.append("written")

            ledger.fenced(old, work)

        def take() -> None:
            with Ledger.open(where) as other:
                other.acquire(old.study_id, now=2000.0)
                order.append("taken")

        threads = [threading.Thread(target=write), threading.Thread(target=take)]
        threads[0].start()
        assert inside.wait(10)
        threads[1].start()
        time.sleep(0.3)
        assert order == []
        proceed.set()
        for thread in threads:
            thread.join(20)
        assert order == ["written", "taken"]

    def test_two_that_ask_at_once(self, where: str, study_id: int) -> None:
        barrier, got = threading.Barrier(4), []

        def ask(number: int) -> None:
            with Ledger.open(where) as mine:
                barrier.wait(10)
                try:
                    mine.acquire(study_id, dataclasses.replace(ELSEWHERE, pid=number), now=1000.0)
                    got.append(number)
                except LeaseHeld:
                    pass

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(got) == 1

    def test_what_an_earlier_driver_left_running_is_closed(self, ledger: Ledger, old: Lease) -> None:
        other = ledger.create_study("other", {}, small.DESIGN, small.CASES, "d", {})
        theirs = ledger.acquire(other, now=1000.0)
        ledger.insert_trials(theirs, [small.plan(key(0))], "random")
        ledger.start_attempt(theirs, key(0), 5, 0)
        ledger.acquire(old.study_id, now=2000.0)
        [attempt] = ledger.attempts(old.study_id)
        assert (attempt.result, attempt.reason, attempt.ended) == ("stopped", "its driver ended", 2000.0)
        assert [attempt.result for attempt in ledger.attempts(other)] == [None]
