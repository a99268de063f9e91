"""The driver's desk: which segments are with workers, what to hand out next, and what to do with what comes back.

It knows neither Ray nor Tune: `searcher.py` and `recorder.py` translate. Handles are names that they choose.
"""

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from study.design import PlannedTrial, Segment, TrialKey
from study.dispatch.bookkeeping import Bookkeeper, Resume
from study.dispatch.out_of_memory import KILLED, TOLD, Solitude, infeasible
from study.events import OnEvent, SegmentProgress, SegmentStarted
from study.machines.admission import Held, Node, Place, Shape, admit, moved, slots
from trainables.failures import Memory
from trainables.segment import Assignment, Report
from trainables.trial import Outcome, TrialSpec

LOOK_AROUND = 10.0  # seconds between looks at which nodes there are


@dataclasses.dataclass(slots=True)
class Out:
    """A segment that is with a worker.

    Attributes:
        segment: Which.
        attempt: Its number in the ledger.
        resume: Where it goes on.
        shape: What it holds.
        place: Where.
        until: When it will end, about, on the desk's clock.
    """

    segment: Segment
    attempt: int
    resume: Resume
    shape: Shape
    place: Place
    until: float


@dataclasses.dataclass(frozen=True, slots=True)
class Errand:
    """What a worker is given: its assignment and what it needs."""

    assignment: Assignment
    shape: Shape


@dataclasses.dataclass(frozen=True, kw_only=True)
class Terms:
    """What is the same for all segments of a run.

    Attributes:
        storage: Root of the storage.
        folder: The study's folder there.
        fence: The lease's number.
        slice_seconds: Wall time between a worker's reports.
        checkpoint_seconds: Wall time between checkpoints.
    """

    storage: str
    folder: str
    fence: int
    slice_seconds: float = 3.0
    checkpoint_seconds: float = 300.0

    @property
    def driver(self) -> str:
        """Name of the file that says which driver the workers obey."""
        return f"{self.folder}/driver.json"


