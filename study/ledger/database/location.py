"""The place of a ledger: a file (SQLite) or a server (PostgreSQL), and the engine for it."""

import errno
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from study.errors import LedgerNotMadeError
from study.ledger.database.json import dumps
from study.study_file.addresses import shown, without_secret_parameters
from trainables.errors import InputError

PATIENCE = 30.0  # seconds that a writer waits for another writer

# FULL syncs the log at every commit. NORMAL keeps the file whole after a power loss, but may forget the last commits,
# and then the ledger names checkpoints whose folders were removed after those commits. A commit comes with a segment,
# which is seconds of training at least; the sync costs milliseconds.
SYNCHRONOUS = "FULL"


def engine_for(where: str | Path, *, read_only: bool) -> tuple[Engine, str]:
    """Return an engine for a path or URL, and its name in messages (without password). Nothing is opened yet.

    Raises:
        InputError: Neither a path nor `sqlite:///path` nor `postgresql+psycopg://…`; the driver is missing; it is to be
            read and not there.
    """
    text = str(where)
    if "://" not in text:
        return _sqlite(Path(where), read_only=read_only)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:  # the latter: a port that is no number
        raise InputError(
            f"ledger '{shown(text)}': expected a path or postgresql+psycopg://user@host:port/database"
        ) from error
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite" and url.database:
        return _sqlite(Path(url.database), read_only=read_only)
    if backend in ("postgresql", "postgres"):
        return _postgresql(url.set(drivername="postgresql+psycopg"), read_only=read_only)
    raise InputError(
        f"ledger '{shown(text)}': expected a path or postgresql+psycopg://user@host/database, found {url.drivername}"
    )


def _sqlite(path: Path, *, read_only: bool) -> tuple[Engine, str]:
    try:
        _look(path, read_only=read_only)
    except OSError as error:
        raise InputError(f"ledger '{path}' cannot be opened: {error.strerror}; name another by `--ledger`") from error
    address = path.absolute().as_uri() + ("?mode=ro" if read_only else "?mode=rwc")

    def connect() -> sqlite3.Connection:
        try:
            return _connect(address)
        except sqlite3.OperationalError:
            # SQLite needs a log beside the file even to read it, and cannot make one on a read-only medium. Without a
            # log the file alone is the ledger, and no process can be writing to it.
            log = Path(f"{path}-wal")
            if not read_only or (log.exists() and log.stat().st_size > 0):
                raise
            return _connect(address.replace("?mode=ro", "?immutable=1"))

    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=QueuePool, json_serializer=dumps)
    event.listen(engine, "begin", _begin)
    return engine, str(path)


def _look(path: Path, *, read_only: bool) -> None:
    """Refuse a path that cannot be a ledger's file; make the folder for writing."""
    if path.is_dir():
        raise InputError(f"ledger '{path}' is a folder; name the file in it, such as '{path / 'ledger.db'}'")
    if any(above.is_file() for above in path.parents):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if read_only and not path.exists():
        raise LedgerNotMadeError(
            f"ledger '{path}' does not exist; `segstudy run` makes it, `--home` or `--ledger` names another"
        )
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)


def _connect(address: str) -> sqlite3.Connection:
    # isolation_level=None: transactions begin where we say (`_begin`), not where the sqlite3 module guesses.
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=PATIENCE, check_same_thread=False)
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: a plain fsync leaves data in the drive's own cache
        connection.execute("SELECT count(*) FROM sqlite_master")  # opens the file in earnest
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    """Begin a transaction. A writer locks at the start: reading first and locking later can deadlock."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


# A server that is off or cut off is noticed within a minute; without these a connection to it hangs for hours.
CONNECTION = {"connect_timeout": 10, "keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3,
              "tcp_user_timeout": 60_000}  # fmt: skip


def _postgresql(url: URL, *, read_only: bool) -> tuple[Engine, str]:
    ours = {name: value for name, value in CONNECTION.items() if name not in url.query}
    options: dict[str, Any] = {"json_serializer": dumps, "connect_args": ours}  # no pings: what fails is done again
    if read_only:
        options["execution_options"] = {"postgresql_readonly": True}
    try:
        engine = create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise InputError("a ledger on PostgreSQL needs its driver: pip install 'segstudy[postgres]'") from error
    return engine, without_secret_parameters(url.render_as_string())
