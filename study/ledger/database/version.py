"""The version of a database's tables: they are checked, made, or upgraded."""

import time
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, MetaData, PrimaryKeyConstraint, String, Table, inspect, select, text
from sqlalchemy.exc import DatabaseError, OperationalError

from study.errors import LedgerNotMadeError
from study.ledger.database import outage, schema
from study.ledger.database.file_system import network_kind
from study.ledger.database.json import shown
from study.ledger.database.sqlite_file import ARCHIVE, log_of
from trainables.errors import InputError

_versions = Table(  # as Alembic makes it
    schema.VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{schema.VERSION_TABLE}_pkc"),
)

KNOWN = tuple(f"{number:04d}" for number in range(1, int(schema.VERSION) + 1))

_LOCK = 0x5E65_7D41  # PostgreSQL's advisory lock while tables are made: any number that is ours


def prepare(engine: Engine, label: str, *, read_only: bool) -> bool:
    """Check that the database is a ledger of this version; make or upgrade it unless `read_only`.

    Returns:
        Whether its tables are of this version: those of an older file that is to be read are not.

    Raises:
        InputError: It cannot be opened, is no ledger, or is newer than this code; or is to be read only and is empty,
            or an older one on a server.
    """
    reader = engine.execution_options(reading=True)
    try:
        found = _version(reader)
        if found == schema.VERSION:
            if not read_only:
                _to_be_written(engine, label)
            return True
        if found is None:
            tables = set(inspect(reader).get_table_names())
            if schema.VERSION_TABLE in tables:  # another process made it just now
                return prepare(engine, label, read_only=read_only)
            _refuse_foreign(tables, engine, label, read_only=read_only)
        else:
            _refuse_unknown(found, label)
            if read_only:
                return _can_be_copied(engine, found, label)
        _bring_up(engine, label)
        return True
    except DatabaseError as error:
        raise _explained(error, label) from error


def _version(engine: Engine) -> str | None:
    """Return the version that the database names; None where there is no version table."""
    with engine.connect() as connection:
        try:
            return connection.scalar(select(_versions.c.version_num))
        except DatabaseError:
            connection.rollback()
            if not inspect(connection).has_table(schema.VERSION_TABLE):
                return None
            # Another process made it between the two questions; or it cannot be read, and says so again.
            return connection.scalar(select(_versions.c.version_num))


def _refuse_unknown(found: str, label: str) -> None:
    if found > schema.VERSION:
        raise InputError(
            f"{label} was written by a newer segstudy (tables {found}, this one knows {schema.VERSION}); "
            "upgrade segstudy to read it"
        )
    if found not in KNOWN:
        raise InputError(f"{label}: tables '{shown(found)}' are of no version that segstudy ever had; {outage.DAMAGED}")


def _can_be_copied(engine: Engine, found: str, label: str) -> bool:
    """Return False for an older file, of which a copy is read; a server's ledger is refused."""
    if engine.dialect.name == "sqlite":
        return False
    raise LedgerNotMadeError(
        f"{label} was written by an older segstudy (tables {found}, this one reads {schema.VERSION}); "
        "`segstudy run` upgrades it when it continues a study"
    )


def _refuse_foreign(tables: set[str], engine: Engine, label: str, *, read_only: bool) -> None:
    # A file is one program's; on a server, MLflow may keep its tables beside ours.
    foreign = tables if engine.dialect.name == "sqlite" else tables & set(schema.metadata.tables)
    if foreign:
        raise InputError(
            f"{label} holds tables of another program ({shown(', '.join(sorted(foreign)[:3]))}); "
            "give the ledger a database of its own"
        )
    if read_only:
        if engine.dialect.name == "postgresql":
            _refuse_nowhere(engine, label)
        raise LedgerNotMadeError(f"{label} is empty, and holds no study yet{_log_hint(engine, label)}")


