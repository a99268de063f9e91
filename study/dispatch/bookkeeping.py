"""Bookkeeper: keeps plan and ledger consistent. Each change is written to the ledger first, then given to the planner.

What the planner derives from a change is written to the ledger at once, until it derives nothing further.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from study.design import Arm, Design, KnownTrial, PlannedTrial, Segment, Status, TrialKey
from study.dispatch.checkpoint_removal import remove
from study.errors import MachineTroubleError
from study.events import CohortSampled, OnEvent, SegmentDone, SegmentLost, TrialEnded
from study.in_words import counted
from study.ledger import Lease, Ledger
from study.machines.storage_trouble import is_blamed
from study.planning.arm_lead import best_lead
from study.planning.cohort_sampling import sampler_version
from study.planning.planner import Planner
from study.planning.time_left import Speeds
from study.study_file.code import CODE
from trainables.storage.folder import Storage
from trainables.trial import Outcome, Score

OWN_CODE = (f"model.{CODE}", f"loss.{CODE}")
"""Parameters that name a network or a loss of the user's own."""
NOT_STARTED = "its process could not start"
"""Prefix of the reason for a worker that did not start (`lost_workers.why`)."""
LOSSES = 3  # losses at one iteration, without progress, after which a trial is given up


@dataclasses.dataclass(frozen=True, slots=True)
class Loss:
    """A lost segment: its trial, the node on which it ran, its attempt, and the newest attempt when it was lost."""

    trial: TrialKey
    node: str
    attempt: int
    newest: int


def in_turn(losses: Sequence[Loss]) -> int:
    """Return how often losses came one after the other: segments that a node's death took together count once."""
    count, newest = 0, 0
    for loss in losses:
        if loss.attempt > newest:
            count, newest = count + 1, loss.newest
    return count


@dataclasses.dataclass(frozen=True, slots=True)
class Resume:
    """The checkpoint from which a segment resumes: iteration and folder; `(0, None)` starts from the beginning."""

    iteration: int
    folder: str | None


