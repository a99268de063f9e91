"""SegmentWork: trains a trial from one mark to the next and evaluates it, in slices of wall time.

After each slice it reports its progress to the driver and checks whether it should stop. Ray is not imported here.
"""

import dataclasses
import json
import socket
import time
import traceback
from collections.abc import Callable, Generator, Iterator

from trainables.evaluation.evaluated import Evaluation
from trainables.failures import Memory, breaks_device, fault, out_of, reason
from trainables.metrics.scoring import Measured, scores_of
from trainables.pictures.kept import Preview
from trainables.storage.object_store import storage_at
from trainables.training import checkpoint, device
from trainables.training.checkpoint import Checkpoint, UnreadableCheckpointError
from trainables.training.learner import Learner
from trainables.training.machine import machine, machine_after_failure
from trainables.trial import Outcome, Point, TrialSpec


@dataclasses.dataclass(frozen=True, kw_only=True)
class Assignment:
    """The driver's assignment of a segment to a worker: small, since it is sent with every segment.

    Attributes:
        storage: Root of the storage.
        folder: The trial's folder there; `spec.json` in it is its TrialSpec.
        start: The mark where the segment begins, or 0.
        stop: The mark where it ends.
        resume: Folder of the checkpoint to go on from; None begins at iteration 0 again.
        attempt: A number that no other attempt of the ledger has.
        driver: A file that says which driver is current (`driver_file`).
        fence: The fencing number of the driver that assigned it.
        gpu: Share of a GPU's memory that it may use; a trial that is retried alone gets more than its own share.
        slice_seconds: Wall time between reports.
        checkpoint_seconds: Wall time between checkpoints; one at the mark is always written.
    """

    storage: str
    folder: str
    start: int
    stop: int
    resume: str | None
    attempt: int
    driver: str
    fence: int
    gpu: float = 0.0
    slice_seconds: float = 3.0
    checkpoint_seconds: float = 300.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """The report of a slice to the driver.

    Attributes:
        progress: Iterations trained.
        loss: The last point of the training's loss curve; None before there is one.
        checkpoint: Folder of a checkpoint written in this slice; None otherwise.
        checkpoint_iteration: Where it stands.
        outcome: JSON text of the Outcome, once there is one.
        out_of_memory: Which memory ran out; the driver retries the trial alone where others shared it.
        unreadable: Why the checkpoint to resume from cannot be read; the segment ended without an outcome.
        halted: The segment ended without an outcome because it was told to.
        broken: The process cannot use its device any more.
        done: The segment has ended, one way or another.
    """

    progress: int
    loss: float | None = None
    checkpoint: str | None = None
    checkpoint_iteration: int | None = None
    outcome: str | None = None
    out_of_memory: Memory | None = None
    unreadable: str | None = None
    halted: bool = False
    broken: bool = False
    done: bool = False


def driver_file(fence: int, *, halt: bool = False) -> bytes:
    """Return the content of the driver's file: workers of older drivers stop, and all stop when `halt` is set."""
    return json.dumps({"fence": fence, "halt": halt}).encode()


