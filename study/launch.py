"""Runs a study: ledger, data, Ray and desk put together, from wherever the study stands to its end.

Given the same command again it goes on. Ctrl-C stops where nothing is lost.
"""

import contextlib
import dataclasses
import os
import pathlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from study import disks
from study.admission import Node
from study.batch_size import as_begun
from study.bookkeeping import Bookkeeper, MachineTroubleError
from study.checks import fitting_shape
from study.desk import Desk, Terms
from study.enrolment import bring_up_to_date, enter, refuse_other, take_lease
from study.events import OnEvent, Step, ignore
from study.fetching import fetch
from study.head import head_watched
from study.heartbeat import LEASE_SECONDS, Heartbeat
from study.ledger import Lease, Ledger, LedgerAwayError, Patience
from study.opening import judge, open_desk
from study.orders import Orders
from study.preparation import Source, find
from study.spec import Study
from study.splitting import resolved
from study.stopping import Stopped, Stopping
from study.sweeping import sweep
from study.tracking.following import followed
from study.waiting import OUTAGE, drivers_patience, give_back
from trainables.object_storage import is_url, storage_at
from trainables.storage import Storage


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pace:
    """How often things are done; results do not depend on it.

    Attributes:
        slice_seconds: Wall time between a worker's reports; a stop is heard this often.
        checkpoint_seconds: Wall time between checkpoints on the way to a mark.
        lease_seconds: How long a driver that died on another machine keeps others out.
        segments: After how many a fresh Tuner is opened; None: as memory asks.
        outage_seconds: How long a ledger's server that is away is waited for.
    """

    slice_seconds: float = 3.0
    checkpoint_seconds: float = 300.0
    lease_seconds: float = LEASE_SECONDS
    segments: int | None = None
    outage_seconds: float = OUTAGE


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """How a run ended. Counts are of all runs of the study, and 0 where the ledger was away at the end.

    Attributes:
        study: The study's name.
        finished: Trials that reached the last mark.
        halved: Trials that others of their cohort beat.
        failed: Trials that failed.
        lost: Trials that machines lost again and again.
        open: Trials of the ledger that have not ended.
        complete: Whether nothing is left to do.
        stopped: Whether it was asked to stop, and did so before the end.
        trouble: Why it could not go on, in one line; None where it could.
        seconds: Wall time of this run.
    """

    study: str
    finished: int
    halved: int
    failed: int
    lost: int
    open: int
    complete: bool
    stopped: bool
    trouble: str | None
    seconds: float


def run(
    study: Study,
    *,
    home: str | os.PathLike[str],
    ledger_url: str | None = None,
    storage: str | os.PathLike[str] | None = None,
    mlflow_uri: str | None = None,
    ray_address: str | None = None,
    trainable: type | None = None,
    source: Source | None = None,
    on_event: OnEvent = ignore,
    pace: Pace | None = None,
) -> Result:
    """Runs a study to its end, or goes on with it.

    Args:
        study: What to run.
        home: Folder of all that has no address of its own: `ledger.db`, `cache/`, `trials/`.
        ledger_url: The ledger's file or URL; `ledger.db` in the home by default.
        storage: Folder of cache and checkpoints, which all nodes see, or an object store's URL; the home by default.
        mlflow_uri: An MLflow that follows the ledger, in a thread of its own; None: none.
        ray_address: A running Ray cluster; by default one is started here and ends with the run.
        trainable: A `Segmenter` class; by default the one that trains networks.
        source: The study's data; by default found where its file says.
        on_event: Hears what happens, in this thread; what MLflow has to say, in another.
        pace: How often things are done.

    Returns:
        How it ended. A stop (Ctrl-C, SIGTERM, `request_stop`) and trouble with machines are results too.

    Raises:
        InputError: Something the user gave is wrong; nothing was trained.
        FencedOut: Another driver took the study over; nothing was written after that.
        KeyboardInterrupt: A second Ctrl-C.
    """
    began = time.monotonic()
    fetch(study, on_event)
    study = resolved(study)
    source = find(study) if source is None else source
    home = _absolute(home)
    address = ledger_url or str(home / "ledger.db")
    complete, trouble = False, None
    with Stopping() as stopping, Ledger.open(address) as ledger:
        parts = _Parts(study, ledger, storage_at(_root(storage or home)), stopping, on_event, pace or Pace())
        ledger.patience = drivers_patience(parts.pace.outage_seconds, on_event, stopping.check)
        with_models = trainable is None  # only the networks that segstudy trains can be loaded by MLflow
        follow = followed(
            address,
            study.name,
            mlflow_uri,
            home=home,
            storage=parts.storage.root if with_models else None,
            say=lambda text: on_event(Step(text)),
        )
        try:
            with contextlib.ExitStack() as stack:
                complete = _run(parts, stack, source, ray_address, trainable, follow)
        except Stopped:
            pass
        except (MachineTroubleError, LedgerAwayError) as error:
            trouble = str(error)
        except OSError as error:
            if (trouble := disks.trouble(error)) is None:
                raise
        counts = _counts(ledger, study.name)
    return Result(
        study=study.name,
        finished=counts["finished"],
        halved=counts["halved"],
        failed=counts["failed"],
        lost=counts["lost"],
        open=counts["open"],
        complete=complete,
        stopped=stopping.asked and not complete and trouble is None,
        trouble=trouble,
        seconds=time.monotonic() - began,
    )


@dataclasses.dataclass(frozen=True)
class _Parts:
    """What every part of a run has to do with."""

    study: Study
    ledger: Ledger
    storage: Storage
    stopping: Stopping
    tell: OnEvent
    pace: Pace


