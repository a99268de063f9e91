"""A study in virtual time: the planner itself, with given speeds on given slots.

Scores are a formula, so the plan's shape is real (cohorts that wait, halving, final stages, failures) and its values
mean nothing.
"""

import dataclasses
import heapq
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence

from search_spaces.grammar import Scalar
from study.design import Design, KnownTrial, Segment, TrialKey
from study.planning.planner import Planner
from study.planning.searches import SearchKey
from study.planning.time_left import Speeds, left
from trainables.random_streams import seed_of, stream


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trouble:
    """Failures of trials and losses of machines in a simulation.

    Attributes:
        failures: Share of segments that end their trial (non-finite losses), in `[0, 1]`.
        seconds_between_losses: Mean time until a slot loses its segment (a preempted machine); None: never.
        seconds_between_checkpoints: Interval of checkpoints; a lost segment repeats only the work after its last one.
        seed: Seed of the draws.
    """

    failures: float = 0.0
    seconds_between_losses: float | None = None
    seconds_between_checkpoints: float = 300.0
    seed: int = 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Simulation:
    """The result of a simulation.

    Attributes:
        slots: Segments at once.
        seconds: Wall time, from the first segment to the last.
        busy: Seconds of slots at work, lost work included.
        segments: Segments that ended.
        losses: Segments that were lost to their machine and done again from a checkpoint.
        work: Seconds of all the work of a study without failures, one segment after the other.
        chain: Seconds of the longest part of it that must follow one another.
        limiting: The arm with that part.
    """

    slots: int
    seconds: float
    busy: float
    segments: int
    losses: int
    work: float
    chain: float
    limiting: str

    @property
    def utilisation(self) -> float:
        """Share of the slots' time that was work, in `[0, 1]`."""
        return self.busy / (self.seconds * self.slots) if self.seconds else 1.0

    @property
    def bound(self) -> float:
        """Seconds that no order goes below: work over slots, or the longest chain; `shortest_time` is tighter."""
        return max(self.work / self.slots, self.chain)


def simulate(
    design: Design,
    speeds: Speeds,
    slots: int,
    *,
    overhead: float = 0.0,
    lead: float = 0.0,
    trouble: Trouble | None = None,
) -> Simulation:
    """Run a study in virtual time.

    Args:
        design: The study's design.
        speeds: Seconds of an iteration and of an evaluation, by model.
        slots: Segments that run at once, >= 1.
        overhead: Seconds that handing a segment out takes (0.1 with a worker that is used again).
        lead: Lead of the first arm over the last, in iterations (`study.planning.arm_lead`).
        trouble: Faults to simulate; None: none.

    Raises:
        ValueError: There is no slot, or no speed.
    """
    if slots < 1 or not speeds.iteration:
        raise ValueError(f"expected at least one slot and one speed, found {slots} and {dict(speeds.iteration)}")
    run = _Run(design, speeds, overhead, trouble or Trouble())
    run.planner.set_lead(lead)
    free = slots
    while True:
        free -= run.hand_out(free)
        if not run.under_way:
            break
        free += run.next_ends()
    whole = left(design, (), speeds)
    assert whole is not None
    return Simulation(
        slots=slots,
        seconds=run.now,
        busy=run.busy,
        segments=run.segments,
        losses=run.losses,
        work=whole.work,
        chain=whole.chain,
        limiting=max(design.arms, key=lambda arm: _chain(design, arm.index, speeds)).name,
    )


def _chain(design: Design, arm: int, speeds: Speeds) -> float:
    alone = dataclasses.replace(design, arms=(dataclasses.replace(design.arms[arm], index=0),))
    found = left(alone, (), speeds)
    assert found is not None
    return found.chain


class _Run:
    """The state of a simulation."""

    def __init__(self, design: Design, speeds: Speeds, overhead: float, trouble: Trouble) -> None:
        self.design, self.speeds, self.overhead, self.trouble = design, speeds, overhead, trouble
        self.planner = Planner(design, seconds_per_iteration=speeds.iteration, draw=_defaults)
        self.trials: dict[TrialKey, KnownTrial] = {}
        self.under_way: list[tuple[float, int, Segment, float]] = []  # (end, tie, segment, seconds left afterwards)
        self.running: set[Segment] = set()
        self.left: dict[Segment, float] = {}  # of segments that were lost: what is still to do
        self.attempts: defaultdict[Segment, int] = defaultdict(int)
        self.ties = itertools.count()
        self.now = self.busy = 0.0
        self.segments = self.losses = 0
        self._take_in()

    def hand_out(self, free: int) -> int:
        """Start owed segments in the plan's order; return how many."""
        if not free:
            return 0
        ready = (segment for segment in self.planner.owed() if segment not in self.running)
        chosen = list(itertools.islice(ready, free))
        for segment in chosen:
            self.running.add(segment)
            seconds = self.left.pop(segment, None) or self._seconds(segment)
            spent, rest = self._attempt(segment, seconds)
            self.busy += self.overhead + spent
            heapq.heappush(self.under_way, (self.now + self.overhead + spent, next(self.ties), segment, rest))
        return len(chosen)

    def next_ends(self) -> int:
        """Advance to the next time at which segments end; return how many slots that frees."""
        self.now = self.under_way[0][0]
        freed = 0
        while self.under_way and self.under_way[0][0] == self.now:
            _, _, segment, rest = heapq.heappop(self.under_way)
            self.running.discard(segment)
            freed += 1
            if rest:
                self.left[segment] = rest
                self.losses += 1
            else:
                self._complete(segment)
        self._take_in()
        return freed

    def _seconds(self, segment: Segment) -> float:
        model = self.design.arms[segment.trial.arm].model
        steps = self.design.final_steps if segment.trial.stage == "final" else self.design.steps
        return self.speeds.cost(model, steps[self.design.marks.index(segment.stop)], 1)

    def _attempt(self, segment: Segment, seconds: float) -> tuple[float, float]:
        """Return the seconds until the segment ends or its slot is lost, and the seconds of work left then."""
        mean, every = self.trouble.seconds_between_losses, self.trouble.seconds_between_checkpoints
        if mean is None:
            return seconds, 0.0
        self.attempts[segment] += 1
        seed = seed_of(self.trouble.seed, str(segment.trial), segment.stop)
        until = float(stream(seed, "loss", self.attempts[segment]).exponential(mean))
        return (seconds, 0.0) if until >= seconds else (until, seconds - until // every * every)

    def _complete(self, segment: Segment) -> None:
        trial = self.trials[segment.trial]
        chance, value = stream(seed_of(self.trouble.seed, str(segment.trial)), "outcome", segment.stop).random(2)
        if chance < self.trouble.failures:
            trial.status = "failed"
        else:
            trial.values[segment.stop] = float(value)
            if segment.stop == self.design.marks[-1]:
                trial.status = "finished"
        self.segments += 1
        self.planner.record(trial)

    def _take_in(self) -> None:
        """Insert and halve trials, as the ledger would, until nothing follows."""
        while True:
            insert, halved = self.planner.changes()
            if not (insert or halved):
                return
            for plan in itertools.chain.from_iterable(insert):
                self.trials[plan.key] = KnownTrial(plan)
                self.planner.record(self.trials[plan.key])
            for key in halved:
                self.trials[key].status = "halved"
                self.planner.record(self.trials[key])


def _defaults(
    design: Design, key: SearchKey, numbers: Sequence[int], cohort: int, before: Sequence[KnownTrial]
) -> list[Mapping[str, Scalar]]:
    """Return the default configuration for every trial: nothing is trained."""
    return [design.arms[key.arm].default] * len(numbers)
