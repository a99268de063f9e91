"""The version of a database's tables: they are checked, made, or upgraded."""

import time

from sqlalchemy import Column, Connection, Engine, MetaData, PrimaryKeyConstraint, String, Table, inspect, select, text
from sqlalchemy.exc import DatabaseError, OperationalError

from study.errors import LedgerNotMadeError
from study.ledger.database import outage, schema
from trainables.errors import InputError

_versions = Table(  # as Alembic makes it
    schema.VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{schema.VERSION_TABLE}_pkc"),
)

KNOWN = tuple(f"{number:04d}" for number in range(1, int(schema.VERSION) + 1))

_LOCK = 0x5E65_7D41  # PostgreSQL's advisory lock while tables are made: any number that is ours


def prepare(engine: Engine, label: str, *, read_only: bool) -> None:
    """Check that the database is a ledger of this version; make or upgrade it unless `read_only`.

    Raises:
        InputError: It cannot be opened, is no ledger, or is newer than this code; or is to be read only and is empty or
            older.
    """
    reader = engine.execution_options(reading=True)
    try:
        found = _version(reader)
        if found == schema.VERSION:
            return None
        if found is None:
            tables = set(inspect(reader).get_table_names())
            if schema.VERSION_TABLE in tables:  # another process made it just now
                return prepare(engine, label, read_only=read_only)
            _refuse_foreign(tables, engine.dialect.name, label, read_only=read_only)
        elif found > schema.VERSION:
            raise InputError(
                f"{label} was written by a newer segstudy (tables {found}, this one knows {schema.VERSION}); "
                "upgrade segstudy to read it"
            )
        elif found not in KNOWN:
            raise InputError(f"{label}: tables '{found}' are of no version that segstudy ever had; {outage.DAMAGED}")
        elif read_only:
            raise LedgerNotMadeError(
                f"{label} was written by an older segstudy (tables {found}, this one reads {schema.VERSION}); "
                "`segstudy run` upgrades it when it continues a study"
            )
        _bring_up(engine)
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


def _refuse_foreign(tables: set[str], dialect: str, label: str, *, read_only: bool) -> None:
    # A file is one program's; on a server, MLflow may keep its tables beside ours.
    foreign = tables if dialect == "sqlite" else tables & set(schema.metadata.tables)
    if foreign:
        raise InputError(
            f"{label} holds tables of another program ({', '.join(sorted(foreign)[:3])}); "
            "give the ledger a database of its own"
        )
    if read_only:
        raise LedgerNotMadeError(f"{label} is empty, and holds no study yet; `segstudy run` fills it")


def _bring_up(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
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
    could_not = isinstance(error, OperationalError) or "connection option" in reason
    if could_not or getattr(error.orig, "sqlstate", "") == "42501":  # no right to do that
        return InputError(f"{label} cannot be opened: {reason}; check the address, that it runs, and your rights there")
    raise error
