"""Outages of the ledger's database: away, locked, disk full. How long they are waited for, and the line that says so.

Every operation of the ledger is a transaction, and a transaction that failed leaves nothing. So it is retried from its
start with growing pauses while the outage may pass by itself; otherwise, or after the time limit, one line says why.
"""

import dataclasses
import re
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from study.errors import LedgerAwayError

T = TypeVar("T")

PAUSE = 0.05  # seconds before the first repetition; each further one waits twice as long
LONGEST_PAUSE = 5.0
LOOK = 0.5  # seconds between calls of `Patience.look`
OUTAGE = 12 * 3600.0  # seconds that a driver waits: what breaks in the evening is mended in the morning
NEWS = 2.0  # seconds: a shorter outage is not reported

GO_ON = "Nothing is lost: give the same command again when that is mended."
DAMAGED = "bring back a copy of it, or name another ledger by `--ledger`"


@dataclasses.dataclass(frozen=True)
class Patience:
    """How long an outage is waited for, and the functions that are told.

    Attributes:
        seconds: How long at most.
        away: Called once in an outage with its cause and the latest end of the wait (seconds since 1970).
        back: Called at its end, if `away` was.
        look: Called repeatedly after `away`; may raise, to end the wait.
    """

    seconds: float = 3.0
    away: Callable[[str, float], None] = lambda why, until: None
    back: Callable[[], None] = lambda: None
    look: Callable[[], None] = lambda: None


def persist(work: Callable[[], T], label: str, patience: Patience) -> T:
    """Do `work`, again from its start where the database was away or asks for that (locked, deadlock).

    Args:
        work: One transaction.
        label: Name of the ledger in messages.
        patience: How long, and the functions that are told.

    Raises:
        LedgerAwayError: It takes too long, or will not pass by itself: a full disk, a damaged file.
        DBAPIError: Something else is wrong: a bug of ours.
    """
    began: float | None = None
    pause, told = PAUSE, False
    while True:
        try:
            done = work()
        except DBAPIError as error:
            why = reason(error)
            if why is None:
                raise
            now = time.monotonic()
            began = now if began is None else began
            if not passes(error) or now - began + pause > patience.seconds:
                raise LedgerAwayError(
                    f"{label}: {why}{f'; {DAMAGED}' if is_damage(error) else f'. {GO_ON}'}"
                ) from error
            if now - began >= NEWS and not told:
                told = True
                patience.away(f"{label}: {why}; the study waits for it", time.time() + patience.seconds - (now - began))
            _rest(pause, patience.look if told else _nothing)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            if told:
                patience.back()
            return done


def passes(error: DBAPIError) -> bool:
    """Return whether the error may go away without anybody's help."""
    code = _sqlite_code(error)
    if code is not None:
        return code in _SQLITE_PASSES
    return _sqlstate(error) not in _NEEDS_HELP and _REFUSED.search(str(error.orig)) is None


def is_full(error: DBAPIError) -> bool:
    """Return whether the database's disk is full."""
    return getattr(error.orig, "sqlite_errorcode", None) in _SQLITE_FULL or _sqlstate(error) == "53100"


def is_damage(error: DBAPIError) -> bool:
    """Return whether what was written cannot be read any more."""
    return _sqlite_code(error) in _SQLITE_DAMAGED or _sqlstate(error) in _DAMAGED


def reason(error: DBAPIError) -> str | None:
    """Return what is the matter with the database, in a line; None where the database is not the cause."""
    code, state = _sqlite_code(error), _sqlstate(error)
    if code is not None:
        outage = code in _SQLITE_PASSES or code in _SQLITE_NEEDS_HELP
    else:
        outage = _is_outage(state) or error.connection_invalidated or (state is None and _could_not_connect(error))
    if not outage:
        return None
    lines = [line.strip() for line in str(error.orig).splitlines() if line.strip()]
    return (lines or ["it does not answer"])[0].rstrip(".")


# https://www.sqlite.org/rescode.html: busy, locked
_SQLITE_PASSES = (5, 6)
# no right, read-only, I/O error, corrupt, full, cannot open, locking protocol (a network file system), no database
_SQLITE_NEEDS_HELP = (3, 8, 10, 11, 13, 14, 15, 26)
_SQLITE_DAMAGED = (11, 26)
_SQLITE_FULL = (13, 10 | 19 << 8)  # full; the index of the log, in shared memory beside the file, has no room
# https://www.postgresql.org/docs/current/errcodes-appendix.html: serialisation failure, deadlock; the server stops, was
# killed, starts, takes no more connections, is a stand-by after a failover; a statement or lock that waited too long
_PASSES = ("40001", "40P01", "57P01", "57P02", "57P03", "57P05", "53300", "25006", "55P03")
# disk full, out of memory, too large a configuration; I/O error; a damaged index or page
_NEEDS_HELP = (
    *("53100", "53200", "53400", "58030", "XX001", "XX002"),
    *("42501", "42P01", "3F000", "3D000"),  # no right to do that; a table, schema or database that is gone
    *("28000", "28P01"),  # a user or password that is refused
)
_DAMAGED = ("XX001", "XX002")

_REFUSED = re.compile(r"password authentication failed|no pg_hba\.conf entry|is not permitted to log in|does not exist")
"""A server that refuses a connection gives no code, only its words; to wait does not help."""


def _is_outage(state: str | None) -> bool:
    return state is not None and (state in _PASSES or state in _NEEDS_HELP or state.startswith("08"))


def _could_not_connect(error: DBAPIError) -> bool:
    """Return whether the connection broke or was never made; such errors have no code."""
    return type(error.orig).__module__.startswith("psycopg") and type(error.orig).__name__ in (
        "OperationalError",
        "ConnectionTimeout",
    )


def _sqlite_code(error: DBAPIError) -> int | None:
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _sqlstate(error: DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    return None if state is None else str(state)


def _rest(seconds: float, look: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    look()
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, LOOK))
        look()


def _nothing() -> None:
    """Do nothing: an outage that was not reported yet interrupts nothing."""
