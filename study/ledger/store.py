"""A ledger's database, open, and its three kinds of transaction: reading, writing, writing as the lease's owner."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import DBAPIError

from study.ledger import schema
from study.ledger.lease import FencedOut, Lease, who
from study.ledger.location import engine_for
from study.ledger.version import prepare

T = TypeVar("T")

RETRIES = 6
PAUSE = 0.05  # seconds before the first repetition; each further one waits twice as long


class Store:
    """Connections to one ledger. Threads may share it; processes open their own.

    Attributes:
        label: What messages call it: the path, or the URL without password.
        read_only: Whether writing is refused.
        case_ids: Study id → case name → (row id, its split in each fold): what every segment's scores need.
    """

    def __init__(self, engine: Engine, label: str, *, read_only: bool = False) -> None:
        self.label = label
        self.read_only = read_only
        self.case_ids: dict[int, dict[str, tuple[int, tuple[str, ...]]]] = {}
        self._engine = engine
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
            prepare(engine, label, read_only=read_only)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, label, read_only=read_only)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

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
        """Do `work` in one transaction, again from its start where the database asks for that (locked, deadlock)."""
        if self.read_only:
            raise ValueError(f"{self.label} was opened to be read only")
        for repetition in range(RETRIES + 1):
            try:
                with self._engine.begin() as connection:
                    return work(connection)
            except DBAPIError as error:
                if repetition == RETRIES or not _transient(error):
                    raise
                time.sleep(PAUSE * 2**repetition)
        raise AssertionError("unreachable")

    def fenced(self, lease: Lease, work: Callable[[Connection, int], T]) -> T:
        """Do `work(connection, revision)` in one transaction of the lease's owner.

        The fence is checked by an update, which holds the lease's row until the commit: nobody takes it in between.
        `revision` grows with each such transaction of the study.

        Raises:
            FencedOut: Another driver took the lease, or it was released.
        """

        def guarded(connection: Connection) -> T:
            row = schema.leases
            mine = (row.c.study_id == lease.study_id) & (row.c.fence == lease.fence)
            if connection.execute(update(row).where(mine).values(revision=row.c.revision + 1)).rowcount != 1:
                raise _fenced_out(connection, lease)
            revision = connection.scalar(select(row.c.revision).where(mine))
            assert revision is not None
            return work(connection, revision)

        return self.write(guarded)


def _transient(error: DBAPIError) -> bool:
    if getattr(error.orig, "sqlstate", None) in ("40001", "40P01"):  # PostgreSQL: serialisation failure, deadlock
        return True
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in (5, 6)  # SQLite: busy, locked


def _fenced_out(connection: Connection, lease: Lease) -> FencedOut:
    query = select(schema.studies.c.name, schema.leases.c.fence, schema.leases.c.owner).join(schema.studies)
    name, fence, owner = connection.execute(query.where(schema.leases.c.study_id == lease.study_id)).one()
    return FencedOut(
        f"study '{name}' is no longer this driver's: {who(owner)} has it (fence {fence}, ours is {lease.fence}); "
        "nothing was written"
    )
