"""Assembly of a run: opens ledger, lease, Ray and data of a study, builds its dispatcher and drives it."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from study.addresses import shown
from study.cases.prepare import Source
from study.design import Arm, PlannedTrial, Status
from study.dispatch.bookkeeping import Bookkeeper
from study.dispatch.checkpoint_removal import remove_leftovers
from study.dispatch.dispatcher import Dispatcher, RunSettings
from study.events import OnEvent, Step
from study.ledger import Lease, Ledger
from study.ledger.database.outage import OUTAGE
from study.machines.admission import Node, Shape
from study.machines.head_watch import head_watched, own_ray_watched
from study.machines.trial_shape import fitting_shape
from study.probing.batch_size import as_begun
from study.running.driver_file import DriverFile
from study.running.held_lease import LEASE_SECONDS, Heartbeat, give_back, take_lease
from study.running.registration import bring_up_to_date, enter, refuse_other, run_again
from study.running.same_code import refuse_other_code
from study.signals import Stopping
from study.study_file import Study
from study.study_file.recorded.objective_empty import counting, decided
from study.trial_specs import Data, trial_spec, write_spec
from trainables.evaluation.objective import objective
from trainables.storage.folder import Storage
from trainables.storage.object_store import storage_at
from trainables.training.portable import ENVIRONMENT
from trainables.trial import Score, TrialSpec


def objective_of(study: Study) -> Callable[[Sequence[Score]], float | None]:
    """Return the function from the scores of a mark to the study's objective."""
    region = study.objective.region
    regions = tuple(study.regions) if region == "mean" else (region,)
    return partial(objective, metric=study.objective.metric, regions=regions, empty=counting(study))


def _validated(data: Data) -> list[Mapping[str, int]]:
    """Voxels by label of each case that is a validation case of any fold."""
    return [case.facts["voxels"] for case in data.cases if "validation" in case.splits and "voxels" in case.facts]


def open_dispatcher(
    study: Study,
    books: Bookkeeper,
    run_settings: RunSettings,
    data: Data,
    shapes: Mapping[str, Shape],
    nodes: Callable[[], Sequence[Node]],
    on_event: OnEvent,
    *,
    named_nodes: bool = False,
) -> Dispatcher:
    """Build the dispatcher of a study; what its plan derives from the ledger is written to the ledger at once.

    Args:
        study: The study.
        books: Keeps the study's plan and its ledger consistent.
        run_settings: Settings that all assignments share.
        data: The prepared cases.
        shapes: Resources of a trial, by the network's name.
        nodes: Returns the current nodes.
        on_event: Receives events.
        named_nodes: Whether segments may start on these nodes only.
    """
    arms = books.design.arms
    return Dispatcher(
        books,
        run_settings,
        shapes={arm.index: shapes[arm.model] for arm in arms},
        nodes=nodes,
        spec=lambda plan: _spec(study, arms[plan.key.arm], plan, data, shapes),
        write_spec=partial(write_spec, storage_at(run_settings.storage)),
        on_event=on_event,
        named_nodes=named_nodes,
    )


def _spec(study: Study, arm: Arm, plan: PlannedTrial, data: Data, shapes: Mapping[str, Shape]) -> TrialSpec:
    return trial_spec(study, arm, plan, data, gpu=shapes[arm.model].gpu)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pace:
    """Intervals of a run. Results do not depend on them.

    Attributes:
        slice_seconds: Wall time between two reports of a worker, which is also how often it checks for a stop.
        checkpoint_seconds: Wall time between two checkpoints before a mark.
        lease_seconds: Duration of the lease: how long a driver that died on another machine excludes others.
        segments: Segments per Tuner; None chooses a number that bounds memory.
        outage_seconds: How long to wait for a ledger server that is unavailable.
    """

    slice_seconds: float = 3.0
    checkpoint_seconds: float = 300.0
    lease_seconds: float = LEASE_SECONDS
    segments: int | None = None
    outage_seconds: float = OUTAGE


@dataclasses.dataclass(frozen=True)
class RunContext:
    """Objects that all parts of a run share."""

    study: Study
    ledger: Ledger
    storage: Storage
    stopping: Stopping
    tell: OnEvent
    pace: Pace
    notices: tuple[str, ...] = ()
    retry: tuple[Status, ...] = ()
    accept_changes: bool = False


