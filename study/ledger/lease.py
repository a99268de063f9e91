"""The lease: at most one driver writes to a study, and a driver that lost it cannot, whatever it believes.

The fencing number grows with each owner, and every transaction checks it (`Store.fenced`). Time only decides how long
an owner that cannot be seen is waited for; that a resumed or slow one does no harm rests on the number alone.
"""

import dataclasses
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection, func, select, update

from study.ledger import schema
from trainables.errors import InputError

if TYPE_CHECKING:
    from study.ledger.store import Store


class FencedOut(RuntimeError):  # noqa: N818  the design's word
    """The lease is another driver's by now; nothing was written, and this driver has to stop."""


class LeaseHeld(InputError):  # noqa: N818  the design's word
    """Another driver runs the study.

    Attributes:
        owner: Who, as `who` says.
        until: When its lease ends unless renewed, seconds since 1970.
    """

    def __init__(self, message: str, *, owner: str, until: float) -> None:
        super().__init__(message)
        self.owner = owner
        self.until = until


@dataclasses.dataclass(frozen=True, slots=True)
class Owner:
    """A process, so that neither a reused number nor a twin in another container is taken for it.

    Attributes:
        host: Host name.
        boot: The kernel's boot id and process-number space, empty where the system tells none.
        pid: Process number.
        started: When it started, as the system counts: from boot on Linux, where clocks set back do not matter.
    """

    host: str
    boot: str
    pid: int
    started: str

    @classmethod
    def here(cls) -> Self:
        """This process."""
        return cls(socket.gethostname(), _boot(), os.getpid(), _started(os.getpid()))

    def is_dead(self) -> bool:
        """Whether the process is known to have ended; False for one that cannot be seen: another host or container."""
        if (self.host, self.boot) != (socket.gethostname(), _boot()):
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass  # another user's: it is there
        return _started(self.pid) not in (self.started, "")


@dataclasses.dataclass(frozen=True, slots=True)
class Lease:
    """The right to write to a study.

    Attributes:
        study_id: Which study.
        fence: Its number; greater than that of every owner before.
        expires: When it ends unless renewed, seconds since 1970.
    """

    study_id: int
    fence: int
    expires: float


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
        owner: Who asks; this process by default.
        seconds: How long it holds unless renewed.
        now: Seconds since 1970; by default the database server's clock, or this host's for a file.
        given_up: An end that was seen not to move for longer than a lease lasts: over, whatever the clocks say.

    Raises:
        LeaseHeld: Another living driver has it.
    """
    asking = Owner.here() if owner is None else owner
    taken: list[Lease] = []  # by a try whose commit was not heard of

    def work(connection: Connection) -> Lease:
        row = schema.leases
        # FOR UPDATE: on PostgreSQL a second asker waits here; SQLite knows no such words and locked at the start.
        held = connection.execute(select(row).where(row.c.study_id == study_id).with_for_update()).one()
        moment = _moment(connection, now)
        if taken and (held.fence, held.owner) == (taken[-1].fence, dataclasses.asdict(asking)):
            return taken[-1]
        lasts = held.owner is not None and held.expires > moment and held.expires != given_up
        if lasts and not Owner(**held.owner).is_dead():
            raise _held(connection, study_id, held.owner, held.expires, moment)
        lease = Lease(study_id, held.fence + 1, moment + seconds)
        values = {"fence": lease.fence, "owner": dataclasses.asdict(asking), "expires": lease.expires}
        connection.execute(update(row).where(row.c.study_id == study_id).values(values))
        _close_attempts(connection, study_id, moment)
        taken.append(lease)
        return lease

    return store.write(work)


def renew(store: "Store", lease: Lease, seconds: float = 60.0, now: float | None = None) -> Lease:
    """The same lease, for `seconds` from now. Also after its end, as long as nobody took it. It waits for no outage.

    Raises:
        FencedOut: Somebody did.
    """

    def work(connection: Connection, revision: int) -> Lease:
        later = dataclasses.replace(lease, expires=_moment(connection, now) + seconds)
        row = schema.leases
        connection.execute(update(row).where(row.c.study_id == lease.study_id).values(expires=later.expires))
        return later

    return store.fenced(lease, work, wait=False)


def release(store: "Store", lease: Lease) -> None:
    """Give it back: the next driver need not wait, this lease writes no more. Nothing happens if it was lost."""

    def work(connection: Connection) -> None:
        row = schema.leases
        mine = (row.c.study_id == lease.study_id) & (row.c.fence == lease.fence)
        connection.execute(update(row).where(mine).values(fence=row.c.fence + 1, owner=None, expires=0.0))

    store.write(work)


def who(owner: dict[str, Any] | None) -> str:
    """An owner for a person to read."""
    return "nobody" if owner is None else f"process {owner['pid']} on {owner['host']}"


def _held(connection: Connection, study_id: int, owner: dict[str, Any], until: float, now: float) -> LeaseHeld:
    name = connection.scalar(select(schema.studies.c.name).where(schema.studies.c.id == study_id))
    return LeaseHeld(
        f"study '{name}' is being run by {who(owner)}, whose lease ends in {until - now:.0f} s unless renewed; "
        f"`segstudy stop {name}` ends that run",
        owner=who(owner),
        until=until,
    )


def _close_attempts(connection: Connection, study_id: int, now: float) -> None:
    """Whoever ran them is gone, or fenced out as of now."""
    row, trial = schema.attempts, schema.trials
    ours = select(trial.c.id).where(trial.c.study_id == study_id).scalar_subquery()
    values = {"ended": now, "result": "stopped", "reason": "its driver ended"}
    connection.execute(update(row).where(row.c.result.is_(None), row.c.trial_id.in_(ours)).values(values))


def _moment(connection: Connection, now: float | None) -> float:
    if now is not None:
        return now
    if connection.dialect.name == "postgresql":  # drivers on several hosts agree on the server's clock
        return float(connection.scalar(select(func.extract("epoch", func.clock_timestamp()))) or 0.0)
    return time.time()


def _boot() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process started; `over` if it ended and waits to be collected, empty if the system does not tell."""
    if sys.platform == "linux":
        try:
            line = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return ""
        fields = line.rpartition(")")[2].split()  # the second field is the command in brackets, and may hold anything
        return "over" if fields[0] in ("Z", "X") else fields[19]
    listed = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, started = listed.stdout.strip().partition(" ")
    return "over" if state.startswith("Z") else started.strip()
