"""Dispatcher: keeps the segments that workers run, hands out the next one and records what comes back.

It uses neither Ray nor Tune: `tune/searcher.py` and `tune/recorder.py` translate. They also choose the handles (names).
"""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from study.design import PlannedTrial, Segment, TrialKey
from study.dispatch.bookkeeping import Bookkeeper, Resume
from study.dispatch.out_of_memory import KILLED, TOLD, AloneRetries, infeasible
from study.events import OnEvent, SegmentProgress, SegmentStarted
from study.machines.admission import Held, Node, Place, Shape, admit, moved, slots
from trainables.failures import BROKEN_DEVICE, Memory
from trainables.segment import Assignment, Report
from trainables.trial import Outcome, TrialSpec

REFRESH_SECONDS = 10.0  # between two queries for the cluster's nodes


@dataclasses.dataclass(slots=True)
class RunningSegment:
    """A segment that a worker runs.

    Attributes:
        segment: The segment.
        attempt: The attempt's number in the ledger.
        resume: The checkpoint from which it resumes.
        shape: The resources that it occupies.
        place: The node and GPUs that it occupies.
        until: Estimated end, in seconds of the dispatcher's clock.
    """

    segment: Segment
    attempt: int
    resume: Resume
    shape: Shape
    place: Place
    until: float


