"""An open ledger and its three kinds of transaction: reading, writing, writing as the lease's owner."""

import functools
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, PoolProxiedConnection, select, update

from study.errors import FencedOut, LedgerAwayError, LedgerDamagedError, LedgerGoneError
from study.ledger.database import outage, schema
from study.ledger.database.file_watch import FileWatch
from study.ledger.database.location import engine_for
from study.ledger.database.older_copy import upgraded_copy
from study.ledger.database.outage import Patience, persist
from study.ledger.database.owner import Lease, who
from study.ledger.database.sqlite_file import is_archive
from study.ledger.database.version import prepare

T = TypeVar("T")
P = ParamSpec("P")


class Store:
    """Connections to one ledger. Threads may share it; processes open their own.

    Attributes:
        label: Name in messages: the path, or the URL without password.
        read_only: Whether writing is refused.
        case_ids: Study id → case name → (row id, its split in each fold): what every segment's scores need.
        is_archive: Whether it was opened to be read and is a file that `export` made.
        patience: How an outage of the database is waited for; a driver's is long.
    """

    def __init__(self, engine: Engine, label: str, *, read_only: bool = False) -> None:
        self.label = label
        self.read_only = read_only
        self.case_ids: dict[int, dict[str, tuple[int, tuple[str, ...]]]] = {}
        self.patience = Patience()
        self._engine = engine
        self._keeper: PoolProxiedConnection | None = None
        self._watch: FileWatch | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None  # of a copy
        self.is_archive = read_only and _is_archive(engine, label)
        self._revisions: dict[tuple[int, int], int] = {}  # (study, fence) → newest that was written
        if engine.dialect.name == "sqlite" and not read_only:
            self._keeper = engine.raw_connection()
            opened = self._keeper.driver_connection
            assert isinstance(opened, sqlite3.Connection)
            self._watch = FileWatch(Path(label), opened)
        self._one_by_one = threading.Lock()
        if engine.dialect.name == "sqlite":
            self._reader = engine.execution_options(reading=True)
        else:
            self._reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @classmethod
    def open(cls, where: str | Path, *, read_only: bool = False) -> Self:
        """Open a ledger, making it where there is none.

        Args:
            where: A path, or `postgresql+psycopg://user@host/database`.
            read_only: Change nothing, and refuse what is not there.

        Raises:
            InputError: It cannot be opened, is not a ledger, or is newer than this code.
        """
        engine, label = engine_for(where, read_only=read_only)
        try:
            if prepare(engine, label, read_only=read_only):
                return cls(engine, label, read_only=read_only)
            archive = _is_archive(engine, label)
        except BaseException:
            engine.dispose()
            raise
        copy, folder = upgraded_copy(engine, label)
        opened = cls(copy, label, read_only=True)
        opened.is_archive, opened._folder = archive, folder
        return opened

    def close(self) -> None:
        """Close all connections."""
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None
        self._engine.dispose()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the ledger throughout. Keep it short: it holds up the log's clean-up."""
        with self._reader.connect() as connection, connection.begin():
            yield connection

    def write(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in one transaction, again from its start where the database was away or asks for that.

        Raises:
            LedgerAwayError: It was away longer than there is patience, its disk is full, …
        """
        return self.persist(lambda: self._write(work))

    def persist(self, work: Callable[[], T]) -> T:
        """Do work that may be repeated from its start, with this ledger's patience; after one LedgerAwayError without.

        Raises:
            LedgerAwayError: As `write`.
        """
        try:
            return persist(work, self.label, self.patience)
        except LedgerAwayError:
            self.patience = Patience(seconds=0.0)
            raise

    def check_place(self) -> None:
        """Do nothing while the ledger is where it was opened; for a server always.

        Raises:
            LedgerGoneError: Its file was deleted, moved or replaced. A driver's store saves what it held.
        """
        if self._watch is not None:
            self._watch.check(save=bool(self._revisions))

    def _write(self, work: Callable[[Connection], T]) -> T:
        if self.read_only:
            raise ValueError(f"{self.label} was opened to be read only")
        self.check_place()
        with self._engine.begin() as connection:
            return work(connection)

    def fenced(self, lease: Lease, work: Callable[[Connection, int], T], *, wait: bool = True) -> T:
        """Do `work(connection, revision)` in one transaction of the lease's owner, just once.

        The fence is checked by an update, which holds the lease's row until the commit, so no other driver takes it in
        between. `revision` grows with each such transaction of the study. A connection that breaks during the commit
        leaves it open whether that happened; the revision then tells, which is why a process writes one at a time.

        Args:
            lease: The driver's.
            work: The function to call.
            wait: Whether an outage is waited for.

        Raises:
            FencedOut: Another driver took the lease, or it was released.
            LedgerAwayError: As `write`.
            LedgerGoneError: The file was deleted or replaced, or has fewer transactions than this process wrote.
        """
        row = schema.leases
        mine = (row.c.study_id == lease.study_id) & (row.c.fence == lease.fence)
        owned = lease.study_id, lease.fence
        before: list[tuple[int, T]] = []  # the revision that the last try would have made, and what it gave

        def guarded(connection: Connection) -> T:
            revision = _next_revision(connection, mine)
            if revision is None:
                raise _fenced_out(connection, lease)
            if before and revision > before[-1][0]:
                return before[-1][1]
            if revision < self._revisions.get(owned, 0):
                raise LedgerGoneError(_rolled_back(self.label, self._revisions[owned] - revision))
            done = work(connection, revision)
            before.append((revision, done))
            return done

        with self._one_by_one:
            done = self.write(guarded) if wait else self._write(guarded)
            if before:
                self._revisions[owned] = before[-1][0]
            return done


def _is_archive(engine: Engine, label: str) -> bool:
    if engine.dialect.name != "sqlite":
        return False
    raw = engine.raw_connection()
    try:
        opened = raw.driver_connection
        assert isinstance(opened, sqlite3.Connection)
        return is_archive(opened, Path(label))
    finally:
        raw.close()


def patient(question: Callable[Concatenate[Store, P], T]) -> Callable[Concatenate[Store, P], T]:
    """Decorate a read, so that it is done again where the database was away."""

    @functools.wraps(question)
    def asked(store: Store, /, *args: P.args, **options: P.kwargs) -> T:
        try:
            return store.persist(lambda: question(store, *args, **options))
        except LedgerDamagedError as error:
            raise LedgerDamagedError(f"{store.label}: {error}; {outage.DAMAGED}") from error

    return asked


def _next_revision(connection: Connection, mine: ColumnElement[bool]) -> int | None:
    """Count a lease's revision on; None where another driver holds it. SQLite before 3.35 needs two statements."""
    row = schema.leases
    count_on = update(row).where(mine).values(revision=row.c.revision + 1)
    if connection.dialect.update_returning:
        revision: int | None = connection.scalar(count_on.returning(row.c.revision))
        return revision
    if connection.execute(count_on).rowcount != 1:
        return None
    return connection.scalar(select(row.c.revision).where(mine))


def _rolled_back(label: str, transactions: int) -> str:
    return (
        f"{label} is an older copy than this run wrote to: {transactions} of its transactions are missing, so the run "
        "stops; bring back the newest copy, or run again to do the missing work anew"
    )


def _fenced_out(connection: Connection, lease: Lease) -> FencedOut:
    query = select(schema.studies.c.name, schema.leases.c.fence, schema.leases.c.owner).join(schema.studies)
    name, fence, owner = connection.execute(query.where(schema.leases.c.study_id == lease.study_id)).one()
    return FencedOut(
        f"study '{name}' is no longer this driver's: {who(owner)} has it (fence {fence}, ours is {lease.fence}); "
        "nothing was written"
    )
