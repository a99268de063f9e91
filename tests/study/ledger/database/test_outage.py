"""The database goes away under the writer, its disk is full, a commit's answer is lost: nothing twice, nothing lost."""

import pathlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError, OperationalError

from study.errors import Stopped
from study.events import Event, Step, Waiting
from study.ledger import Ledger, LedgerAwayError, Patience
from study.ledger.database import outage
from study.running.held_lease import drivers_patience
from study.signals import Stopping
from tests.study import small
from tests.study.databases import Server, emptied
from tests.study.dispatch_bench import DispatchBench, undisturbed_digest
from tests.study.numbers_study import numbers_study
from tests.study.small import key
from trainables.storage.folder import Storage


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outages are news at once: tests have no time."""
    monkeypatch.setattr(outage, "NEWS", 0.1)
    monkeypatch.setattr(outage, "LOOK", 0.05)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL that may be stopped."""
    with Server() as started:
        yield started


@pytest.mark.usefixtures("quick")
def test_a_server_stopped_and_started_twice_under_a_study(server: Server, tmp_path: pathlib.Path) -> None:
    study = numbers_study()
    said: list[Event] = []
    over = threading.Event()

    def disturb() -> None:
        for how in ("fast", "immediate"):
            over.wait(0.3)
            server.stop(how)
            over.wait(0.5)
            server.start()

    with Ledger.open(emptied(server.address)) as ledger:
        ledger.patience = drivers_patience(60.0, said.append, Stopping().check)
        bench = DispatchBench(study, ledger, Storage(tmp_path / "trials"))
        thread = threading.Thread(target=disturb)
        thread.start()
        try:
            digest = bench.finish(each=lambda: time.sleep(0.05))
        finally:
            over.set()
            thread.join(30)
        attempts = ledger.attempts(bench.id)
    assert digest == undisturbed_digest(tmp_path, study)
    waits = [told for told in said if isinstance(told, Waiting)]
    assert 1 <= len(waits) <= 2, said
    assert len([told for told in said if isinstance(told, Step)]) == len(waits)
    assert all("\n" not in wait.text and "the study waits for it" in wait.text for wait in waits)
    assert {attempt.result for attempt in attempts} <= {"done", "failed"}


@pytest.mark.usefixtures("quick")
def test_a_stop_is_heard_while_the_server_is_away(server: Server) -> None:
    stopping, said = Stopping(), list[Event]()
    with Ledger.open(emptied(server.address)) as ledger:
        lease = small.begin(ledger)
        ledger.patience = drivers_patience(60.0, said.append, stopping.check)
        server.stop("fast")
        try:
            threading.Timer(0.4, stopping.ask).start()
            begun = time.monotonic()
            with pytest.raises(Stopped):
                ledger.insert_trials(lease, [small.plan(key(0))], "random")
            assert time.monotonic() - begun < 5.0
            ledger.patience = Patience(seconds=0.1)
            with pytest.raises(LedgerAwayError, match=r"(refused|No such file).*Nothing is lost") as caught:
                ledger.known(lease.study_id)
            assert "\n" not in str(caught.value)
        finally:
            server.start()
        ledger.patience = Patience()
        assert ledger.known(lease.study_id) == []


COMMITS: dict[str, Callable[[Ledger, Any], Any]] = {
    "insert_trials": lambda ledger, lease: ledger.insert_trials(lease, [small.plan(key(3))], "random"),
    "start_attempt": lambda ledger, lease: ledger.start_attempt(lease, key(0), 5, 0),
    "complete_segment": lambda ledger, lease: small.complete(ledger, lease, [(key(0), 5)]),
    "record_checkpoint": lambda ledger, lease: ledger.record_checkpoint(lease, key(0), 3, "three"),
    "halve": lambda ledger, lease: ledger.halve(lease, [key(0)]),
    "lose": lambda ledger, lease: ledger.lose(lease, key(0), "gone"),
}