def carry_out(
    context: RunContext,
    stack: contextlib.ExitStack,
    source: Source,
    address: str | None,
    trainable: type | None,
    follow: contextlib.AbstractContextManager[object],
) -> bool:
    """Execute the run; return whether the study is complete. The stack closes what is opened here, in reverse order."""
    from study.machines.autoscaler import machines_requested
    from study.machines.nodes import nodes, own_nodes, this_machine
    from study.machines.ray_session import head_address, is_running, quiet, session, settings
    from study.machines.shared_storage import nodes_sharing
    from study.probing.on_ray import sizing

    ledger = context.ledger
    study = as_begun(context.study, ledger)
    refuse_other(ledger, study)
    refuse_other_code(ledger, study, accepted=context.accept_changes)
    lease = heart = None
    if ledger.has_study(study.name):  # before Ray starts: another driver may be using the machine
        lease, heart = _lease(context, stack, ledger.study(study.name).id)
    machine = this_machine()
    if address is None and not is_running():
        fitting_shape(study, (machine,))
    context.tell(Step("starting Ray" if address is None else f"joining Ray at {shown(address)}"))
    held = ENVIRONMENT if study.training.portable else {}
    stack.enter_context(settings(**held))
    stack.enter_context(quiet())
    with context.stopping.interrupting():
        scratch = stack.enter_context(session(address, machine, lambda text: context.tell(Step(text)), held))
    watched = own_ray_watched(context.tell) if address is None else head_watched(head_address(), context.tell)
    stack.enter_context(watched)
    context.stopping.listen()
    shape = fitting_shape(study, nodes())
    look: Callable[[], Sequence[Node]] = stack.enter_context(
        nodes_sharing(context.storage, own_nodes if address is None else nodes, context.tell)
    )
    if study.resources.same_kind:
        look = _of_one_kind(context, look, shape)
        shape = fitting_shape(study, look())
    context.stopping.check()
    data = source.prepare(context.storage.root, context.tell, partial(_may_go_on, context, look))
    sized = sizing(study, ledger, data, look(), tell=context.tell, stopping=partial(_may_go_on, context, look))
    row = enter(ledger, decided(sized.with_batch(study), _validated(data)), data, context.notices)
    study = as_begun(context.study, ledger)  # another command may have entered it first
    if lease is None or heart is None:
        lease, heart = _lease(context, stack, row.id)
    design = bring_up_to_date(ledger, lease, study, data)
    run_again(ledger, lease, design, context.retry, context.tell)
    stack.enter_context(follow)
    run_settings = RunSettings(
        storage=context.storage.root,
        folder=f"trials/{study.name}",
        fence=lease.fence,
        slice_seconds=context.pace.slice_seconds,
        checkpoint_seconds=context.pace.checkpoint_seconds,
    )
    remove_leftovers(ledger, lease, context.storage, run_settings.folder)
    driver_file = DriverFile(context.storage, run_settings.driver, lease.fence)
    stack.callback(driver_file.halt)
    books = Bookkeeper(ledger, lease, design, context.storage, objective_of(study), context.tell)
    shapes = sized.shapes(study, shape)
    named = study.resources.same_kind and address is not None
    dispatcher = open_dispatcher(study, books, run_settings, data, shapes, look, context.tell, named_nodes=named)
    each_step: Callable[[], None] = partial(_each_step, context, driver_file, heart, dispatcher)
    if address is not None:
        each_step = stack.enter_context(
            machines_requested(books.owed, lambda each: shapes[books.arm(each.trial).model], each_step)
        )
    _drive(context, dispatcher, each_step, scratch, trainable)
    if dispatcher.nothing_left:  # no later run may come that would remove what lost workers left
        remove_leftovers(ledger, lease, context.storage, run_settings.folder)
    return dispatcher.nothing_left


def _of_one_kind(context: RunContext, look: Callable[[], Sequence[Node]], shape: Shape) -> Callable[[], Sequence[Node]]:
    """Return a look at nodes of one kind only: the one that trained the study before, or the one with most room."""
    from study.machines.one_kind import KindProbe, NodesOfOneKind

    ledger, study = context.ledger, context.study
    before = ledger.machines(ledger.study(study.name).id) if ledger.has_study(study.name) else []
    probe = KindProbe(gpu=shape.gpu > 0, portable=study.training.portable)
    return NodesOfOneKind(look, probe, before, shape, context.tell)


def _may_go_on(context: RunContext, look: Callable[[], Sequence[Node]]) -> None:
    """Raise if a stop was requested or Ray died; called while data are prepared."""
    context.stopping.check()
    look()


def _drive(
    context: RunContext,
    dispatcher: Dispatcher,
    each_step: Callable[[], None],
    scratch: pathlib.Path,
    trainable: type | None,
) -> None:
    from study.tune.loop import drive
    from trainables.segmenter import Segmenter

    context.tell(Step(f"running, {dispatcher.slots} at once", dispatcher.slots))
    drive(
        dispatcher,
        trainable or Segmenter,
        scratch=scratch,
        closed=lambda: context.stopping.asked,
        each_step=each_step,
        on_crash=lambda why: context.ledger.add_notice(
            dispatcher.study_id, f"Ray Tune failed and was started again: {why}"
        ),
        segments=context.pace.segments,
    )


def _each_step(context: RunContext, driver_file: DriverFile, heart: Heartbeat, dispatcher: Dispatcher) -> None:
    """Pass on a stop request, and raise if the lease was lost or Ray died; called ten times a second."""
    from study.machines.nodes import refuse_dead_ray

    if heart.lost is not None:
        raise heart.lost
    if context.stopping.asked and not driver_file.halted:
        context.tell(Step("stopping: segments under way save what they have"))
        driver_file.halt()
    driver_file.keep()
    refuse_dead_ray()
    dispatcher.refresh_nodes()


def _lease(context: RunContext, stack: contextlib.ExitStack, study_id: int) -> tuple[Lease, Heartbeat]:
    """Acquire the lease and start its heartbeat; the lease is released at the end."""
    seconds = context.pace.lease_seconds
    lease = take_lease(context.ledger, study_id, seconds, context.stopping, context.tell)
    stack.callback(give_back, context.ledger, lease)
    context.ledger.request_stop(study_id, stop=False)  # a stop that was requested of an earlier driver
    heart = Heartbeat(context.ledger, lease, lease_seconds=seconds, stop=context.stopping.ask)
    return lease, stack.enter_context(heart)
