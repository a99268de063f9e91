"""The plan: what is owed, as a pure function of the design and of what the ledger knows. No clock, no database, no Ray.

`decide` is the definition. `Planner` gives the same answers step by step: it looks again only at the searches in which
something happened, so that the next segment of ten thousand trials is found in milliseconds.
"""

import dataclasses
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from search_spaces.grammar import Scalar
from study.design import Design, KnownTrial, PlannedTrial, Segment, TrialKey
from study.sampling import SearchKey, needs_results, sample, search_length
from trainables.streams import seed_of

Draw = Callable[[Design, SearchKey, range, int, Sequence[KnownTrial]], Sequence[Mapping[str, Scalar]]]
"""How configurations are drawn: `study.sampling.sample`, or what stands for it where their values are no matter."""


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What follows from the ledger.

    Attributes:
        insert: Batches of new trials (a cohort, or the final stage of a winner); each enters the ledger whole.
        halved: Trials that end here: others of their cohort were better at a mark.
        owed: Segments still to run of trials that the ledger has, in the order in which they should start.
    """

    insert: tuple[tuple[PlannedTrial, ...], ...]
    halved: tuple[TrialKey, ...]
    owed: tuple[Segment, ...]

    @property
    def nothing(self) -> bool:
        """Whether the study is complete."""
        return not (self.insert or self.halved or self.owed)


def decide(
    design: Design, known: Iterable[KnownTrial], *, seconds_per_iteration: Mapping[str, float] | None = None
) -> Decision:
    """What is to be inserted, ended and run, given what is known.

    Args:
        design: The study's design.
        known: Every trial of the ledger.
        seconds_per_iteration: Measured speed by model name; 1 where unknown. It orders segments and changes no result.
    """
    planner = Planner(design, known, seconds_per_iteration=seconds_per_iteration)
    insert, halved = planner.changes()
    return Decision(insert, halved, tuple(planner.owed()))


def promoted(entrants: Sequence[KnownTrial], mark: int, *, eta: int, maximize: bool = True) -> list[KnownTrial]:
    """The best 1/eta of those who set out for a mark, at least one, best first; ties go to the lower number.

    A trial without a value (all its cases missing) ranks last; one that failed before the mark is never promoted.
    """
    there = [trial for trial in entrants if mark in trial.values]
    return sorted(there, key=lambda trial: _rank(trial, mark, maximize))[: max(1, len(entrants) // eta)]


def winner(trials: Iterable[KnownTrial], design: Design) -> KnownTrial | None:
    """The best of the trials that reached the last mark, ties to the lower number; None where none did."""
    last = design.marks[-1]
    there = [trial for trial in trials if last in trial.values]
    return min(there, key=lambda trial: _rank(trial, last, design.maximize), default=None)


def _rank(trial: KnownTrial, mark: int, maximize: bool) -> tuple[bool, float, int]:
    value = trial.values[mark]
    if value is None:
        return True, 0.0, trial.plan.key.number
    return False, -value if maximize else value, trial.plan.key.number


class Planner:
    """The plan of one study, kept up to date while results come in.

    Everything that enters the ledger is told by `record`; `changes` and `owed` then say what follows.

    Args:
        design: The study's design.
        known: Every trial of the ledger.
        seconds_per_iteration: Measured speed by model name; 1 where unknown.
        draw: How configurations are drawn; only a simulation takes another.
    """

    def __init__(
        self,
        design: Design,
        known: Iterable[KnownTrial] = (),
        *,
        seconds_per_iteration: Mapping[str, float] | None = None,
        draw: Draw = sample,
    ) -> None:
        self._design = design
        self._speeds = dict(seconds_per_iteration or {})
        folds = range(design.folds if design.search_in == "each_fold" else 1)
        self._searches = {
            key: _Search(design, key, draw)
            for arm in design.arms
            for search in range(design.searches)
            for fold in folds
            for key in [SearchKey(arm.index, search, fold)]
        }
        self._dirty: set[SearchKey] = set(self._searches)
        self._answers: dict[SearchKey, _Answer] = {}
        for trial in known:
            self.record(trial)

    def record(self, trial: KnownTrial) -> None:
        """Takes note of a trial that was inserted, or reached a mark, or ended."""
        key = trial.plan.key
        search = SearchKey(key.arm, key.search, key.fold if self._design.search_in == "each_fold" else 0)
        if search not in self._searches:
            raise ValueError(f"trial {key} belongs to no search of the design")
        self._searches[search].record(trial)
        self._dirty.add(search)

    def measure(self, model: str, seconds_per_iteration: float) -> None:
        """Takes note of a model's speed; only the order of segments depends on it."""
        self._speeds[model] = seconds_per_iteration

    def changes(self) -> tuple[tuple[tuple[PlannedTrial, ...], ...], tuple[TrialKey, ...]]:
        """What the ledger should take in now: batches to insert, trials to end as halved away."""
        self._refresh()
        answers = [self._answers[key] for key in self._searches]
        return (
            tuple(batch for answer in answers for batch in answer.insert),
            tuple(key for answer in answers for key in answer.halved),
        )

    def owed(self) -> Iterator[Segment]:
        """Segments still to run, the arm with the longest remaining chain first, then by cohort, arm and trial."""
        self._refresh()
        chains: dict[int, float] = {}
        for key, answer in self._answers.items():
            speed = self._speeds.get(self._design.arms[key.arm].model, 1.0)
            chains[key.arm] = max(chains.get(key.arm, 0.0), answer.chain * speed)
        queues = [_queue(-chains[key.arm], answer.owed) for key, answer in self._answers.items() if answer.owed]
        return (segment for _, _, segment in heapq.merge(*queues))

    def _refresh(self) -> None:
        for key in self._dirty:
            self._answers[key] = self._searches[key].answer()
        self._dirty.clear()


