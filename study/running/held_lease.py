"""The driver's lease: acquired before a run, renewed by a heartbeat thread that also watches for stop requests."""

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from study.errors import FencedOut, LedgerGoneError, RunEndedError
from study.events import OnEvent, Step, Waiting
from study.ledger import Lease, LeaseHeld, Ledger, LedgerAwayError, Patience
from study.running.registration import POLL, UNRENEWED
from study.signals import Stopping

LEASE_SECONDS = 60.0
LISTEN = 1.0  # seconds between two queries of `stop_requested`


class Heartbeat:
    """Renews the lease while the block runs.

    Attributes:
        lost: Set when another driver holds the lease, or the ledger's file is gone: the run must end at once.
    """

    def __init__(
        self,
        ledger: Ledger,
        lease: Lease,
        *,
        lease_seconds: float = LEASE_SECONDS,
        listen: float = LISTEN,
        stop: Callable[[], None] = lambda: None,
    ) -> None:
        """Initialise; `stop` is called, in the heartbeat's thread, once a stop was requested through the ledger."""
        self._ledger, self._lease = ledger, lease
        self._lease_seconds, self._listen, self._stop = lease_seconds, listen, stop
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self.lost: RunEndedError | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()

    def _beat(self) -> None:
        renew = max(1, round(self._lease_seconds / 3 / self._listen))
        beats = 0
        while not self._end.wait(self._listen):
            beats += 1
            try:
                self._ledger.check_place()
            except LedgerGoneError as error:
                self.lost = error
                return
            # An unavailable database is no error here: the fencing number, not the clock, keeps writers apart.
            with contextlib.suppress(SQLAlchemyError):
                if beats % renew == 0:
                    try:
                        self._ledger.renew(self._lease, self._lease_seconds)
                    except (FencedOut, LedgerGoneError) as error:
                        self.lost = error
                        return
                if self._ledger.stop_requested(self._lease.study_id):
                    self._stop()


def take_lease(ledger: Ledger, study_id: int, seconds: float, stopping: Stopping, on_event: OnEvent) -> Lease:
    """Wait until no other living driver holds the lease, and acquire it.

    A lease that nobody renewed for twice its duration is taken even if it ends later: a clock was set back.

    Raises:
        Stopped: A stop was requested meanwhile.
    """
    until, given_up, since = None, None, time.monotonic()
    while True:
        try:
            return ledger.acquire(study_id, seconds=seconds, given_up=given_up)
        except LeaseHeld as held:
            if until is None:
                on_event(Waiting(str(held), held.until))
            if held.until != until:
                until, since = held.until, time.monotonic()
            given_up = until if time.monotonic() - since > UNRENEWED * seconds else None
        time.sleep(POLL)
        stopping.check()


def drivers_patience(seconds: float, tell: OnEvent, check: Callable[[], None]) -> Patience:
    """Return how a driver waits for a ledger that is unavailable.

    Args:
        seconds: Maximum waiting time.
        tell: Receives an event when the outage begins and when it ends.
        check: Called repeatedly meanwhile; raises to end the waiting.
    """
    return Patience(
        seconds=seconds,
        away=lambda why, until: tell(Waiting(why, until)),
        back=lambda: tell(Step("the ledger answers again")),
        look=check,
    )


def give_back(ledger: Ledger, lease: Lease) -> None:
    """Release a lease, without waiting for the ledger: the lease of an ended driver is taken by the next anyway."""
    ledger.patience = Patience()
    with contextlib.suppress(LedgerAwayError, LedgerGoneError):
        ledger.release(lease)
