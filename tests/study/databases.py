"""The two databases that a ledger lives in, as fixtures: a file, and a real PostgreSQL server."""

import itertools
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

_count = itertools.count()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server, for the whole run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pgserver looks for a runtime folder that a container need not have
        import pgserver

        server = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def database(postgres: str) -> str:
    """The address of an empty database on it."""
    name = f"test_{next(_count)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger is to be made, on each kind of database."""
    return str(tmp_path / "ledger.db") if request.param == "sqlite" else str(request.getfixturevalue("database"))