def _run(
    parts: _Parts,
    stack: contextlib.ExitStack,
    source: Source,
    address: str | None,
    trainable: type | None,
    follow: contextlib.AbstractContextManager[object],
) -> bool:
    """The run itself; whether nothing is left. What it opens is closed by the stack, in reverse."""
    from study.nodes import nodes, own_nodes, this_machine
    from study.ray_probes import sizing
    from study.ray_session import head_address, is_running, quiet, session, settings
    from study.scaling import asked_for
    from study.sharing import sharing

    ledger = parts.ledger
    study = as_begun(parts.study, ledger)
    refuse_other(ledger, study)
    lease = heart = None
    if ledger.has_study(study.name):  # before Ray is started, which another driver may be using the machine for
        lease, heart = _lease(parts, stack, ledger.study(study.name).id)
    machine = this_machine()
    if address is None and not is_running():
        fitting_shape(study, (machine,))
    parts.tell(Step("starting Ray" if address is None else f"joining Ray at {address}"))
    stack.enter_context(settings())
    stack.enter_context(quiet())
    scratch = stack.enter_context(session(address, machine))
    if address is not None:
        stack.enter_context(head_watched(head_address(), parts.tell))
    parts.stopping.listen()
    shape = fitting_shape(study, nodes())
    look = stack.enter_context(sharing(parts.storage, own_nodes if address is None else nodes, parts.tell))
    parts.stopping.check()
    data = source.prepare(parts.storage.root, parts.tell, partial(_may_go_on, parts, look))
    sized = sizing(study, ledger, data, look(), tell=parts.tell, stopping=partial(_may_go_on, parts, look))
    row = enter(ledger, sized.with_batch(study), data)
    study = as_begun(parts.study, ledger)  # another command may have been quicker to enter it
    if lease is None or heart is None:
        lease, heart = _lease(parts, stack, row.id)
    design = bring_up_to_date(ledger, lease, study, data)
    stack.enter_context(follow)
    terms = Terms(
        storage=parts.storage.root,
        folder=f"trials/{study.name}",
        fence=lease.fence,
        slice_seconds=parts.pace.slice_seconds,
        checkpoint_seconds=parts.pace.checkpoint_seconds,
    )
    sweep(ledger, lease, parts.storage, terms.folder)
    orders = Orders(parts.storage, terms.driver, lease.fence)
    stack.callback(orders.halt)
    books = Bookkeeper(ledger, lease, design, parts.storage, judge(study), parts.tell)
    shapes = sized.shapes(study, shape)
    desk = open_desk(study, books, terms, data, shapes, look, parts.tell)
    each_step: Callable[[], None] = partial(_each_step, parts, orders, heart, desk)
    if address is not None:
        each_step = stack.enter_context(
            asked_for(books.owed, lambda each: shapes[books.arm(each.trial).model], each_step)
        )
    _drive(parts, desk, each_step, scratch, trainable)
    if desk.nothing_left:  # no run may follow that would remove what lost workers left
        sweep(ledger, lease, parts.storage, terms.folder)
    return desk.nothing_left


def _may_go_on(parts: _Parts, look: Callable[[], Sequence[Node]]) -> None:
    """While data are prepared: raises where a stop was asked for, or Ray is gone."""
    parts.stopping.check()
    look()


def _drive(
    parts: _Parts, desk: Desk, each_step: Callable[[], None], scratch: pathlib.Path, trainable: type | None
) -> None:
    from study.driving import drive
    from trainables.segmenter import Segmenter

    parts.tell(Step(f"running, {desk.slots} at once", desk.slots))
    drive(
        desk,
        trainable or Segmenter,
        scratch=scratch,
        closed=lambda: parts.stopping.asked,
        each_step=each_step,
        on_crash=lambda why: parts.ledger.add_notice(desk.study_id, f"Ray Tune failed and was started again: {why}"),
        segments=parts.pace.segments,
    )


def _each_step(parts: _Parts, orders: Orders, heart: Heartbeat, desk: Desk) -> None:
    """Ten times a second: passes a stop on, and ends the run where the lease is lost or Ray died."""
    if heart.lost is not None:
        raise heart.lost
    if heart.stop_requested:
        parts.stopping.ask()
    if parts.stopping.asked and not orders.halted:
        parts.tell(Step("stopping: segments under way save what they have"))
        orders.halt()
    orders.keep()
    desk.look_around()


def _lease(parts: _Parts, stack: contextlib.ExitStack, study_id: int) -> tuple[Lease, Heartbeat]:
    """The lease with its heartbeat; given back at the end."""
    seconds = parts.pace.lease_seconds
    lease = take_lease(parts.ledger, study_id, seconds, parts.stopping, parts.tell)
    stack.callback(give_back, parts.ledger, lease)
    parts.ledger.request_stop(study_id, stop=False)  # what was asked of an earlier driver
    return lease, stack.enter_context(Heartbeat(parts.ledger, lease, lease_seconds=seconds))


def _counts(ledger: Ledger, name: str) -> Counter[str]:
    ledger.patience = Patience()
    with contextlib.suppress(LedgerAwayError):
        if ledger.has_study(name):
            return Counter(trial.status for trial in ledger.known(ledger.study(name).id))
    return Counter()


def _root(place: str | os.PathLike[str]) -> str | os.PathLike[str]:
    return place if is_url(place) else _absolute(place)


def _absolute(path: str | os.PathLike[str]) -> pathlib.Path:
    """A path that means the same in every process."""
    return pathlib.Path(os.path.abspath(os.path.expanduser(path)))
