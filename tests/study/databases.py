"""Fixtures for the two databases of a ledger: an SQLite file, and a real PostgreSQL server."""

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
    """Turns off syncs at commits, which took most of the tests' time; test files need not survive a crash."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite_file, "SYNCHRONOUS", "OFF")
        yield


class Server:
    """A real PostgreSQL that runs during a `with` block, and can be stopped and started within it.

    Attributes:
        address: URL of its database; the same after a restart.
    """

    def __enter__(self) -> Self:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pgserver warns where a container has no runtime folder
            import pgserver

            # Not in pytest's folder: the server runs as another user when we are root, and may not enter there.
            self._server = pgserver.get_server(tempfile.mkdtemp(prefix="segstudy-postgres-"), cleanup_mode="delete")
        self._pg_ctl = pgserver.pg_ctl
        self.address = str(self._server.get_uri())
        with psycopg.connect(self.address, autocommit=True) as connection:
            for setting in ("fsync", "full_page_writes"):  # these databases need not survive a crash
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        return self

    def __exit__(self, *_: object) -> None:
        self._server.cleanup()

    def stop(self, how: str) -> None:
        """Stops it: `fast` closes connections cleanly, `immediate` is a crash."""
        self._pg_ctl(["-w", "stop", "-m", how], pgdata=self._server.pgdata, user=self._server.system_user)

    def start(self) -> None:
        """Starts it again."""
        self._server.ensure_postgres_running()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a server, for the whole run."""
    with Server() as server:
        yield server.address


def schema_of_its_own(server: str) -> str:
    """Creates an empty schema on a server and returns its address; a database would take 0.1 s longer."""
    name = f"test_{next(_count)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server}&options=-csearch_path%3D{name}"


@pytest.fixture
def database(postgres: str) -> str:
    """Address of an empty schema on the server."""
    return schema_of_its_own(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def nowhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address where a ledger can be created, on each kind of database."""
    return str(tmp_path / "ledger.db") if request.param == "sqlite" else str(request.getfixturevalue("database"))


def emptied(server: str) -> str:
    """Empties the server's ledger, made once since PostgreSQL needs 0.2 s for its tables; returns its address."""
    with Ledger.open(server) as ledger:
        tables = ", ".join(schema.metadata.tables)
        ledger.write(lambda connection: connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY")))
    return server


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a ledger without studies, which may not exist yet."""
    return str(tmp_path / "ledger.db") if request.param == "sqlite" else emptied(request.getfixturevalue("postgres"))


def refused(where: str | Path, *, read_only: bool = False) -> str:
    """Returns the one-line error of opening a ledger."""
    with pytest.raises(InputError) as caught:
        Ledger.open(where, read_only=read_only)
    message = str(caught.value)
    assert "\n" not in message
    return message