class Desk:
    """Hands out owed segments in order, as there is room, never two of one trial at once. Not for several threads."""

    def __init__(
        self,
        books: Bookkeeper,
        terms: Terms,
        *,
        shapes: Mapping[int, Shape],
        nodes: Callable[[], Sequence[Node]],
        spec: Callable[[PlannedTrial], TrialSpec],
        write_spec: Callable[[TrialSpec, str], None],
        on_event: OnEvent,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes a study up where the ledger left it.

        Args:
            books: The study's plan and ledger.
            terms: What all assignments share.
            shapes: What a segment needs, by arm.
            nodes: What there is now.
            spec: Makes a trial's TrialSpec.
            write_spec: Puts it into the trial's folder.
            on_event: Hears what happens.
            clock: Seconds.
        """
        self.books = books
        self._terms, self._shapes, self._look, self._clock = terms, dict(shapes), nodes, clock
        self._spec, self._write_spec, self._tell = spec, write_spec, on_event
        self._out: dict[str, Out] = {}
        self._written: set[TrialKey] = set()
        self._solitude = Solitude()
        self._reserved: tuple[Segment, str] | None = None
        self.ended = 0
        """Segments that came back, in whatever way."""
        self._nodes, self._looked = tuple(nodes()), clock()
        books.arrange(self.slots)
        books.take_in()

    @property
    def nothing_left(self) -> bool:
        """Whether the study is complete: nothing is owed and nothing is with a worker."""
        return not self._out and next(self.books.owed(), None) is None

    @property
    def study_id(self) -> int:
        """The study's id in the ledger."""
        return self.books.study_id

    @property
    def out(self) -> int:
        """How many segments are with workers."""
        return len(self._out)

    @property
    def slots(self) -> int:
        """How many segments can be with workers at once at most."""
        return slots(self._nodes, self._shapes.values())

    def look_around(self) -> None:
        """Asks which nodes there are, where that was ten seconds ago; raises what the answer does.

        Also while all that there is to do is out: the workers of a Ray that died say nothing any more.
        """
        if self._clock() - self._looked < LOOK_AROUND:
            return
        before = self.slots
        self._nodes, self._looked = tuple(self._look()), self._clock()
        if self.slots != before:
            self.books.arrange(self.slots)

    def hand_out(self, handle: str) -> Errand | None:
        """The next segment that fits, from now on known as `handle`; None: wait."""
        self.look_around()
        held = [Held(out.shape, out.place, out.until) for out in self._out.values()]
        answer = admit(self._nodes, held, self._requests(), kinds=self._kinds, reserved=self._reserved)
        self._reserved = answer.reserved
        if answer.start is None or answer.place is None:
            return None
        segment, shape = answer.start, self._shape(answer.start.trial)
        folder = self._spec_folder(segment.trial)
        attempt, resume = self.books.start(segment)
        until = self._clock() + self.books.seconds(segment, resume.iteration)
        self._out[handle] = Out(segment, attempt, resume, shape, answer.place, until)
        self._tell(SegmentStarted(self.books.arm(segment.trial).name, segment, resume.iteration))
        terms = {f.name: getattr(self._terms, f.name) for f in dataclasses.fields(Terms) if f.name != "folder"}
        assignment = Assignment(
            folder=folder,
            start=segment.start,
            stop=segment.stop,
            resume=resume.folder,
            attempt=attempt,
            driver=self._terms.driver,
            gpu=shape.gpu,
            **terms,
        )
        return Errand(assignment, shape)

    def report(self, handle: str, report: Report, node: str | None = None) -> None:
        """A slice was done. Its end is told by `back`."""
        out = self._out[handle]
        if node is not None and node != out.place.node:
            others = [Held(o.shape, o.place, o.until) for name, o in self._out.items() if name != handle]
            out.place = moved(self._nodes, others, out.shape, node)
        if report.checkpoint is not None and report.checkpoint_iteration is not None and report.outcome is None:
            self.books.checkpoint(out.segment, report.checkpoint_iteration, report.checkpoint)
        arm = self.books.arm(out.segment.trial).name
        self._tell(SegmentProgress(arm, out.segment, report.progress, report.loss))

    def back(self, handle: str, report: Report) -> None:
        """A worker is done with a segment, in whatever way."""
        out = self._out.pop(handle)
        self.ended += 1
        if report.outcome is not None:
            self._outcome(out, report)
        elif report.unreadable is not None:
            self.books.unreadable(out.segment, out.attempt, out.resume, report.unreadable)
        else:
            self.books.stopped(out.attempt, "told to stop")
        self.books.take_in()

    def lost(self, handle: str, reason: str) -> None:
        """A worker is gone, or its machine failed it."""
        out = self._out.pop(handle)
        if not reason.startswith(KILLED):
            self.books.lost(out.segment, out.attempt, reason)
        elif not self._tried_alone(out, "host"):
            self.books.complete(out.segment, infeasible(out.resume.iteration, "host"), out.attempt)
        self.books.take_in()

    def abandon(self, reason: str) -> None:
        """All that is with workers is given up, and nothing is to blame."""
        while self._out:
            _, out = self._out.popitem()
            self.books.stopped(out.attempt, reason)

    def has(self, handle: str) -> bool:
        """Whether a segment is known by this name and not back."""
        return handle in self._out

    def handles(self) -> tuple[str, ...]:
        """What is with workers."""
        return tuple(self._out)

    def _outcome(self, out: Out, report: Report) -> None:
        outcome = Outcome.from_json(report.outcome or "")
        if report.out_of_memory is not None and self._tried_alone(out, report.out_of_memory):
            return
        self.books.complete(out.segment, outcome, out.attempt)
        self._solitude.over(out.segment.trial)

    def _tried_alone(self, out: Out, memory: Memory) -> bool:
        """Whether a segment that ran out of memory goes back to be tried alone."""
        node = next((node for node in self._nodes if node.name == out.place.node), None)
        if not self._solitude.another_try(out.segment.trial, memory, out.shape, node):
            return False
        self.books.stopped(out.attempt, TOLD)
        return True

    def _requests(self) -> Iterator[tuple[Segment, Shape]]:
        """What is owed and not out, in order; trials just lost come last, lest one of them takes the others' turns."""
        busy = {out.segment.trial for out in self._out.values()}
        suspects = set(self.books.since_success)
        first = (segment for segment in self.books.owed() if segment.trial not in suspects)
        last = (segment for segment in self.books.owed() if segment.trial in suspects) if suspects else ()
        for segment in itertools.chain(first, last):
            if segment.trial not in busy:
                yield segment, self._shape(segment.trial)

    def _shape(self, key: TrialKey) -> Shape:
        shape = self._shapes[key.arm]
        return self._solitude.shape(key, shape, self._nodes)

    @property
    def _kinds(self) -> int:
        return len({*self._shapes.values(), *(self._shape(key) for key in self._solitude.trials)})

    def _spec_folder(self, key: TrialKey) -> str:
        """The trial's folder, with its TrialSpec in it."""
        folder = f"{self._terms.folder}/{key}"
        if key not in self._written:
            self._write_spec(self._spec(self.books.plan(key)), folder)
            self._written.add(key)
        return folder


def as_config(errand: Errand) -> dict[str, Any]:
    """An errand as a Tune config: plain values."""
    return {**dataclasses.asdict(errand.assignment), "cpu": errand.shape.cpu}