def _refuse_nowhere(engine: Engine, label: str) -> None:
    with engine.connect() as connection:
        if connection.scalar(text("SELECT current_schema()")) is None:
            raise InputError(
                f"{label} holds no study: its search_path names no schema that is there; create the schema, or leave "
                "search_path out of the address"
            )


def _has_log(path: Path) -> bool:
    """Return whether a log with something in it lies beside a file; opening the file makes an empty one."""
    log = log_of(path)
    return log.exists() and log.stat().st_size > 0


def _log_hint(engine: Engine, label: str) -> str:
    """Return what else an empty file can be: one that was copied without its log, where all that is recorded stood."""
    if engine.dialect.name == "sqlite" and not _has_log(Path(label)):
        with engine.connect() as connection:
            if connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal":
                log = log_of(Path(label)).name
                return f", or it was copied without its log {log}: copy both files, or have `segstudy export` write one"
    return "; `segstudy run` fills it"


def _bring_up(engine: Engine, label: str) -> None:
    if engine.dialect.name == "sqlite" and network_kind(Path(label)) is None:
        _write_ahead(engine)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        # Another process may have been first: look again, now that we are alone.
        if not inspect(connection).has_table(schema.VERSION_TABLE):
            schema.metadata.create_all(connection, checkfirst=False)
            _versions.create(connection)
            connection.execute(_versions.insert(), {"version_num": schema.VERSION})
        elif connection.scalar(select(_versions.c.version_num)) != schema.VERSION:
            upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Run the missing revisions inside the connection's transaction."""
    from alembic import command  # half a second, and only here
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "study.ledger:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _to_be_written(engine: Engine, label: str) -> None:
    """Make a file that was an archive, or was kept without a log, a ledger that is read while it is written."""
    if engine.dialect.name != "sqlite":
        return
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("PRAGMA application_id")
        if cursor.fetchone() == (ARCHIVE,):
            cursor.execute("PRAGMA application_id = 0")
        cursor.execute("PRAGMA journal_mode")
        has_log = cursor.fetchone() == ("wal",)
    finally:
        raw.close()
    if not has_log and network_kind(Path(label)) is None:
        _write_ahead(engine)


def _write_ahead(engine: Engine) -> None:
    """Turn on the write-ahead log: readers and the writer never wait for each other. The file keeps the setting."""
    last = time.monotonic() + 30.0
    while True:
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode = WAL")
        except engine.dialect.loaded_dbapi.OperationalError:
            # Several processes that open a new file at once get "locked" here, without waiting.
            if time.monotonic() > last:
                raise
            time.sleep(0.02)
        else:
            return
        finally:
            raw.close()


def _explained(error: DatabaseError, label: str) -> InputError:
    reason = str(error.orig).strip().splitlines()[0]
    if "file is not a database" in reason:
        return InputError(f"{label} is not a ledger: expected an SQLite database; name another file by `--ledger`")
    if outage.is_damage(error):
        return InputError(f"{label}: {reason}; {outage.DAMAGED}")
    if outage.is_full(error):
        return InputError(f"{label} cannot be opened: {reason}; make room on its disk, or name another by `--ledger`")
    kind = network_kind(Path(label)) if "://" not in label else None
    if kind is not None and isinstance(error, OperationalError):
        return InputError(
            f"{label} cannot be opened: {reason}; it lies on a network file system ({kind}), which gives SQLite no "
            "locks: name a file on a local disk, or a PostgreSQL server, by `--ledger`"
        )
    could_not = isinstance(error, OperationalError) or "connection option" in reason
    if getattr(error.orig, "sqlstate", "") == "3F000":
        return InputError(
            f"{label} cannot be opened: its search_path names no schema that is there; create the schema, or leave "
            "search_path out of the address"
        )
    if could_not or getattr(error.orig, "sqlstate", "") in ("42501", "42P01", "25006"):  # no right, read-only
        return InputError(f"{label} cannot be opened: {reason}; check the address, that it runs, and your rights there")
    raise error