class SegmentWork:
    """One segment in progress. `step` runs a slice of it; `close` releases everything."""

    def __init__(self, assignment: Assignment, build: Callable[[TrialSpec], Learner]) -> None:
        self._todo = assignment
        self._build = build
        self._storage = storage_at(assignment.storage)
        self._spec: TrialSpec | None = None
        self._learner: Learner | None = None
        self._curve: list[Point] = []
        self._measured = Measured()
        self._previews: list[Preview] = []
        self._evaluations: Iterator[Evaluation] | None = None  # under way, over all slices
        self._evaluated = 0
        self._saved: str | None = assignment.resume  # newest checkpoint, and where and when it was written
        self._saved_at = 0
        self._saved_time = time.monotonic()
        self._began_at = 0
        self._train_seconds = self._evaluate_seconds = 0.0

    def step(self) -> Report:
        """Work for about `slice_seconds`.

        Raises:
            Exception: The machine failed and not the trial; the segment is to be retried.
        """
        try:
            return self._step(time.monotonic() + self._todo.slice_seconds)
        except UnreadableCheckpointError as error:
            return Report(progress=self._todo.start, unreadable=str(error), done=True)
        except Exception as error:
            if fault(error) == "machine":
                raise
            return self._failed(error)

    def close(self) -> None:
        """Release the network, its data and its memory."""
        if isinstance(self._evaluations, Generator):
            self._evaluations.close()  # the network has its own weights again
        self._evaluations = None
        if self._learner is not None:
            self._learner.close()
        self._learner, self._measured, self._previews, self._curve = None, Measured(), [], []
        device.release()

    def _step(self, deadline: float) -> Report:
        learner = self._learner or self._open()
        if (halted := self._halted(learner)) is not None:
            return halted
        before = self._saved
        if learner.iteration < self._todo.stop:
            self._train(learner, deadline)
        if learner.iteration < self._todo.stop:
            due = time.monotonic() - self._saved_time >= self._todo.checkpoint_seconds
            if due and self._saved_at != learner.iteration:  # a long validation stays at one iteration
                self._save(learner)
            return self._report(before)
        if self._saved_at != self._todo.stop:
            self._save(learner)  # so that nothing is trained again if the evaluation is cut short
        if not self._evaluate(learner, deadline):
            return self._report(before)
        outcome = self._outcome(learner).to_json()
        return dataclasses.replace(self._report(before), outcome=outcome, done=True)

    def _open(self) -> Learner:
        text = self._storage.read(f"{self._todo.folder}/spec.json").decode()
        self._spec = TrialSpec.from_json(text)
        device.claim(self._spec, self._todo.gpu)
        saved = None
        if self._todo.resume is not None:
            saved = checkpoint.read(self._storage, self._todo.resume, trial=self._spec.key)
        training = self._training(self._spec)
        self._learner = self._build(training)
        if saved is not None and saved.length == training.iterations:  # else of the training to the mark before
            self._learner.load_state_dict(saved.learner)
            self._saved_at = saved.iteration
            if self._told(saved.iteration) > self._todo.start:  # of this very segment
                self._curve = list(saved.curve)
        self._began_at = self._learner.iteration
        return self._learner

    def _training(self, spec: TrialSpec) -> TrialSpec:
        """Return the segment's training: the trial's, or with independent marks one up to the segment's mark."""
        if not spec.independent:
            return spec
        return dataclasses.replace(spec, iterations=self._todo.stop, marks=(self._todo.stop,))

    def _told(self, iteration: int) -> int:
        """Return the progress that is reported to the driver, between `start` and `stop` of the segment.

        With independent marks a training to `stop` begins at 0, but in the ledger a trial's progress never decreases,
        so that the newest checkpoint is the furthest. Iterations 1 to `stop` are reported as `start + 1` to `stop`.
        """
        assert self._spec is not None
        start, stop = self._todo.start, self._todo.stop
        if not (self._spec.independent and start):
            return iteration
        return start + 1 + (iteration - 1) * (stop - start - 1) // (stop - 1) if iteration else start

    def _halted(self, learner: Learner) -> Report | None:
        """Return the last report if the segment should end here: the driver stops, or another has replaced it."""
        try:
            orders = json.loads(self._storage.read(self._todo.driver))
        except FileNotFoundError:
            orders = {"fence": None}
        if orders["fence"] != self._todo.fence:
            return Report(progress=self._told(learner.iteration), halted=True, done=True)
        if not orders["halt"]:
            return None
        before = self._saved
        if learner.iteration != self._saved_at:
            self._save(learner)
        return dataclasses.replace(self._report(before), halted=True, done=True)

    def _train(self, learner: Learner, deadline: float) -> None:
        started = time.monotonic()
        points = learner.advance(self._todo.stop, seconds=max(0.0, deadline - started))
        self._curve += [point for point in points if point.iteration > self._todo.start]
        self._train_seconds += time.monotonic() - started

    def _evaluate(self, learner: Learner, deadline: float) -> bool:
        """Score case after case while there is time, at least one; return whether all are scored."""
        assert self._spec is not None
        cases = self._spec.evaluate
        with_previews = set(self._spec.previews) if self._todo.stop == self._spec.iterations else set()
        started = time.monotonic()
        if self._evaluations is None:
            self._evaluations = learner.evaluations(cases, previews=[case for case in cases if case in with_previews])
        for found in self._evaluations:
            self._measured += found.measured
            self._previews += found.previews
            self._evaluated += 1
            if time.monotonic() >= deadline:
                break
        self._evaluate_seconds += time.monotonic() - started
        return self._evaluated >= len(cases)

    def _save(self, learner: Learner) -> None:
        assert self._spec is not None
        folder = f"{self._todo.folder}/{learner.iteration}-{self._todo.attempt}"
        state = Checkpoint(
            trial=self._spec.key,
            iteration=learner.iteration,
            weights=learner.digest(),
            learner=learner.state_dict(),
            length=self._training(self._spec).iterations,
            curve=tuple(self._curve),
        )
        checkpoint.write(self._storage, folder, state)
        self._saved, self._saved_at, self._saved_time = folder, learner.iteration, time.monotonic()

    def _report(self, before: str | None) -> Report:
        """Return the progress; `before` is the checkpoint that the driver knows already."""
        assert self._learner is not None
        losses = [point.value for point in self._curve if point.name == "loss"]
        new = self._saved != before
        return Report(
            progress=self._told(self._learner.iteration),
            loss=losses[-1] if losses else None,
            checkpoint=self._saved if new else None,
            checkpoint_iteration=self._told(self._saved_at) if new else None,
        )

    def _outcome(self, learner: Learner) -> Outcome:
        assert self._spec is not None
        return Outcome(
            iteration=learner.iteration,
            scores=self._measured.scores,
            counts=self._measured.counts,
            pooled=self._measured.pooled(),
            lesions=tuple(scores_of(lesions) for lesions in self._measured.lesions),
            curve=tuple(self._curve),
            previews=tuple(self._previews),
            checkpoint=self._saved,
            weights=learner.digest(),
            seconds=self._train_seconds,
            evaluate_seconds=self._evaluate_seconds,
            trained=learner.iteration - self._began_at - learner.passed,
            host=socket.gethostname(),
            device=device.name(self._spec),
            peak_bytes=device.peak_bytes(self._spec),
            machine=machine(self._spec),
        )

    def _failed(self, error: Exception) -> Report:
        """Return the trial's failure for the ledger; the traceback is written to the trial's folder.

        Without the curve, whose length depends on where slices ended.
        """
        text = "".join(traceback.format_exception(error))
        self._storage.write(f"{self._todo.folder}/error.txt", text.encode())
        progress = self._todo.start if self._learner is None else self._told(self._learner.iteration)
        outcome = Outcome(
            iteration=progress,
            failed=reason(error),
            host=socket.gethostname(),
            machine=machine_after_failure(self._spec) if self._learner is not None else {},
        )
        return Report(
            progress=progress,
            outcome=outcome.to_json(),
            out_of_memory=out_of(error),
            broken=breaks_device(error),
            done=True,
        )
