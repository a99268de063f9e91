"""A ledger in a file: the connections that SQLite makes to it, for writing, for reading, and to an archive."""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from study.errors import LedgerNotMadeError
from study.ledger.database.file_system import network_kind
from study.ledger.database.json import dumps, loads
from trainables.errors import InputError

PATIENCE = 30.0  # seconds that a writer waits for another writer

# FULL syncs the log at every commit. NORMAL keeps the file whole after a power loss, but may forget the last commits,
# and then the ledger names checkpoints whose folders were removed after those commits. A commit comes with a segment,
# which is seconds of training at least; the sync costs milliseconds.
SYNCHRONOUS = "FULL"

ARCHIVE = 0x5E65_7D41
"""SQLite's application id of an archive."""


def file_engine(path: Path, *, read_only: bool) -> tuple[Engine, str]:
    """Return an engine for a file, and its name in messages.

    Raises:
        InputError: The path cannot be a ledger's.
    """
    try:
        _look(path, read_only=read_only)
    except OSError as error:
        raise InputError(f"ledger '{path}' cannot be opened: {error.strerror}; name another by `--ledger`") from error
    return _engine(_reader(path) if read_only else _writer(path)), str(path)


def is_archive(connection: sqlite3.Connection, path: Path) -> bool:
    """Return whether a file was made by `segstudy export`: it is published, and nothing is written to it any more.

    Only SQLite may open the file: a process that opens and closes it by itself drops the locks of its own connections.
    """
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    if mark == ARCHIVE:
        return True
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    without_log = str(mode) == "delete"  # as an older version made archives
    return without_log and network_kind(path) is None and not _is_empty(connection)


def _is_empty(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT count(*) = 0 FROM sqlite_master").fetchone()[0])


def log_of(path: Path) -> Path:
    """Return the place of a file's write-ahead log: beside the file itself where the path is a link."""
    return Path(f"{path.resolve()}-wal")


def _engine(connect: Callable[[], sqlite3.Connection]) -> Engine:
    engine = create_engine(
        "sqlite+pysqlite://", creator=connect, poolclass=QueuePool, json_serializer=dumps, json_deserializer=loads
    )
    event.listen(engine, "begin", _begin)
    return engine


def _writer(path: Path) -> Callable[[], sqlite3.Connection]:
    address, mode = path.absolute().as_uri(), "rwc"

    def connect() -> sqlite3.Connection:
        nonlocal mode
        connection = _connect(f"{address}?mode={mode}", path)
        mode = "rw"  # a file that was deleted is not made anew
        return connection

    return connect


def _reader(path: Path) -> Callable[[], sqlite3.Connection]:
    address = path.absolute().as_uri()

    def connect() -> sqlite3.Connection:
        try:
            connection = _connect(f"{address}?mode=ro", path)
        except sqlite3.OperationalError:
            # SQLite needs a log beside the file even to read it, and cannot make one on a read-only medium. Without a
            # log the file alone is the ledger, and no process can be writing to it.
            log = log_of(path)
            if log.exists() and log.stat().st_size > 0:
                raise
            return _connect(f"{address}?immutable=1", path)
        if not is_archive(connection, path):
            return connection
        connection.close()
        return _connect(f"{address}?immutable=1", path)  # nothing is made beside it, and no lock is asked for

    return connect


def _look(path: Path, *, read_only: bool) -> None:
    """Refuse a path that cannot be a ledger's file; make the folder for writing."""
    if path.is_dir():
        raise InputError(f"ledger '{path}' is a folder; name the file in it, such as '{path / 'ledger.db'}'")
    if any(above.is_file() for above in path.parents):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if path.exists() and not path.is_file():
        raise InputError(f"ledger '{path}' is no file (a pipe, a device or a socket); name a file by `--ledger`")
    if read_only and not path.exists():
        raise LedgerNotMadeError(
            f"ledger '{path}' does not exist; `segstudy run` makes it, `--home` or `--ledger` names another"
        )
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_read_only(path)


def _refuse_read_only(path: Path) -> None:
    """Refuse a place that cannot be written, of which SQLite says only that it is unable to open the file."""
    for place in (path.parent, path):
        if place.exists() and not os.access(place, os.W_OK):
            disk = os.statvfs(place).f_flag & os.ST_RDONLY
            why = os.strerror(errno.EROFS if disk else errno.EACCES)
            raise InputError(
                f"ledger '{path}' cannot be written ({why}: {place}); mend the rights there, or name another place by "
                "--home or --ledger"
            )


FOREIGN = "SELECT name FROM sqlite_master WHERE type IN ('trigger', 'view') OR sql LIKE 'CREATE VIRTUAL%' LIMIT 1"
"""Kinds of schema objects that no ledger has: they would run, or decide, while rows are read and written."""


def _connect(address: str, path: Path) -> sqlite3.Connection:
    # isolation_level=None: transactions begin where we say (`_begin`), not where the sqlite3 module guesses.
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=PATIENCE, check_same_thread=False)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: a plain fsync leaves data in the drive's own cache
        foreign = connection.execute(FOREIGN).fetchone()  # opens the file in earnest
    except sqlite3.Error:
        connection.close()
        raise
    if foreign is not None:
        connection.close()
        raise InputError(
            f"ledger '{path}' holds a trigger, view or virtual table ({str(foreign[0])[:40]!r}), which no segstudy "
            "makes: it is not read, since it could change what is read; ask for the file as it was exported"
        )
    return connection


def _begin(connection: Connection) -> None:
    """Begin a transaction. A writer locks at the start: reading first and locking later can deadlock."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