@pytest.mark.parametrize("write", COMMITS.values(), ids=COMMITS)
@pytest.mark.parametrize("committed", [True, False])
def test_a_connection_that_breaks_at_the_commit(
    where: str, write: Callable[[Ledger, Any], Any], committed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the commit was done or not cannot be known from its answer; it must be done once all the same."""
    with Ledger.open(where) as ledger:
        lease = small.begin(ledger)
        ledger.insert_trials(lease, [small.plan(key(0))], "random")
        ledger.record_checkpoint(lease, key(0), 2, "two")
        expected = _copy_of(ledger, write)
        breaks = [committed]
        true = Connection._commit_impl

        def commit(connection: Connection) -> None:
            if breaks:
                breaks.pop()
                if committed:
                    true(connection)
                else:
                    connection._rollback_impl()
                raise _broken()
            true(connection)

        with monkeypatch.context() as patch:
            patch.setattr(Connection, "_commit_impl", commit)
            write(ledger, lease)
        assert not breaks
        assert _rows(ledger) == expected


def _copy_of(ledger: Ledger, write: Callable[[Ledger, Any], Any]) -> list[Any]:
    """Result of the write, in a study of another name."""
    lease = small.begin(ledger, "twin")
    ledger.insert_trials(lease, [small.plan(key(0))], "random")
    ledger.record_checkpoint(lease, key(0), 2, "two")
    write(ledger, lease)
    return _rows(ledger, "twin")


def _rows(ledger: Ledger, name: str = "small") -> list[Any]:
    study = ledger.study(name).id
    attempts = [(str(each.trial), each.stop, each.result) for each in ledger.attempts(study)]
    reached = [(str(each.trial), each.iteration, each.attempts) for each in ledger.segments(study)]
    trials = [(str(each.key), each.status, each.reason) for each in ledger.trials(study)]
    notices = [each.text for each in ledger.notices(study)]
    return [attempts, reached, trials, notices, sorted(ledger.folders(study)), len(ledger.scores(study, None).value)]


def _broken() -> OperationalError:
    return OperationalError(
        "COMMIT", {}, psycopg.OperationalError("the connection is lost"), connection_invalidated=True
    )


def test_a_lease_whose_commit_was_not_heard_of_is_ours(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger.open(where) as ledger:
        study = ledger.create_study("small", small.FILE, small.DESIGN, small.CASES, "d", {})
        true, breaks = Connection._commit_impl, [True]

        def commit(connection: Connection) -> None:
            true(connection)
            if breaks:
                breaks.pop()
                raise _broken()

        monkeypatch.setattr(Connection, "_commit_impl", commit)
        assert ledger.acquire(study).fence == 1


def test_a_full_disk_ends_the_run_with_one_line_and_nothing_is_lost(tmp_path: pathlib.Path) -> None:
    """SQLite's own limit of pages stands for the disk: the error and the rollback are those of a full one."""
    path = tmp_path / "ledger.db"
    with Ledger.open(path) as ledger:
        lease = small.fill(ledger)
        before = ledger.digest(lease.study_id)

        def full(connection: Any, record: Any) -> None:
            connection.execute("PRAGMA max_page_count = 1")

        event.listen(ledger._engine, "connect", full)
        ledger._engine.dispose()
        begun = time.monotonic()
        with pytest.raises(LedgerAwayError) as caught:
            ledger.insert_trials(lease, [small.plan(key(100 + i)) for i in range(2000)], "random")
        assert time.monotonic() - begun < 2.0, "a full disk is not waited for"
        assert str(caught.value) == (
            f"{path}: database or disk is full. Nothing is lost: give the same command again when that is mended."
        )
        event.remove(ledger._engine, "connect", full)
        ledger._engine.dispose()
        assert ledger.digest(lease.study_id) == before
        ledger.insert_trials(lease, [small.plan(key(100))], "random")


@pytest.mark.parametrize(
    ("state", "waits"),
    [("57P01", True), ("57P03", True), ("08006", True), ("40001", True), ("25006", True), ("53100", False)],
)
def test_what_a_server_says_is_waited_for_or_not(state: str, waits: bool) -> None:
    error = OperationalError("", {}, psycopg.errors.lookup(state)("first line\nHINT: do something"))
    assert outage.reason(error) is not None
    assert outage.passes(error) is waits


def test_a_mistake_of_ours_is_no_outage() -> None:
    for wrong in (psycopg.errors.UndefinedColumn("x"), sqlite3.IntegrityError("UNIQUE constraint failed")):
        assert outage.reason(DBAPIError("", {}, wrong)) is None


def test_the_heartbeat_does_not_wait(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger.open(where) as ledger:
        lease = small.begin(ledger)
        monkeypatch.setattr(Connection, "_commit_impl", lambda connection: (_ for _ in ()).throw(_broken()))
        ledger.patience = Patience(seconds=60.0)
        begun = time.monotonic()
        with pytest.raises(OperationalError):
            ledger.renew(lease)
        assert time.monotonic() - begun < 1.0