@dataclasses.dataclass(frozen=True, slots=True)
class _Stand:
    """How a cohort stands.

    Attributes:
        halved: Open trials that others beat.
        owed: Segments, in order of their trials.
        ready: Whether every member has its first mark or has ended.
    """

    halved: tuple[TrialKey, ...]
    owed: tuple[Segment, ...]
    ready: bool


@dataclasses.dataclass(frozen=True, slots=True)
class _Answer:
    """What follows from one search.

    Attributes:
        insert: Batches of trials that are due.
        halved: Open trials that others of their cohort beat.
        owed: (cohort, segment), in order.
        chain: Iterations that must follow one another before the search's last final trial ends.
    """

    insert: tuple[tuple[PlannedTrial, ...], ...]
    halved: tuple[TrialKey, ...]
    owed: tuple[tuple[int, Segment], ...]
    chain: int


def _queue(order: float, owed: Iterable[tuple[int, Segment]]) -> Iterator[tuple[float, int, Segment]]:
    """A search's segments as they stand in the whole study's order; made one by one, since few are looked at."""
    return ((order, cohort, segment) for cohort, segment in owed)


class _Search:
    """One search of an arm with its final stage."""

    def __init__(self, design: Design, key: SearchKey, draw: Draw) -> None:
        self.design, self.key, self.draw = design, key, draw
        self.arm = design.arms[key.arm]
        self.length = search_length(design, self.arm)
        self.members: dict[int, dict[TrialKey, KnownTrial]] = {}  # of each cohort
        self.finals: dict[TrialKey, KnownTrial] = {}
        self._stands: dict[int, _Stand] = {}  # of cohorts in which nothing happened since

    def record(self, trial: KnownTrial) -> None:
        if trial.plan.key.stage == "final":
            self.finals[trial.plan.key] = trial
        else:
            self.members.setdefault(trial.plan.cohort, {})[trial.plan.key] = trial
            self._stands.pop(trial.plan.cohort, None)

    @cached_property
    def _cohorts(self) -> list[range]:
        size = self.design.cohort
        return [range(start, min(start + size, self.length)) for start in range(0, self.length, size)]

    @cached_property
    def _folds(self) -> Sequence[int]:
        return (self.key.fold,) if self.design.search_in == "each_fold" else range(self.design.folds)

    def answer(self) -> _Answer:
        halved: list[TrialKey] = []
        owed: list[tuple[int, Segment]] = []
        for cohort in sorted(self.members):
            stand = self._stand(cohort)
            halved += stand.halved
            owed += [(cohort, segment) for segment in stand.owed]
        insert = self._due()
        if not (insert or owed or sum(map(len, self.members.values())) < self.length):
            insert = self._final_stage()
        for _, trial in sorted(self.finals.items()):
            if (segment := self._next(trial)) is not None:
                owed.append((0, segment))
        owed.sort()
        return _Answer(tuple(insert), tuple(halved), tuple(owed), self._chain(owed))

    def _known(self) -> list[KnownTrial]:
        """Every trial of the search by number."""
        return [trial for cohort in sorted(self.members) for _, trial in sorted(self.members[cohort].items())]

    def _stand(self, cohort: int) -> _Stand:
        """How a cohort stands; looked at again only when something happened in it."""
        if cohort not in self._stands:
            trials = [trial for _, trial in sorted(self.members[cohort].items())]
            halved, owed = self._rungs(trials)
            self._stands[cohort] = _Stand(tuple(halved), tuple(owed), self._has_first_marks(trials))
        return self._stands[cohort]

    def _is_ready(self, cohort: int) -> bool:
        """Whether every member has its first mark or has ended, so that the next cohort may see them."""
        return cohort in self.members and self._stand(cohort).ready

    def _due(self) -> list[tuple[PlannedTrial, ...]]:
        """Cohorts to sample now. After the final stage began there are none: test cases were read."""
        batches = []
        for cohort, numbers in enumerate(self._cohorts):
            if self.finals:
                break
            if cohort not in self.members:
                batches.append(self._cohort(cohort, numbers, self._known()))
            if needs_results(self.design, cohort + 1) and not self._is_ready(cohort):
                break
        return batches

    def _has_first_marks(self, trials: list[KnownTrial]) -> bool:
        first = self.design.marks[0]
        return bool(trials) and all(first in trial.values or trial.status != "open" for trial in trials)

    def _cohort(self, cohort: int, numbers: range, known: list[KnownTrial]) -> tuple[PlannedTrial, ...]:
        before = [trial for trial in known if trial.plan.cohort < cohort]
        points = self.draw(self.design, self.key, numbers, cohort, before)
        return tuple(
            PlannedTrial(
                key=TrialKey("search", *self.key, number),
                cohort=cohort,
                seed=seed_of(self.design.seed, "search", self.key.search, number),
                parameters=point,
            )
            for number, point in zip(numbers, points, strict=True)
        )

    def _rungs(self, cohort: list[KnownTrial]) -> tuple[list[TrialKey], list[Segment]]:
        """Follows a cohort from mark to mark: who ends, and which segments are owed."""
        if self.design.eta == 1:  # all go on, nobody waits
            return [], [segment for trial in cohort if (segment := self._next(trial)) is not None]
        entrants, halved = cohort, []
        for mark in self.design.marks[:-1]:
            if any(mark not in trial.values and trial.status == "open" for trial in entrants):
                break
            ahead = promoted(entrants, mark, eta=self.design.eta, maximize=self.design.maximize)
            kept = {trial.plan.key for trial in ahead}
            halved += [t.plan.key for t in entrants if t.plan.key not in kept and t.status == "open"]
            entrants = [trial for trial in entrants if trial.plan.key in kept]
        segments = [segment for trial in entrants if (segment := self._next(trial)) is not None]
        return halved, self._up_to_a_common_mark(segments)

    @staticmethod
    def _up_to_a_common_mark(segments: list[Segment]) -> list[Segment]:
        """Those that lead to the earliest mark: who is past it waits until it is known who goes on."""
        stop = min((segment.stop for segment in segments), default=0)
        return [segment for segment in segments if segment.stop == stop]

    def _next(self, trial: KnownTrial) -> Segment | None:
        """A trial's way to the first mark that it has not reached; None where it has ended."""
        if trial.status != "open":
            return None
        marks = self.design.marks
        reached = sum(mark in trial.values for mark in marks)
        if reached == len(marks):
            return None
        return Segment(trial.plan.key, marks[reached - 1] if reached else 0, marks[reached])

    def _final_stage(self) -> list[tuple[PlannedTrial, ...]]:
        """The final stage's trials that the ledger lacks, once the search is done."""
        best = winner(self._known(), self.design)
        if best is None and self.length:
            return []
        source = None if best is None else best.plan.key
        parameters = self.arm.default if best is None else best.plan.parameters
        keys = [
            TrialKey("final", self.key.arm, self.key.search, fold, number)
            for fold in self._folds
            for number in range(self.design.final_seeds)
        ]
        batch = tuple(
            PlannedTrial(key, 0, seed_of(self.design.seed, "final", key.search, key.number), parameters, source)
            for key in keys
            if key not in self.finals
        )
        return [batch] if batch else []

    def _chain(self, owed: list[tuple[int, Segment]]) -> int:
        """Iterations that must follow one another: cohorts that wait, the last one's marks, a final training."""
        first, last = self.design.marks[0], self.design.marks[-1]
        longest = max((self._left(segment) for _, segment in owed), default=0)
        if self.finals or not self.length:
            return longest
        ready = [self._is_ready(cohort) for cohort in range(len(self._cohorts))]
        if all(ready):
            return longest + sum(self.design.final_steps)
        waves = len(ready) - ready.index(False) if self.design.sampler == "tpe" else 1
        return waves * first + (last - first) + sum(self.design.final_steps)

    def _left(self, segment: Segment) -> int:
        """Iterations from a segment's start to its trial's end."""
        steps = self.design.final_steps if segment.trial.stage == "final" else self.design.steps
        return sum(steps[self.design.marks.index(segment.stop) :])
