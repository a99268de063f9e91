"""The file of an open SQLite ledger: whether it is still in its place, and a rescue of its content where it is not.

A file that is deleted or replaced stays readable for the process that has it open, and everything written to it is lost
when that process ends. So each transaction of a writer compares the file in the path with the one that was opened.
"""

import errno
import os
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from study.errors import LedgerGoneError
from study.ledger.database.sqlite_file import log_of

Identity = tuple[int, int]
"""Device and inode."""


class FileWatch:
    """The file that a connection has open, and its write-ahead log.

    Args:
        path: The ledger's file.
        connection: A connection that was opened to it; nobody else uses it. While it is open, SQLite keeps the log.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path.absolute()
        self._log = log_of(self._path)
        self._connection = connection
        self._opened, self._opened_log = _identity(self._path), _identity(self._log)
        self._gone: str | None = None
        self._lock = threading.Lock()

    def check(self, *, save: bool) -> None:
        """Do nothing while the file is in its place; two calls of `stat`.

        Args:
            save: Whether to save the content of a file that is gone; of several stores only the driver's does.

        Raises:
            LedgerGoneError: It is gone. The message says where its content is.
        """
        if self._gone is None and (what := self._missing()) is not None:
            with self._lock:
                if self._gone is None:
                    self._gone = self._saved(what) if save else f"ledger '{self._path}' {what} while it was open"
        if self._gone is not None:
            raise LedgerGoneError(self._gone)

    def _missing(self) -> str | None:
        """Return what happened to the file, in words; None where it is in its place, or where that cannot be told."""
        try:
            return self._compared()
        except OSError:  # no rights for a moment, an I/O error: SQLite says what is wrong, if anything is
            return None

    def _compared(self) -> str | None:
        found = _identity(self._path)
        if found is None:
            return "was deleted or moved"
        if found != self._opened:
            return "was replaced by another file"
        if self._opened_log is not None and _identity(self._log) != self._opened_log:
            return "lost its write-ahead log (the file that ends in -wal)"
        return None

    def _saved(self, what: str) -> str:
        begin = f"ledger '{self._path}' {what} while the study ran, so the run stops"
        for target in self._targets():
            try:
                _copy(self._connection, target)
            except (sqlite3.Error, OSError):
                continue
            return f"{begin}; all that was recorded is saved in {target}: move it to {self._path} and run again"
        return f"{begin}; what it held could not be saved in any folder, bring back a copy of it"

    def _targets(self) -> Iterator[Path]:
        """Yield names of new files: beside the ledger, where the command runs, in the folder for temporary files."""
        for folder in (self._path.parent, Path.cwd(), Path(tempfile.gettempdir())):
            for number in range(1, 100):
                target = folder / f"{self._path.name}.rescued-{number}"
                if not target.exists():
                    yield target
                    break


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    """Write the connection's database into a new file; its log ends with the connection to it."""
    made = sqlite3.connect(target)
    try:
        connection.backup(made)
    except sqlite3.Error:
        target.unlink(missing_ok=True)
        raise
    finally:
        made.close()


def _identity(path: Path) -> Identity | None:
    """Return device and inode; None where there is no such file.

    Raises:
        OSError: The file system does not answer.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ESTALE:  # a network file system lost the file
            return None
        raise
    return found.st_dev, found.st_ino
