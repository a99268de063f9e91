"""Export of one study into a file for a paper to publish: a ledger that `segstudy report` reads.

What only its own machines need stays behind: who may write, how far views have come, checkpoints and their folders,
what probes measured, names of hosts; of the data set's folder its name stays.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, insert, select

from study.errors import LedgerAwayError
from study.ledger.database import schema
from study.ledger.database.sqlite_file import ARCHIVE
from study.ledger.database.store import Store
from study.ledger.reading.digest import digest_in
from trainables.errors import InputError

BATCH = 10_000  # rows in memory at a time

LEFT_OUT = (schema.leases, schema.views, schema.checkpoints, schema.footprints)

_BLANK: Mapping[Table, Mapping[str, Any]] = {
    schema.studies: {"stop_requested": False},
    schema.segments: {"checkpoint": None, "host": ""},
}
"""Columns that say where a study ran, and what stands in their place."""


class Archived(NamedTuple):
    """The result of an export: the number of trials, and the study's digest."""

    trials: int
    digest: str


def export(store: Store, study_id: int, target: Path) -> Archived:
    """Write one study into a new file, as the ledger has it now; also while another process runs it.

    Row ids stay, so that whatever reads rows in their order reads the same.

    Args:
        store: The ledger, on either database.
        study_id: Which study.
        target: The new SQLite file; its folder is there. It appears whole or not at all.

    Raises:
        InputError: There is such a file, or it cannot be written.
    """
    try:
        target.open("x").close()  # ours from here on: nothing that is there is ever replaced
    except FileExistsError:
        raise InputError(f"{target}: there is such a file, and an archive replaces nothing; name a new one") from None
    except OSError as error:
        raise InputError(f"{target}: cannot be written ({error.strerror}); name a file in a folder of yours") from error
    draft = target.with_name(f".{target.name}.draft")
    try:
        archived = _write(store, study_id, draft)
        os.replace(draft, target)
    except BaseException as error:
        for path in (target, *_files(draft)):
            path.unlink(missing_ok=True)
        if (why := _draft_trouble(error, draft)) is None:
            raise
        raise InputError(
            f"{target}: cannot be written ({why}); make room there, or name a file on another disk"
        ) from error
    return archived


def _draft_trouble(error: BaseException, draft: Path) -> str | None:
    """Return why the draft could not be written, in SQLite's or the system's words; None for any other error."""
    if isinstance(error, OSError):
        return error.strerror
    if isinstance(error, sqlite3.OperationalError):  # of the last step, which has only the draft open
        return str(error)
    if isinstance(error, LedgerAwayError | InputError) and str(draft) in str(error):
        database = getattr(error.__cause__, "orig", None)
        return None if database is None else str(database)
    return None


def _write(store: Store, study_id: int, draft: Path) -> Archived:
    for path in _files(draft):  # of a process that was killed
        path.unlink(missing_ok=True)
    with Store.open(draft) as made, store.reading() as reading:
        expected = digest_in(reading, study_id)

        def work(writing: Connection) -> Archived:
            copied = {table: _copy(reading, writing, study_id, table) for table in schema.metadata.sorted_tables}
            free = {"study_id": study_id, "fence": 0, "revision": 0, "owner": None, "expires": 0.0}
            writing.execute(insert(schema.leases), free)
            return Archived(copied[schema.trials], digest_in(writing, study_id))

        archived = made.write(work)
    assert archived.digest == expected, "an archive must hold all that its study's digest covers"
    _close_the_log(draft)
    return archived


def _copy(reading: Connection, writing: Connection, study_id: int, table: Table) -> int:
    """Copy a study's rows of a table; return how many."""
    if table in LEFT_OUT:
        return 0
    count = 0
    for rows in _rows(reading, study_id, table):
        writing.execute(insert(table), rows)
        count += len(rows)
    return count


def _rows(reading: Connection, study_id: int, table: Table) -> Iterator[list[dict[str, Any]]]:
    query = select(table).where(_of(table, study_id)).order_by(*table.primary_key.columns)
    cursor = reading.execution_options(stream_results=True).execute(query).mappings()
    blank = _BLANK.get(table, {})
    while some := cursor.fetchmany(BATCH):
        yield [_nameless(table, {**row, **blank}) for row in some]


def _nameless(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return a study's row without the folders above its data set: they often hold a person's name."""
    if table is not schema.studies:
        return row
    dataset = row["file"].get("dataset") or {}
    short = {"path": PurePath(str(dataset["path"]).partition("?")[0]).name} if dataset.get("path") else {}
    return row | {"file": row["file"] | {"dataset": dataset | short}}


def _of(table: Table, study_id: int) -> ColumnElement[bool]:
    if table is schema.studies:
        return table.c.id == study_id
    if "study_id" in table.c:
        return table.c.study_id == study_id
    return table.c.trial_id.in_(select(schema.trials.c.id).where(schema.trials.c.study_id == study_id))


def _close_the_log(path: Path) -> None:
    """Turn the write-ahead log off and remove empty pages, so that the archive is one file on any medium."""
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA application_id = {ARCHIVE}")
        connection.execute("VACUUM")
    finally:
        connection.close()


def _files(database: Path) -> list[Path]:
    return [Path(f"{database}{end}") for end in ("", "-wal", "-shm", "-journal")]
