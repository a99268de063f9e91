"""An outage: the ledger's database is away or locked, or its disk is full. What is waited for, and who hears of it.

Whatever the ledger does is a transaction, and nothing of one that failed is kept. So it is done again from its start,
after pauses that grow, as long as the outage may pass by itself; else, or at the end of patience, one line says why.
"""

import dataclasses
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from study.errors import LedgerAwayError

T = TypeVar("T")

PAUSE = 0.05  # seconds before the first repetition; each further one waits twice as long
LONGEST_PAUSE = 5.0
LOOK = 0.5  # seconds between looks whether whoever waits should still wait
OUTAGE = 12 * 3600.0  # seconds that a driver waits: what breaks in the evening is mended in the morning
NEWS = 2.0  # an outage shorter than this is not worth a word

GO_ON = "Nothing is lost: give the same command again when that is mended."
DAMAGED = "bring back a copy of it, or name another ledger by `--ledger`"


@dataclasses.dataclass(frozen=True)
class Patience:
    """How an outage is waited for.

    Attributes:
        seconds: How long at most.
        away: Told once in an outage: what is the matter, and until when it is waited for at most (seconds since 1970).
        back: Told at its end, if `away` was.
        look: Called again and again after `away`; may raise, to end the waiting.
    """

    seconds: float = 3.0
    away: Callable[[str, float], None] = lambda why, until: None
    back: Callable[[], None] = lambda: None
    look: Callable[[], None] = lambda: None


def persist(work: Callable[[], T], label: str, patience: Patience) -> T:
    """Does `work`, again from its start where the database was away or asks for that (locked, deadlock).

    Args:
        work: One transaction.
        label: What messages call the ledger.
        patience: How long, and who hears.

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
            _rest(pause, patience.look if told else _nobody)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            if told:
                patience.back()
            return done


def passes(error: DBAPIError) -> bool:
    """Whether it may be another in a while without anybody's help."""
    code = _sqlite_code(error)
    if code is not None:
        return code in _SQLITE_PASSES
    return _sqlstate(error) not in _NEEDS_HELP


def is_damage(error: DBAPIError) -> bool:
    """Whether what was written cannot be read any more."""
    return _sqlite_code(error) == _SQLITE_DAMAGED or _sqlstate(error) in _DAMAGED


def reason(error: DBAPIError) -> str | None:
    """What is the matter with the database, in a line; None where it is not the database's fault."""
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
# read-only, I/O error, corrupt, full, cannot open
_SQLITE_NEEDS_HELP = (8, 10, 11, 13, 14)
_SQLITE_DAMAGED = 11
# https://www.postgresql.org/docs/current/errcodes-appendix.html: serialisation failure, deadlock; the server stops, was
# killed, starts, takes no more connections, is a stand-by after a failover; a statement or lock that waited too long
_PASSES = ("40001", "40P01", "57P01", "57P02", "57P03", "57P05", "53300", "25006", "55P03")
# disk full, out of memory, too large a configuration; I/O error; a damaged index or page
_NEEDS_HELP = ("53100", "53200", "53400", "58030", "XX001", "XX002")
_DAMAGED = ("XX001", "XX002")


def _is_outage(state: str | None) -> bool:
    return state is not None and (state in _PASSES or state in _NEEDS_HELP or state.startswith("08"))


def _could_not_connect(error: DBAPIError) -> bool:
    """A server that cannot be reached gives no code; neither does a connection that breaks."""
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


def _nobody() -> None:
    """Nobody is asked: what is over in a moment interrupts nothing."""
