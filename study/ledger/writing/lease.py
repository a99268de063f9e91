"""The lease: at most one driver writes to a study, and a driver that lost its lease writes nothing.

The fencing number grows with each owner, and every transaction checks it (`Store.fenced`). Time only decides how long
an owner that cannot be seen is waited for; that a resumed or slow one does no harm rests on the number alone.
"""

import dataclasses
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select, update

from study.errors import LeaseHeld
from study.ledger.database import schema
from study.ledger.database.owner import Lease, Owner, who

if TYPE_CHECKING:
    from study.ledger.database.store import Store


def acquire(
    store: "Store",
    study_id: int,
    owner: Owner | None = None,
    seconds: float = 60.0,
    now: float | None = None,
    given_up: float | None = None,
) -> Lease:
    """Take the lease, if it is free, has ended, or its owner is a dead process of this host.

    The attempts that earlier drivers left running are closed as `stopped`.

    Args:
        store: The ledger.
        study_id: Which study.
        owner: The process that asks; this process by default.
        seconds: How long it holds unless renewed.
        now: Seconds since 1970; by default the database server's clock, or this host's for a file.
        given_up: An end that was not moved for longer than a lease lasts: the lease is over, whatever the clocks say.

    Raises:
        LeaseHeld: Another living driver has it.
    """
    asking = Owner.here() if owner is None else owner
    taken: list[Lease] = []  # by a try whose commit was not heard of

    def work(connection: Connection) -> Lease:
        row = schema.leases
        # FOR UPDATE: on PostgreSQL a second asker waits here; SQLite knows no such words and locked at the start.
        held = connection.execute(select(row).where(row.c.study_id == study_id).with_for_update()).one()
        at = _clock(connection, now)
        if taken and (held.fence, held.owner) == (taken[-1].fence, dataclasses.asdict(asking)):
            return taken[-1]
        lasts = held.owner is not None and held.expires > at and held.expires != given_up
        if lasts and not Owner(**held.owner).is_dead():
            raise _held(connection, study_id, held.owner, held.expires, at)
        lease = Lease(study_id, held.fence + 1, at + seconds)
        values = {"fence": lease.fence, "owner": dataclasses.asdict(asking), "expires": lease.expires}
        connection.execute(update(row).where(row.c.study_id == study_id).values(values))
        _close_attempts(connection, study_id, at)
        taken.append(lease)
        return lease

    return store.write(work)


def renew(store: "Store", lease: Lease, seconds: float = 60.0, now: float | None = None) -> Lease:
    """Return the same lease, for `seconds` from now; also after its end, while nobody took it.

    Raises:
        FencedOut: Another driver took it.
    """

    def work(connection: Connection, revision: int) -> Lease:
        later = dataclasses.replace(lease, expires=_clock(connection, now) + seconds)
        row = schema.leases
        connection.execute(update(row).where(row.c.study_id == lease.study_id).values(expires=later.expires))
        return later

    return store.fenced(lease, work, wait=False)


def release(store: "Store", lease: Lease) -> None:
    """Release the lease: the next driver need not wait. Nothing happens if it was lost."""

    def work(connection: Connection) -> None:
        row = schema.leases
        mine = (row.c.study_id == lease.study_id) & (row.c.fence == lease.fence)
        connection.execute(update(row).where(mine).values(fence=row.c.fence + 1, owner=None, expires=0.0))

    store.write(work)


def _held(connection: Connection, study_id: int, owner: dict[str, Any], until: float, now: float) -> LeaseHeld:
    name = connection.scalar(select(schema.studies.c.name).where(schema.studies.c.id == study_id))
    return LeaseHeld(
        f"study '{name}' is being run by {who(owner)}, whose lease ends in {until - now:.0f} s unless renewed; "
        f"`segstudy stop {name}` ends that run",
        owner=who(owner),
        until=until,
    )


def _close_attempts(connection: Connection, study_id: int, now: float) -> None:
    """Close the running attempts as stopped: their driver is gone, or fenced out as of now."""
    row, trial = schema.attempts, schema.trials
    ours = select(trial.c.id).where(trial.c.study_id == study_id).scalar_subquery()
    values = {"ended": now, "result": "stopped", "reason": "its driver ended"}
    connection.execute(update(row).where(row.c.result.is_(None), row.c.trial_id.in_(ours)).values(values))


def _clock(connection: Connection, now: float | None) -> float:
    if now is not None:
        return now
    if connection.dialect.name == "postgresql":  # drivers on several hosts agree on the server's clock
        return float(connection.scalar(select(func.extract("epoch", func.clock_timestamp()))) or 0.0)
    return time.time()
