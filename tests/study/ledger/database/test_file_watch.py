"""A ledger whose file is taken away under the driver: the run stops, and nothing that was recorded is lost."""

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from study.errors import LedgerGoneError
from study.ledger import Ledger
from study.running.held_lease import Heartbeat
from tests.study import small
from tests.study.dispatch_bench import DispatchBench, undisturbed_digest
from tests.study.numbers_study import numbers_study
from tests.study.small import key
from trainables.storage.folder import Storage


def _deleted(path: Path) -> None:
    path.unlink()


def _purged(path: Path) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


def _moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def _replaced(path: Path) -> None:
    """A sync tool brings an older state, by way of a new file."""
    with sqlite3.connect(path.with_name("new.db")) as connection:
        connection.execute("CREATE TABLE other (id INTEGER)")
    os.replace(path.with_name("new.db"), path)


def _without_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


def _without_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


WAYS = [
    (_deleted, "was deleted or moved"),
    (_purged, "was deleted or moved"),
    (_moved, "was deleted or moved"),
    (_replaced, "was replaced by another file"),
    (_without_log, "lost its write-ahead log"),
    (_without_folder, "was deleted or moved"),
]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home" / "ledger.db"


def _rescued(path: Path) -> Path:
    """The one file with what the ledger held."""
    (found,) = [*path.parent.glob("*.rescued-*"), *Path.cwd().glob("*.rescued-*")]
    return found


@pytest.mark.parametrize(("take", "said"), WAYS, ids=[take.__name__ for take, _ in WAYS])
def test_the_next_transaction_stops_and_saves_all(path: Path, take: Callable[[Path], None], said: str) -> None:
    with Ledger.open(path) as ledger:
        lease = small.fill(ledger)
        digest = ledger.digest(lease.study_id)
        take(path)
        for _ in range(2):  # it stays stopped, and saves once
            with pytest.raises(LedgerGoneError, match=said) as caught:
                ledger.insert_trials(lease, [small.plan(key(7))], "random")
        saved = _rescued(path)
        assert f"all that was recorded is saved in {saved}: move it to {path} and run again" in str(caught.value)
        assert "\n" not in str(caught.value)
    with Ledger.open(saved, read_only=True) as rescued:
        assert rescued.digest(rescued.study("small").id) == digest


def test_moved_back_it_goes_on(path: Path) -> None:
    with Ledger.open(path) as ledger:
        lease = small.fill(ledger)
        _purged(path)
        with pytest.raises(LedgerGoneError):
            ledger.insert_trials(lease, [small.plan(key(7))], "random")
    os.replace(_rescued(path), path)
    with Ledger.open(path) as ledger:
        again = ledger.acquire(ledger.study("small").id, now=2e9)
        ledger.insert_trials(again, [small.plan(key(7))], "random")
        assert len(ledger.known(again.study_id)) == len(small.TRIALS) + 1


def test_a_file_in_its_place_is_left_alone(path: Path) -> None:
    """Also after a checkpoint of the log, beside other processes, and through a link."""
    link = path.with_name("link.db")
    link.symlink_to(path)
    with Ledger.open(link) as ledger:
        lease = small.fill(ledger)
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        Ledger.open(path).close()
        ledger.insert_trials(lease, [small.plan(key(7))], "random")
    assert list(path.parent.glob("*rescued*")) == []


def test_the_log_of_a_linked_ledger_lies_beside_the_file_itself(path: Path) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    with Ledger.open(link) as ledger:
        lease = small.fill(ledger)
        _without_log(path)
        with pytest.raises(LedgerGoneError, match="lost its write-ahead log"):
            ledger.insert_trials(lease, [small.plan(key(7))], "random")


def test_a_file_system_that_does_not_answer_for_a_moment_stops_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(path) as ledger:
        lease = small.fill(ledger)

        def silent(path: Path) -> tuple[int, int]:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr("study.ledger.database.file_watch._identity", silent)
        ledger.insert_trials(lease, [small.plan(key(7))], "random")


def test_a_reader_and_a_view_save_nothing(path: Path) -> None:
    """Only the driver's connection to a file saves: it knows what it wrote last."""
    with Ledger.open(path) as ledger, Ledger.open(path) as view:
        lease = small.fill(ledger)
        _purged(path)
        with pytest.raises(LedgerGoneError, match="was deleted or moved while it was open"):
            view.set_view_position(lease.study_id, "http://mlflow", 3)
        assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("take", [_deleted, _without_log])
def test_the_heartbeat_notices_without_a_write(path: Path, take: Callable[[Path], None]) -> None:
    with Ledger.open(path) as ledger:
        lease = small.fill(ledger)
        with Heartbeat(ledger, lease, listen=0.02) as heart:
            time.sleep(0.1)
            assert heart.lost is None
            take(path)
            end = time.monotonic() + 20.0
            while heart.lost is None and time.monotonic() < end:
                time.sleep(0.02)
            assert isinstance(heart.lost, LedgerGoneError)
        assert _rescued(path).exists()


def test_no_new_file_is_made_in_place_of_a_deleted_one(path: Path) -> None:
    with Ledger.open(path) as ledger:
        small.fill(ledger)
        _purged(path)
        with pytest.raises(OperationalError, match="unable to open"):
            [ledger._engine.connect() for _ in range(2)]  # one is there, the next has to be made
    assert not path.exists()


def test_an_older_copy_in_the_same_file_is_noticed_by_its_count(path: Path) -> None:
    """`cp old ledger.db` keeps device and inode; the count of transactions goes back."""
    with Ledger.open(path) as ledger:
        lease = small.begin(ledger)
        for number in range(3):
            ledger.insert_trials(lease, [small.plan(key(number))], "random")
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE leases SET revision = revision - 3")
        connection.close()
        with pytest.raises(LedgerGoneError, match="is an older copy than this run wrote to: 2 of its transactions are"):
            ledger.insert_trials(lease, [small.plan(key(3))], "random")


def test_where_nothing_can_be_saved_the_message_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Ledger.open(path) as ledger:
        lease = small.fill(ledger)
        _purged(path)

        def full(connection: sqlite3.Connection, target: Path) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr("study.ledger.database.file_watch._copy", full)
        with pytest.raises(LedgerGoneError, match="what it held could not be saved in any folder, bring back a copy"):
            ledger.insert_trials(lease, [small.plan(key(7))], "random")


def test_the_saved_file_goes_on_to_the_digest_of_an_undisturbed_study(path: Path) -> None:
    steps = iter(range(10**6))

    def purge_once() -> None:
        if next(steps) == 12:
            _purged(path)

    storage = Storage(path.parent / "storage")
    with Ledger.open(path) as ledger, pytest.raises(LedgerGoneError):
        DispatchBench(numbers_study(), ledger, storage).finish(each=purge_once)
    os.replace(_rescued(path), path)
    with sqlite3.connect(path) as connection:  # this process, which still lives, was the driver
        connection.execute("UPDATE leases SET owner = NULL")
    connection.close()
    with Ledger.open(path) as ledger:
        ended = DispatchBench(numbers_study(), ledger, storage).finish()
    assert ended == undisturbed_digest(path.parent)
