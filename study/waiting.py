"""How a driver waits for a ledger that is away: long, with a line at the beginning and one at the end."""

import contextlib
from collections.abc import Callable

from study.events import OnEvent, Step, Waiting
from study.ledger import Lease, Ledger, LedgerAwayError, Patience

OUTAGE = 12 * 3600.0  # seconds: what breaks in the evening is mended in the morning


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
