import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from study.errors import LedgerAwayError
from study.ledger import Ledger, Patience
from study.ledger.database.location import _parsed
from tests.study import small
from tests.study.databases import refused
from trainables.errors import InputError

PRAGMAS = """
import sys
from study.ledger import Ledger
with Ledger.open(sys.argv[1]) as ledger, ledger.reading() as connection:
    for name in ("journal_mode", "synchronous", "foreign_keys"):
        print(connection.exec_driver_sql(f"PRAGMA {name}").scalar())
"""


def test_a_commit_outlives_a_power_loss(
    tmp_path: Path,
) -> None:  # in a process of its own: the tests do not wait for disks
    said = subprocess.run(
        [sys.executable, "-c", PRAGMAS, tmp_path / "ledger.db"], capture_output=True, encoding="utf-8", check=True
    )
    assert said.stdout.split() == ["wal", "2", "1"]  # 2 is FULL


def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "new" / "runs" / "ledger.db") as ledger:
        assert ledger.studies() == []


@pytest.mark.parametrize("prefix", ["postgresql://", "postgres://", "postgresql+psycopg://"])
def test_every_spelling_of_postgresql_means_psycopg(prefix: str, database: str) -> None:
    with Ledger.open(database.replace("postgresql://", prefix)) as ledger:
        assert ledger.studies() == []


def test_a_url_of_sqlite_is_a_path(tmp_path: Path) -> None:
    Ledger.open(f"sqlite:///{tmp_path}/ledger.db").close()
    assert (tmp_path / "ledger.db").exists()


def test_a_path_may_hold_what_means_something_in_a_url(tmp_path: Path) -> None:
    Ledger.open(tmp_path / "100% a b#?mode=ro.db").close()
    assert (tmp_path / "100% a b#?mode=ro.db").exists()


class TestReadOnly:
    def test_changes_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.db"
        with Ledger.open(path) as ledger:
            small.fill(ledger)
        before = path.read_bytes()
        with Ledger.open(path, read_only=True) as ledger:
            assert ledger.study("small").name == "small"
            with pytest.raises(ValueError, match="read only"):
                ledger.count_report_read(1)
        assert path.read_bytes() == before

    def test_the_database_itself_refuses(self, nowhere: str) -> None:
        Ledger.open(nowhere).close()
        with Ledger.open(nowhere, read_only=True) as ledger:
            ledger.read_only = False  # a bug of ours would be caught by the database
            with pytest.raises(Exception, match=r"(?i)read.?only"):
                ledger.create_study("a", {}, small.DESIGN, (), "", {})

    def test_while_a_driver_writes(self, nowhere: str) -> None:
        with Ledger.open(nowhere) as ledger, Ledger.open(nowhere, read_only=True) as reader:
            lease = small.begin(ledger)
            assert len(reader.known(lease.study_id)) == 0
            ledger.insert_trials(lease, [small.plan(small.key(0))], "random")
            assert len(reader.known(lease.study_id)) == 1

    def test_a_log_that_a_killed_driver_left_is_read(self, tmp_path: Path) -> None:
        path = tmp_path / "ledger.db"
        killed = subprocess.run([sys.executable, "-c", KILLED, path], check=False)
        assert killed.returncode == -signal.SIGKILL
        assert Path(f"{path}-wal").stat().st_size > 0
        before = path.read_bytes()
        with Ledger.open(path, read_only=True) as reader:
            assert reader.study("small").name == "small"
        assert path.read_bytes() == before

    @pytest.mark.parametrize("log", [None, b""], ids=["no log", "an empty log"])
    def test_in_a_folder_that_is_not_ours(self, log: bytes | None) -> None:
        with _folder_of_another() as folder:
            path = folder / "ledger.db"
            with Ledger.open(path) as ledger:
                small.fill(ledger)
                digest = ledger.digest(1)
            if log is not None:
                Path(f"{path}-wal").write_bytes(log)
            folder.chmod(0o555)
            assert _as_nobody(lambda: _read(path)) == digest

    def test_in_a_folder_that_is_not_ours_with_a_log_that_needs_work(self) -> None:
        with _folder_of_another() as folder:
            path = folder / "ledger.db"
            subprocess.run([sys.executable, "-c", KILLED, path], check=False)
            Path(f"{path}-shm").unlink()
            folder.chmod(0o555)
            assert "cannot be opened" in _as_nobody(lambda: _read(path))


@contextlib.contextmanager
def _folder_of_another() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        try:
            yield Path(folder)
        finally:
            Path(folder).chmod(0o755)


def _read(path: Path) -> str:
    try:
        with Ledger.open(path, read_only=True) as reader:
            return reader.digest(1)
    except InputError as error:
        return str(error)


