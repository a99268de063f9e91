"""The driver's heartbeat: a thread that renews the lease and listens for a stop that somebody asked for."""

import contextlib
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from study.events import OnEvent, Step, Waiting
from study.ledger import FencedOut, Lease, LeaseHeld, Ledger, LedgerAwayError, Patience
from study.running.registration import POLL, UNRENEWED
from study.signals import Stopping

LEASE_SECONDS = 60.0
LISTEN = 1.0  # seconds between looks at `stop_requested`


class Heartbeat:
    """Beats while the block runs.

    Attributes:
        lost: The lease is another driver's: stop at once.
        stop_requested: Somebody asked for a stop.
    """

    def __init__(
        self, ledger: Ledger, lease: Lease, *, lease_seconds: float = LEASE_SECONDS, listen: float = LISTEN
    ) -> None:
        self._ledger, self._lease = ledger, lease
        self._lease_seconds, self._listen = lease_seconds, listen
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self.lost: FencedOut | None = None
        self.stop_requested = False

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
            # A database that is away for a while costs nothing: the fence, not the clock, keeps writers apart.
            with contextlib.suppress(SQLAlchemyError):
                if beats % renew == 0:
                    try:
                        self._ledger.renew(self._lease, self._lease_seconds)
                    except FencedOut as error:
                        self.lost = error
                        return
                self.stop_requested = self._ledger.stop_requested(self._lease.study_id)


def take_lease(ledger: Ledger, study_id: int, seconds: float, stopping: Stopping, on_event: OnEvent) -> Lease:
    """The lease, as soon as no other living driver has it; says until when it waits.

    A lease that nobody renews for twice its length is over, though it ends tomorrow: a clock was set back.

    Raises:
        Stopped: A stop was asked for meanwhile.
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
    """A driver's patience.

    Args:
        seconds: How long at most.
        tell: Hears of the outage and of its end.
        check: Called again and again meanwhile; raises to end the waiting.
    """
    return Patience(
        seconds=seconds,
        away=lambda why, until: tell(Waiting(why, until)),
        back=lambda: tell(Step("the ledger answers again")),
        look=check,
    )


def give_back(ledger: Ledger, lease: Lease) -> None:
    """Releases a lease, without waiting: that of a driver that ended is taken by the next one anyway."""
    ledger.patience = Patience()
    with contextlib.suppress(LedgerAwayError):
        ledger.release(lease)
