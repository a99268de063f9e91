"""Opening a study's desk: what its file says of objective, resources and trials becomes what the desk works with."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from study.cases.prepare import Source
from study.design import Arm, PlannedTrial
from study.dispatch.bookkeeping import Bookkeeper
from study.dispatch.dispatcher import Desk, Terms
from study.events import OnEvent, Step
from study.ledger import Lease, Ledger
from study.ledger.database.outage import OUTAGE
from study.machines.admission import Node, Shape
from study.machines.head_watch import head_watched
from study.machines.trial_shape import fitting_shape
from study.probing.batch_size import as_begun
from study.running.held_lease import LEASE_SECONDS, Heartbeat, give_back, take_lease
from study.running.leftover_checkpoints import sweep
from study.running.registration import bring_up_to_date, enter, refuse_other
from study.running.worker_orders import Orders
from study.signals import Stopping
from study.study_file import Study
from study.study_file.objective_empty import counting, decided
from study.trial_specs import Data, trial_spec, write_spec
from trainables.evaluation.objective import objective
from trainables.storage.folder import Storage
from trainables.storage.object_store import storage_at
from trainables.trial import Score, TrialSpec


def judge(study: Study) -> Callable[[Sequence[Score]], float | None]:
    """From the scores of a mark to the study's objective."""
    region = study.objective.region
    regions = tuple(study.regions) if region == "mean" else (region,)
    return partial(objective, metric=study.objective.metric, regions=regions, empty=counting(study))


def _validated(data: Data) -> list[Mapping[str, int]]:
    """Voxels by label of each case that is a validation case of any fold."""
    return [case.facts["voxels"] for case in data.cases if "validation" in case.splits and "voxels" in case.facts]


def open_desk(
    study: Study,
    books: Bookkeeper,
    terms: Terms,
    data: Data,
    shapes: Mapping[str, Shape],
    nodes: Callable[[], Sequence[Node]],
    on_event: OnEvent,
) -> Desk:
    """The desk of a study whose books are open; what follows from them is written down at once.

    Args:
        study: The study.
        books: Its plan and ledger.
        terms: What all assignments share.
        data: What its trials learn from.
        shapes: What each of them needs, by network.
        nodes: What there is now.
        on_event: Hears what happens.
    """
    arms = books.design.arms
    return Desk(
        books,
        terms,
        shapes={arm.index: shapes[arm.model] for arm in arms},
        nodes=nodes,
        spec=lambda plan: _spec(study, arms[plan.key.arm], plan, data, shapes),
        write_spec=partial(write_spec, storage_at(terms.storage)),
        on_event=on_event,
    )


def _spec(study: Study, arm: Arm, plan: PlannedTrial, data: Data, shapes: Mapping[str, Shape]) -> TrialSpec:
    return trial_spec(study, arm, plan, data, gpu=shapes[arm.model].gpu)


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
    from study.machines.autoscaler import asked_for
    from study.machines.nodes import nodes, own_nodes, this_machine
    from study.machines.ray_session import head_address, is_running, quiet, session, settings
    from study.machines.shared_storage import sharing
    from study.probing.on_ray import sizing

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
    row = enter(ledger, decided(sized.with_batch(study), _validated(data)), data)
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
    from study.tune.loop import drive
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