def _as_nobody(work: Callable[[], str]) -> str:
    """Result of `work` in a process without the right to write to others' folders."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            os.write(write, work().encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as pipe:
        return pipe.read()


KILLED = """
import os, sys
from study.ledger import Ledger
from tests.study import small
small.begin(Ledger.open(sys.argv[1]))
os.kill(os.getpid(), 9)
"""


class TestRefused:
    """A ledger that cannot be opened, and the one line that says why."""

    def test_missing_to_be_read(self, tmp_path: Path) -> None:
        assert "does not exist" in refused(tmp_path / "ledger.db", read_only=True)
        assert list(tmp_path.iterdir()) == []

    def test_a_folder(self, tmp_path: Path) -> None:
        assert "is a folder" in refused(tmp_path)

    def test_a_kind_of_database_that_we_do_not_speak(self) -> None:
        message = refused("mysql://me:secret@host/db")
        assert "found mysql" in message
        assert "secret" not in message

    def test_a_url_that_is_none(self) -> None:
        assert "expected a path or postgresql+psycopg://" in refused("http//://")

    def test_a_server_that_does_not_answer(self) -> None:
        message = refused("postgresql://me:secret@127.0.0.1:1/db")
        assert "127.0.0.1" in message
        assert "refused" in message
        assert "secret" not in message

    def test_without_the_driver(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "psycopg", None)
        assert "pip install 'segstudy[postgres]'" in refused("postgresql://host/db")


@pytest.mark.parametrize(
    "password", ["p@ss", "p/ss", "p#ss", "p?ss", "p:ss", "p%ss", "a@b/c?d#e:f", "p@host/x", "pä ss", "%41%zz"]
)
@pytest.mark.parametrize("escaped", [False, True])
def test_a_password_may_hold_any_character(password: str, escaped: bool) -> None:
    written = quote(password, safe="") if escaped else password
    url = _parsed(f"postgresql://me:{written}@host:5432/db?sslmode=require")
    expected = password if escaped or "%4" not in password else "A%zz"  # %41 is an escape wherever it stands
    assert (url.username, url.password) == ("me", expected)
    assert (url.host, url.port, url.database, dict(url.query)) == ("host", 5432, "db", {"sslmode": "require"})


@pytest.mark.parametrize(
    ("text", "user", "host"),
    [
        ("postgresql://host/db", None, "host"),
        ("postgresql://me@host/db", "me", "host"),
        ("postgresql://me@[::1]:5432/db", "me", "::1"),
        ("postgresql:///db?host=/run/postgresql", None, None),
        ("postgresql://host/db?application_name=a@b", None, "host"),
    ],
)
def test_addresses_without_a_password_mean_what_they_meant(text: str, user: str | None, host: str | None) -> None:
    url = _parsed(text)
    assert (url.username, url.password, url.host, url.database) == (user, None, host, "db")


def test_a_role_with_such_a_password_gets_in(postgres: str, database: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE ROLE odd LOGIN SUPERUSER PASSWORD 'a@b/c?d#e:f%'")
    name = database.partition("search_path%3D")[2]
    rest = database.partition("://")[2].rpartition("@")[2]
    with Ledger.open(f"postgresql://odd:a@b/c?d#e:f%@{rest}") as ledger:
        small.fill(ledger)
        assert "c?d#e" not in ledger.label
        assert name in ledger.label


def test_no_statement_is_prepared_on_the_server(database: str) -> None:
    """PgBouncer in transaction mode gives each transaction another server process, which knows none of them."""
    with Ledger.open(database) as ledger:
        lease = small.fill(ledger)
        for _ in range(8):  # psycopg prepares what it sees for the sixth time
            ledger.known(lease.study_id)
            ledger.add_notice(lease.study_id, "again")
        with ledger._engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT name FROM pg_prepared_statements").all() == []


@pytest.mark.parametrize("read_only", [True, False])
def test_a_search_path_that_leads_nowhere(postgres: str, read_only: bool) -> None:
    said = refused(f"{postgres}&options=-csearch_path%3Dnowhere", read_only=read_only)
    assert "its search_path names no schema that is there; create the schema, or leave search_path out" in said


def test_rights_that_are_taken_away_midway_end_in_a_line(database: str, postgres: str) -> None:
    name = database.partition("search_path%3D")[2]
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE few_{name} LOGIN")
        connection.execute(f"GRANT ALL ON SCHEMA {name} TO few_{name}")
        rest = database.partition("://")[2].rpartition("@")[2]
        with Ledger.open(f"postgresql://few_{name}@{rest}") as ledger:
            lease = small.fill(ledger)
            connection.execute(f"REVOKE ALL ON {name}.trials FROM few_{name}")
            ledger.patience = Patience(seconds=60.0)
            began = time.monotonic()
            for work in (
                lambda: ledger.known(lease.study_id),
                lambda: ledger.insert_trials(lease, [small.plan(small.key(7))], "random"),
            ):
                with pytest.raises(LedgerAwayError, match=r"permission denied for table trials. Nothing is lost: give"):
                    work()
            assert time.monotonic() - began < 30.0  # nobody waits for what does not pass
            connection.execute(f"GRANT ALL ON {name}.trials TO few_{name}")
        with Ledger.open(f"postgresql://few_{name}@{rest}") as ledger:
            ledger.insert_trials(lease, [small.plan(small.key(7))], "random")


def test_tables_that_are_gone_midway_end_in_a_line(database: str, postgres: str) -> None:
    name = database.partition("search_path%3D")[2]
    with Ledger.open(database) as ledger:
        lease = small.fill(ledger)
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {name} CASCADE")
        with pytest.raises(LedgerAwayError, match=r'relation "trials" does not exist'):
            ledger.known(lease.study_id)