class Bookkeeper:
    """Plan and ledger of one study, for the driver that holds the lease. Not thread-safe."""

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
        self.since_success: list[Loss] = []
        self._newest = 0
        """Trials whose segments were lost since a segment last ended well, once for each loss."""
        self._trained: dict[str, tuple[float, int]] = {}
        self._lead = 0.0
        self._load()

    def _load(self) -> None:
        """Rebuild the plan from the ledger."""
        study = self.study_id
        self._trials = {trial.plan.key: trial for trial in self._ledger.known(study)}
        self._speeds = self._ledger.speeds(study)
        self._planner = Planner(self.design, self._trials.values(), seconds_per_iteration=self._speeds)
        self._planner.set_lead(self._lead)

    def order_for(self, slots: int) -> None:
        """Order owed segments for a machine that runs `slots` at the same time."""
        self._lead = best_lead(self.design, Speeds(self._speeds), slots)
        self._planner.set_lead(self._lead)

    def apply_changes(self) -> None:
        """Write to the ledger what the plan derives: cohorts, winners' final stages, trials ended by halving."""
        while True:
            batches, halved = self._planner.changes()
            if not (batches or halved):
                return
            if halved:
                remove(self._storage, self._ledger.halve(self._lease, halved))
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
        """Yield the segments still to run in the order in which they should start, running ones included."""
        return self._planner.owed()

    def plan(self, key: TrialKey) -> PlannedTrial:
        """Return a trial as it was inserted."""
        return self._trials[key].plan

    def arm(self, key: TrialKey) -> Arm:
        """Return a trial's arm."""
        return self.design.arms[key.arm]

    def seconds(self, segment: Segment, resumed: int) -> float:
        """Estimate the seconds of training that a segment takes from iteration `resumed`."""
        typical = sum(self._speeds.values()) / len(self._speeds) if self._speeds else 1.0
        return (segment.stop - resumed) * self._speeds.get(self.arm(segment.trial).model, typical)

    def start(self, segment: Segment) -> tuple[int, Resume]:
        """Record that a segment is handed to a worker; return the attempt's number and where it resumes."""
        point = self._ledger.resume_point(self.study_id, segment.trial)
        resume = Resume(0, None) if point is None else Resume(*point)
        self._newest = self._ledger.start_attempt(self._lease, segment.trial, segment.stop, resume.iteration)
        return self._newest, resume

    def checkpoint(self, segment: Segment, iteration: int, folder: str) -> None:
        """Record a complete checkpoint between marks; the next attempt resumes from it."""
        remove(self._storage, self._ledger.record_checkpoint(self._lease, segment.trial, iteration, folder))

    def complete(self, segment: Segment, outcome: Outcome, attempt: int) -> None:
        """Record that a segment reached its mark or that its training failed."""
        value = None if outcome.failed else self._objective(outcome.scores)
        done = self._ledger.complete_segment(self._lease, segment.trial, segment.stop, outcome, value, attempt)
        remove(self._storage, done.obsolete)
        self.since_success.clear()
        if done.result != "recorded":  # known already, or different from the first result
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
            if segment.trial.stage == "search":  # winners are trained again: only networks of the final stage are kept
                remove(self._storage, self._ledger.forget_checkpoints(self._lease, [segment.trial]))

    def lost(self, segment: Segment, attempt: int, reason: str, node: str = "") -> None:
        """Record that a worker was lost: the segment is owed again, or its trial is given up after several losses.

        Raises:
            MachineTroubleError: The losses since the last success point to a machine or a disk.
        """
        key = segment.trial
        a_disk = is_blamed(reason)  # not counted as a loss of this trial
        self._ledger.end_attempt(self._lease, attempt, "stopped" if a_disk else "lost", reason)
        self.since_success.append(Loss(key, node, attempt, self._newest))
        times = sum(loss.trial == key for loss in self.since_success)
        if not a_disk:
            times = self._ledger.losses(self.study_id, key)
        self._tell(SegmentLost(self.arm(key).name, segment, reason, times))
        here = [loss for loss in self.since_success if loss.node == node]
        if (a_disk or self._points_to_machine(here, reason)) and (times >= LOSSES or in_turn(here) >= 2 * LOSSES):
            trials = counted(len({loss.trial for loss in here}), "trial")
            raise MachineTroubleError(
                f"{len(here)} segments of {trials} were lost one after the other, the last time: {reason}. No trial is "
                "to blame: mend the machine and give the same command again"
            )
        if times >= LOSSES:
            reason = f"lost {times} times at the same iteration; the last time: {reason}"
            remove(self._storage, self._ledger.lose(self._lease, key, reason))
            self.since_success.clear()  # the cause was found
            self._end(key, "lost", reason)

    def _points_to_machine(self, losses: Sequence[Loss], reason: str) -> bool:
        """Whether losses on one node cannot have their cause in one arm, or in code of the user's own."""
        if reason.startswith(NOT_STARTED):
            return True
        arms = [self.arm(loss.trial) for loss in losses]
        shared = set.intersection(*({(part, arm.space.get(part)) for part in OWN_CODE} for arm in arms))
        return len({arm.index for arm in arms}) > 1 and not any(code is not None for _, code in shared)

    def stopped(self, attempt: int, reason: str) -> None:
        """Record that an attempt ended without a result, for no fault of trial or machine."""
        self._ledger.end_attempt(self._lease, attempt, "stopped", reason)

    def unreadable(self, segment: Segment, attempt: int, resume: Resume, reason: str) -> None:
        """Forget a checkpoint that cannot be read; the next attempt resumes from an earlier one."""
        self._ledger.add_notice(self.study_id, f"{reason}; trial {segment.trial} goes on from the one before")
        remove(self._storage, self._ledger.forget_checkpoint(self._lease, segment.trial, resume.iteration))
        self._ledger.end_attempt(self._lease, attempt, "stopped", reason)

    def _end(self, key: TrialKey, status: Status, reason: str | None = None) -> None:
        trial = self._trials[key]
        trial.status = status
        self._planner.record(trial)
        self._tell(TrialEnded(self.arm(key).name, key, status, reason))
