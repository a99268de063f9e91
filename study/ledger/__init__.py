"""The ledger: `Ledger` opens it, the other names are what its methods take, return and raise."""

from study.errors import FencedOut, LeaseHeld, LedgerAwayError, LedgerNotMadeError
from study.ledger.database.outage import Patience
from study.ledger.database.owner import Lease, Owner
from study.ledger.ledger import Ledger

__all__ = ["FencedOut", "Lease", "LeaseHeld", "Ledger", "LedgerAwayError", "LedgerNotMadeError", "Owner", "Patience"]
