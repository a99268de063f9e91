"""Plan and ledger kept in step: whatever happens enters the ledger first, then the planner hears of it.

The planner says what follows; it is written down at once, until nothing follows any more.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from study.design import Arm, Design, KnownTrial, PlannedTrial, Segment, Status, TrialKey
from study.errors import MachineTroubleError
from study.events import CohortSampled, OnEvent, SegmentDone, SegmentLost, TrialEnded
from study.in_words import counted
from study.ledger import Lease, Ledger
from study.machines.storage_trouble import is_blamed
from study.planning.arm_lead import best_lead
from study.planning.planner import Planner
from study.planning.sampling import sampler_version
from study.planning.time_left import Speeds
from trainables.storage.folder import Storage
from trainables.trial import Outcome, Score

LOSSES = 3  # at one iteration, without progress: then a trial is given up


@dataclasses.dataclass(frozen=True, slots=True)
class Resume:
    """Where a segment goes on: iteration and folder of the newest checkpoint; `(0, None)` is the beginning."""

    iteration: int
    folder: str | None


class Bookkeeper:
    """One study's plan and ledger, for the driver that holds the lease. Not for several threads."""

    def __init__(
        self,
        ledger: Ledger,
        lease: Lease,
        design: Design,
        storage: Storage,
        objective: Callable[[Sequence[Score]], float | None],
        on_event: OnEvent,
    ) -> None:
        self.design = design
        self.study_id = lease.study_id
        self._ledger, self._lease, self._storage = ledger, lease, storage
        self._objective, self._tell = objective, on_event
        self.since_success: list[TrialKey] = []
        """Trials whose segments were lost since a segment last ended well, once for each loss."""
        self._trained: dict[str, tuple[float, int]] = {}
        self._lead = 0.0
        self._load()

    def _load(self) -> None:
        """Begins anew from what the ledger knows."""
        study = self.study_id
        self._trials = {trial.plan.key: trial for trial in self._ledger.known(study)}
        self._speeds = self._ledger.speeds(study)
        self._planner = Planner(self.design, self._trials.values(), seconds_per_iteration=self._speeds)
        self._planner.set_lead(self._lead)

    def arrange(self, slots: int) -> None:
        """Orders segments for so many at once."""
        self._lead = best_lead(self.design, Speeds(self._speeds), slots)
        self._planner.set_lead(self._lead)

    def take_in(self) -> None:
        """Writes down what follows from what is known: cohorts, winners' final stages, trials that halving ends."""
        while True:
            batches, halved = self._planner.changes()
            if not (batches or halved):
                return
            if halved:
                self._drop(self._ledger.halve(self._lease, halved))
                for key in halved:
                    self._end(key, "halved")
            for batch in batches:
                final = batch[0].key.stage == "final"
                self._ledger.insert_trials(self._lease, batch, "winner" if final else sampler_version(self.design))
                for plan in batch:
                    self._trials[plan.key] = KnownTrial(plan)
                    self._planner.record(self._trials[plan.key])
                self._tell(CohortSampled(self.arm(batch[0].key).name, tuple(plan.key for plan in batch)))

    def owed(self) -> Iterator[Segment]:
        """Segments still to run, in the order in which they should start, those under way included."""
        return self._planner.owed()

    def plan(self, key: TrialKey) -> PlannedTrial:
        """A trial as it was inserted."""
        return self._trials[key].plan

    def arm(self, key: TrialKey) -> Arm:
        """A trial's arm."""
        return self.design.arms[key.arm]

    def seconds(self, segment: Segment, resumed: int) -> float:
        """How long a segment's training takes, about."""
        typical = sum(self._speeds.values()) / len(self._speeds) if self._speeds else 1.0
        return (segment.stop - resumed) * self._speeds.get(self.arm(segment.trial).model, typical)

    def start(self, segment: Segment) -> tuple[int, Resume]:
        """A segment goes to a worker: the attempt's number, and where it goes on."""
        point = self._ledger.resume_point(self.study_id, segment.trial)
        resume = Resume(0, None) if point is None else Resume(*point)
        attempt = self._ledger.start_attempt(self._lease, segment.trial, segment.stop, resume.iteration)
        return attempt, resume

    def checkpoint(self, segment: Segment, iteration: int, folder: str) -> None:
        """A checkpoint between marks is complete: the next attempt starts there."""
        self._drop(self._ledger.record_checkpoint(self._lease, segment.trial, iteration, folder))

    def complete(self, segment: Segment, outcome: Outcome, attempt: int) -> None:
        """A segment reached its mark, or its training failed."""
        value = None if outcome.failed else self._objective(outcome.scores)
        done = self._ledger.complete_segment(self._lease, segment.trial, segment.stop, outcome, value, attempt)
        self._drop(done.obsolete)
        self.since_success.clear()
        if done.result != "recorded":  # known already, or another result than the first
            self._load()
        elif outcome.failed is not None:
            self._end(segment.trial, "failed", outcome.failed)
        else:
            self._reached(segment, value, outcome)

    def _reached(self, segment: Segment, value: float | None, outcome: Outcome) -> None:
        trial = self._trials[segment.trial]
        trial.values[segment.stop] = value
        self._planner.record(trial)
        arm = self.arm(segment.trial)
        self._tell(SegmentDone(arm.name, segment, value, outcome.seconds + outcome.evaluate_seconds))
        if outcome.trained:
            seconds, iterations = self._trained.get(arm.model, (0.0, 0))
            seconds, iterations = seconds + outcome.seconds, iterations + outcome.trained
            self._trained[arm.model] = seconds, iterations
            self._speeds[arm.model] = seconds / iterations
            self._planner.measure(arm.model, self._speeds[arm.model])
        if segment.stop == self.design.marks[-1]:
            self._end(segment.trial, "finished")
            if segment.trial.stage == "search":  # its winner is trained again; only the final stage's networks stay
                self._drop(self._ledger.forget_checkpoints(self._lease, [segment.trial]))

    def lost(self, segment: Segment, attempt: int, reason: str) -> None:
        """A machine lost a segment: it is owed again, unless nothing but this trial can be to blame.

        Raises:
            MachineTroubleError: Trials are lost one after the other, and no segment ends well in between.
        """
        key = segment.trial
        a_disk = is_blamed(reason)  # then it is no loss of this trial's, and counts only until the disk is mended
        self._ledger.end_attempt(self._lease, attempt, "stopped" if a_disk else "lost", reason)
        self.since_success.append(key)
        times = self.since_success.count(key) if a_disk else self._ledger.losses(self.study_id, key)
        self._tell(SegmentLost(self.arm(key).name, segment, reason, times))
        others = len(set(self.since_success)) - 1
        if (others or a_disk) and (times >= LOSSES or len(self.since_success) >= 2 * LOSSES):
            raise MachineTroubleError(
                f"{len(self.since_success)} segments of {counted(others + 1, 'trial')} were lost one after the other, "
                f"the last time: {reason}. No trial is to blame: mend the machine and give the same command again"
            )
        if times >= LOSSES:
            reason = f"lost {times} times at the same iteration; the last time: {reason}"
            self._drop(self._ledger.lose(self._lease, key, reason))
            self._end(key, "lost", reason)

    def stopped(self, attempt: int, reason: str) -> None:
        """An attempt ended without a result, and nothing is to blame."""
        self._ledger.end_attempt(self._lease, attempt, "stopped", reason)

    def unreadable(self, segment: Segment, attempt: int, resume: Resume, reason: str) -> None:
        """The checkpoint to go on from is of no use: it is forgotten, and the next attempt starts further back."""
        self._ledger.add_notice(self.study_id, f"{reason}; trial {segment.trial} goes on from the one before")
        self._drop(self._ledger.forget_checkpoint(self._lease, segment.trial, resume.iteration))
        self._ledger.end_attempt(self._lease, attempt, "stopped", reason)

    def _end(self, key: TrialKey, status: Status, reason: str | None = None) -> None:
        trial = self._trials[key]
        trial.status = status
        self._planner.record(trial)
        self._tell(TrialEnded(self.arm(key).name, key, status, reason))

    def _drop(self, folders: Sequence[str]) -> None:
        for folder in folders:
            self._storage.remove(folder)
