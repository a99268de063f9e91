"""The two databases that a ledger lives in, as fixtures: a file, and a real PostgreSQL server."""

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from study.ledger import Ledger, schema
from study.ledger import location as ledger_location

_count = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def no_syncs() -> Iterator[None]:
    """Files of the tests need not outlive the machine: a sync at each commit took most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_location, "SYNCHRONOUS", "OFF")
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server, for the whole run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pgserver looks for a runtime folder that a container need not have
        import pgserver

        # Not in pytest's folder: the server runs as another user when we are root, and may not enter there.
        server = pgserver.get_server(tempfile.mkdtemp(prefix="segstudy-postgres-"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):  # these databases need not outlive the machine
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()


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
