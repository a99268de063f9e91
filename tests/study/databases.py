"""The two databases that a ledger lives in, as fixtures: a file, and a real PostgreSQL server."""

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psycopg
import pytest
from sqlalchemy import text

from study.ledger import Ledger
from study.ledger.database import schema, sqlite_file
from trainables.errors import InputError

_count = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def no_syncs() -> Iterator[None]:
    """Files of the tests need not outlive the machine: a sync at each commit took most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite_file, "SYNCHRONOUS", "OFF")
        yield


class Server:
    """A real PostgreSQL that runs while the block does, and can be stopped and started within it.

    Attributes:
        address: Of its database; the same after a restart.
    """

    def __enter__(self) -> Self:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pgserver looks for a runtime folder that a container need not have
            import pgserver

            # Not in pytest's folder: the server runs as another user when we are root, and may not enter there.
            self._server = pgserver.get_server(tempfile.mkdtemp(prefix="segstudy-postgres-"), cleanup_mode="delete")
        self._pg_ctl = pgserver.pg_ctl
        self.address = str(self._server.get_uri())
        with psycopg.connect(self.address, autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes"):  # these databases need not outlive the machine
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.cleanup()

    def stop(self, how: str) -> None:
        """Stops it: `fast` ends connections in order, `immediate` is a crash."""
        self._pg_ctl(["-w", "stop", "-m", how], pgdata=self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        """Starts it again."""
        self._server.ensure_postgres_running()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server, for the whole run."""
    with Server() as server:
        yield server.address


def schema_of_its_own(server: str) -> str:
    """The address of an empty schema on a server: a database would take 0.1 s longer."""
    name = f"test_{next(_count)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server}&options=-csearch_path%3D{name}"


@pytest.fixture
def database(postgres: str) -> str:
    """The address of an empty schema on the server."""
    return schema_of_its_own(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def nowhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger can be made, on each kind of database."""
    return str(tmp_path / "ledger.db") if request.param == "sqlite" else str(request.getfixturevalue("database"))


def emptied(server: str) -> str:
    """The address of a ledger without a study on the server: made once, since PostgreSQL needs 0.2 s for its tables."""
    with Ledger.open(server) as ledger:
        tables = ", ".join(schema.metadata.tables)
        ledger.write(lambda connection: connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY")))
    return server


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger without a study is, or can be made."""
    return str(tmp_path / "ledger.db") if request.param == "sqlite" else emptied(request.getfixturevalue("postgres"))


def refused(where: str | Path, *, read_only: bool = False) -> str:
    """The one line that says why a ledger cannot be opened."""
    with pytest.raises(InputError) as caught:
        Ledger.open(where, read_only=read_only)
    message = str(caught.value)
    assert "\n" not in message
    return message
