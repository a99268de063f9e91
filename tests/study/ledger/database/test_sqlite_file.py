"""Files of somebody else: an archive is read as it is, and what could change what is read is refused."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from study.ledger import Ledger
from study.ledger.database import sqlite_file
from tests.study import small
from tests.study.databases import refused


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "shared").mkdir()
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        lease = small.fill(ledger)
        ledger.export(lease.study_id, tmp_path / "shared" / "study.sqlite")
    return tmp_path / "shared" / "study.sqlite"


def test_reading_an_archive_leaves_no_trace(archive: Path) -> None:
    before, at = archive.read_bytes(), archive.stat().st_mtime_ns
    archive.parent.chmod(0o555)
    try:
        with Ledger.open(archive, read_only=True) as ledger:
            assert ledger.is_archive
            ledger.digest(ledger.study("small").id)
            assert [path.name for path in archive.parent.iterdir()] == [archive.name]
    finally:
        archive.parent.chmod(0o755)
    assert (archive.read_bytes(), archive.stat().st_mtime_ns) == (before, at)
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]


def test_an_archive_of_an_older_version_is_known_by_having_no_log(archive: Path) -> None:
    with sqlite3.connect(archive) as connection:
        connection.execute("PRAGMA application_id = 0")
    connection.close()
    with Ledger.open(archive, read_only=True) as ledger:
        assert ledger.is_archive


def test_a_ledger_that_is_written_is_none(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as writing, Ledger.open(tmp_path / "ledger.db", read_only=True) as reading:
        assert not reading.is_archive
        small.fill(writing)
        assert reading.study("small").name == "small"  # and it goes on being read


def test_an_archive_that_is_written_to_is_one_no_more(archive: Path) -> None:
    """Else those who read it while a run goes on would take it for a file that nobody writes."""
    with Ledger.open(archive) as writing, Ledger.open(archive, read_only=True) as reading:
        assert not reading.is_archive
        lease = writing.acquire(writing.study("small").id)
        before = len(reading.known(lease.study_id))
        writing.insert_trials(lease, [small.plan(small.key(7))], "random")
        assert len(reading.known(lease.study_id)) == before + 1
    with Ledger.open(archive, read_only=True) as reading:
        assert not reading.is_archive


FOREIGN = [
    "CREATE TRIGGER t AFTER UPDATE ON studies BEGIN DELETE FROM trials; END",
    "CREATE VIEW v AS SELECT * FROM studies",
    "ALTER TABLE curves RENAME TO c; CREATE VIEW curves AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) "
    "SELECT x AS trial_id FROM n",
    "CREATE VIRTUAL TABLE f USING fts5(words)",
]


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("script", FOREIGN)
def test_a_file_with_code_in_it_is_refused(archive: Path, script: str, read_only: bool) -> None:
    with sqlite3.connect(archive) as connection:
        connection.executescript(script)
    connection.close()
    before = archive.read_bytes()
    assert "holds a trigger, view or virtual table" in refused(archive, read_only=read_only)
    assert archive.read_bytes() == before


def test_no_function_of_a_strangers_schema_runs(archive: Path) -> None:
    with Ledger.open(archive, read_only=True) as ledger, ledger.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA trusted_schema").scalar() == 0


def test_a_copy_without_its_log_is_told_apart_from_an_empty_file(tmp_path: Path) -> None:
    """All of a young ledger is in the log: the file alone holds no table."""
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        small.fill(ledger)
        copy = tmp_path / "copy.db"
        copy.write_bytes((tmp_path / "ledger.db").read_bytes())
    said = refused(copy, read_only=True)
    assert "or it was copied without its log copy.db-wal: copy both files, or have `segstudy export` write one" in said
    (tmp_path / "none.db").touch()
    assert refused(tmp_path / "none.db", read_only=True).endswith(
        "is empty, and holds no study yet; `segstudy run` fills it"
    )


def _pipe(path: Path) -> None:
    import os

    os.mkfifo(path)


def _socket(path: Path) -> None:
    import socket

    socket.socket(socket.AF_UNIX).bind(str(path))


@pytest.mark.parametrize("make", [_pipe, _socket])
@pytest.mark.parametrize("read_only", [True, False])
def test_what_is_no_file_is_refused_without_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], read_only: bool
) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    make(Path("ledger.db"))
    assert "is no file" in refused("ledger.db", read_only=read_only)


def test_on_a_network_file_system_there_is_no_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("version", "sqlite_file"):
        monkeypatch.setattr(f"study.ledger.database.{module}.network_kind", lambda path: "nfs4")
    path = tmp_path / "ledger.db"
    with Ledger.open(path) as ledger:
        lease = small.fill(ledger)
        with ledger.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "delete"
        assert not Path(f"{path}-wal").exists()
        with Ledger.open(path, read_only=True) as reading:
            assert not reading.is_archive
            assert reading.digest(lease.study_id) == ledger.digest(lease.study_id)
        ledger.add_notice(lease.study_id, "written while it is read")


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("version", "sqlite_file"):
        monkeypatch.setattr(f"study.ledger.database.{module}.network_kind", lambda path: "nfs4")

    def connect(address: str, path: Path) -> sqlite3.Connection:
        error = sqlite3.OperationalError("locking protocol")
        error.sqlite_errorcode = sqlite3.SQLITE_PROTOCOL
        raise error

    monkeypatch.setattr(sqlite_file, "_connect", connect)
    said = refused(tmp_path / "ledger.db")
    assert "locking protocol; it lies on a network file system (nfs4), which gives SQLite no locks" in said