@dataclasses.dataclass(frozen=True, slots=True)
class Handout:
    """An assignment for a worker, the resources that it needs, and the only nodes that it may start on; (): any."""

    assignment: Assignment
    shape: Shape
    nodes: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Settings that all segments of a run share.

    Attributes:
        storage: Root of the storage.
        folder: The study's folder in it.
        fence: The fencing number of the driver's lease.
        slice_seconds: Wall time between two reports of a worker.
        checkpoint_seconds: Wall time between two checkpoints.
    """

    storage: str
    folder: str
    fence: int
    slice_seconds: float = 3.0
    checkpoint_seconds: float = 300.0

    @property
    def driver(self) -> str:
        """Name of the file that names the current driver (`running/driver_file.py`)."""
        return f"{self.folder}/driver.json"


class Dispatcher:
    """Hands out owed segments in order as resources permit, never two of one trial at once. Not thread-safe."""

    def __init__(
        self,
        books: Bookkeeper,
        run_settings: RunSettings,
        *,
        shapes: Mapping[int, Shape],
        nodes: Callable[[], Sequence[Node]],
        spec: Callable[[PlannedTrial], TrialSpec],
        write_spec: Callable[[TrialSpec, str], None],
        on_event: OnEvent,
        clock: Callable[[], float] = time.monotonic,
        named_nodes: bool = False,
    ) -> None:
        """Continues a study from its state in the ledger.

        Args:
            books: Keeps the study's plan and its ledger consistent.
            run_settings: Settings that all assignments share.
            shapes: Resources of a segment, by the arm's index.
            nodes: Returns the current nodes.
            spec: Builds a trial's TrialSpec.
            write_spec: Writes a TrialSpec into the trial's folder.
            on_event: Receives events.
            clock: Monotonic time in seconds.
            named_nodes: Whether segments may start on the nodes of `nodes` only, though Ray has others.
        """
        self.books, self._named_nodes = books, named_nodes
        self._settings, self._shapes, self._query_nodes, self._clock = run_settings, dict(shapes), nodes, clock
        self._spec, self._write_spec, self._tell = spec, write_spec, on_event
        self._running: dict[str, RunningSegment] = {}
        self._written: set[TrialKey] = set()
        self._alone = AloneRetries()
        self._reserved: tuple[Segment, str] | None = None
        self.ended = 0
        """Number of segments that are no longer with a worker, for any reason."""
        self._nodes, self._refreshed = tuple(nodes()), clock()
        books.order_for(self.slots)
        books.apply_changes()

    @property
    def nothing_left(self) -> bool:
        """Whether the study is complete: no segment is owed and none is running."""
        return not self._running and next(self.books.owed(), None) is None

    @property
    def study_id(self) -> int:
        """The study's id in the ledger."""
        return self.books.study_id

    @property
    def running(self) -> int:
        """Number of segments that workers run."""
        return len(self._running)

    @property
    def slots(self) -> int:
        """Maximum number of segments that can run at the same time."""
        return slots(self._nodes, self._shapes.values())

    def refresh_nodes(self) -> None:
        """Query the nodes if the last query is ten seconds old.

        Also called while every segment is running: if Ray itself died, its workers send no more reports.

        Raises:
            Exception: Whatever `nodes` raises.
        """
        if self._clock() - self._refreshed < REFRESH_SECONDS:
            return
        before = self.slots
        self._nodes, self._refreshed = tuple(self._query_nodes()), self._clock()
        if self.slots != before:
            self.books.order_for(self.slots)

    def hand_out(self, handle: str) -> Handout | None:
        """Return the next segment that fits and register it as `handle`; None means wait."""
        self.refresh_nodes()
        held = [Held(entry.shape, entry.place, entry.until) for entry in self._running.values()]
        answer = admit(self._nodes, held, self._requests(), kinds=self._kinds, reserved=self._reserved)
        self._reserved = answer.reserved
        if answer.start is None or answer.place is None:
            return None
        segment, shape = answer.start, self._shape(answer.start.trial)
        folder = self._trial_folder(segment.trial)
        attempt, resume = self.books.start(segment)
        until = self._clock() + self.books.seconds(segment, resume.iteration)
        self._running[handle] = RunningSegment(segment, attempt, resume, shape, answer.place, until)
        self._tell(SegmentStarted(self.books.arm(segment.trial).name, segment, resume.iteration))
        assignment = Assignment(
            storage=self._settings.storage,
            folder=folder,
            start=segment.start,
            stop=segment.stop,
            resume=resume.folder,
            attempt=attempt,
            driver=self._settings.driver,
            fence=self._settings.fence,
            gpu=shape.gpu,
            slice_seconds=self._settings.slice_seconds,
            checkpoint_seconds=self._settings.checkpoint_seconds,
        )
        return Handout(assignment, shape, tuple(node.name for node in self._nodes) if self._named_nodes else ())

    def report(self, handle: str, report: Report, node: str | None = None) -> None:
        """Record a worker's report on a slice. The segment's end is recorded by `finished`."""
        entry = self._running[handle]
        if node is not None and node != entry.place.node:
            others = [Held(o.shape, o.place, o.until) for name, o in self._running.items() if name != handle]
            entry.place = moved(self._nodes, others, entry.shape, node)
        if report.checkpoint is not None and report.checkpoint_iteration is not None and report.outcome is None:
            self.books.checkpoint(entry.segment, report.checkpoint_iteration, report.checkpoint)
        arm = self.books.arm(entry.segment.trial).name
        self._tell(SegmentProgress(arm, entry.segment, report.progress, report.loss))

    def finished(self, handle: str, report: Report) -> None:
        """Record that a worker ended its segment: with an outcome, an unreadable checkpoint, or on request."""
        entry = self._running.pop(handle)
        self.ended += 1
        if report.outcome is not None:
            self._outcome(entry, report)
        elif report.unreadable is not None:
            self.books.unreadable(entry.segment, entry.attempt, entry.resume, report.unreadable)
        else:
            self.books.stopped(entry.attempt, "told to stop")
        self.books.apply_changes()

    def lost(self, handle: str, reason: str) -> None:
        """Record that a worker died or its machine failed."""
        entry = self._running.pop(handle)
        self._written.discard(entry.segment.trial)  # its folder may have been removed
        if BROKEN_DEVICE in reason:  # by the trial before it, which is recorded as failed
            self.books.stopped(entry.attempt, reason)
        elif not reason.startswith(KILLED):
            self.books.lost(entry.segment, entry.attempt, reason, entry.place.node)
        elif not self._is_retried_alone(entry, "host"):
            self.books.complete(entry.segment, infeasible(entry.resume.iteration, "host"), entry.attempt)
        self.books.apply_changes()

    def abandon(self, reason: str) -> None:
        """Give up all running segments, without counting them as lost."""
        while self._running:
            _, entry = self._running.popitem()
            self.books.stopped(entry.attempt, reason)

    def has(self, handle: str) -> bool:
        """Whether a running segment has this handle."""
        return handle in self._running

    def handles(self) -> tuple[str, ...]:
        """Handles of the running segments."""
        return tuple(self._running)

    def _outcome(self, entry: RunningSegment, report: Report) -> None:
        outcome = Outcome.from_json(report.outcome or "")
        if report.out_of_memory is not None and self._is_retried_alone(entry, report.out_of_memory):
            return
        self.books.complete(entry.segment, outcome, entry.attempt)
        self._alone.forget(entry.segment.trial)

    def _is_retried_alone(self, entry: RunningSegment, memory: Memory) -> bool:
        """Whether a segment that ran out of memory is retried without neighbours."""
        node = next((node for node in self._nodes if node.name == entry.place.node), None)
        if not self._alone.retry_alone(entry.segment.trial, memory, entry.shape, node):
            return False
        self.books.stopped(entry.attempt, TOLD)
        return True

    def _requests(self) -> Iterator[tuple[Segment, Shape]]:
        """Yield owed segments that are not running, in order; trials that were just lost come last.

        Otherwise one trial that loses its worker each time would take the turns of the others.
        """
        busy = {entry.segment.trial for entry in self._running.values()}
        suspects = {loss.trial for loss in self.books.since_success}
        first = (segment for segment in self.books.owed() if segment.trial not in suspects)
        last = (segment for segment in self.books.owed() if segment.trial in suspects) if suspects else ()
        for segment in itertools.chain(first, last):
            if segment.trial not in busy:
                yield segment, self._shape(segment.trial)

    def _shape(self, key: TrialKey) -> Shape:
        shape = self._shapes[key.arm]
        return self._alone.shape(key, shape, self._nodes)

    @property
    def _kinds(self) -> int:
        return len({*self._shapes.values(), *(self._shape(key) for key in self._alone.trials)})

    def _trial_folder(self, key: TrialKey) -> str:
        """Return the trial's folder after writing its TrialSpec there."""
        folder = f"{self._settings.folder}/{key}"
        if key not in self._written:
            self._write_spec(self._spec(self.books.plan(key)), folder)
            self._written.add(key)
        return folder


def tune_config(handout: Handout) -> dict[str, Any]:
    """Return an assignment as a Tune config of plain values."""
    return {**dataclasses.asdict(handout.assignment), "cpu": handout.shape.cpu, "nodes": list(handout.nodes)}
