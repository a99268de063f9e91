"""Reading a ledger of an older version: a temporary copy of its file is upgraded, and the file stays as it is."""

import sqlite3
import tempfile
from pathlib import Path

from sqlalchemy import Engine

from study.ledger.database.sqlite_file import file_engine
from study.ledger.database.version import prepare


def upgraded_copy(engine: Engine, label: str) -> tuple[Engine, "tempfile.TemporaryDirectory[str]"]:
    """Copy a file, upgrade the copy, and return an engine that reads it.

    Args:
        engine: Engine of the older file; it is closed.
        label: Name of the file in messages.

    Returns:
        The copy's engine, and its folder, for the caller to remove.

    Raises:
        InputError: The file is no whole ledger of its version.
    """
    folder = tempfile.TemporaryDirectory(prefix="segstudy-ledger-")
    try:
        path = Path(folder.name) / "ledger.db"
        _copy(engine, path)
        writer, _ = file_engine(path, read_only=False)
        try:
            prepare(writer, label, read_only=False)
        finally:
            writer.dispose()
        return file_engine(path, read_only=True)[0], folder
    except BaseException:
        folder.cleanup()
        raise
    finally:
        engine.dispose()


def _copy(engine: Engine, path: Path) -> None:
    raw = engine.raw_connection()
    made = sqlite3.connect(path)
    try:
        opened = raw.driver_connection
        assert isinstance(opened, sqlite3.Connection)
        opened.backup(made)
        made.execute("PRAGMA application_id = 0")
    finally:
        made.close()
        raw.close()
