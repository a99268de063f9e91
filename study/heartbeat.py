"""The driver's heartbeat: a thread that renews the lease and listens for a stop that somebody asked for."""

import contextlib
import threading
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from study.ledger import FencedOut, Lease, Ledger

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
