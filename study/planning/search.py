"""One search of an arm with its final stage: cohorts, halving, the winner's final trainings.

Pure functions of the design and of what is known; `study.planning.planner` puts the searches of a study together.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from search_spaces.grammar import Scalar
from study.design import Design, KnownTrial, PlannedTrial, Segment, TrialKey
from study.planning.cohort_sampling import needs_results, search_length
from study.planning.promotion import rungs, winner
from study.planning.searches import SearchKey, final_folds
from study.planning.trial_counts import cohorts
from trainables.random_streams import seed_of

Draw = Callable[[Design, SearchKey, range, int, Sequence[KnownTrial]], Sequence[Mapping[str, Scalar]]]
"""How configurations are drawn: `cohort_sampling.sample`, or what stands for it where their values are no matter."""


@dataclasses.dataclass(frozen=True, slots=True)
class CohortState:
    """The state of a cohort.

    Attributes:
        halved: Open trials that others beat.
        owed: Segments, in order of their trials.
        ready: Whether every member has its first mark or has ended.
    """

    halved: tuple[TrialKey, ...]
    owed: tuple[Segment, ...]
    ready: bool


@dataclasses.dataclass(frozen=True, slots=True)
class SearchChanges:
    """The changes and segments that follow from one search.

    Attributes:
        insert: Batches of trials that are due.
        halved: Open trials that others of their cohort beat.
        owed: In the order in which they should start.
    """

    insert: tuple[tuple[PlannedTrial, ...], ...]
    halved: tuple[TrialKey, ...]
    owed: tuple["Owed", ...]


class Owed(NamedTuple):
    """A segment to be run.

    Attributes:
        chain: Iterations from its start that must follow one another until the search's last final trial ends.
        cohort: Its trial's; 0 in the final stage.
        segment: Which.
    """

    chain: int
    cohort: int
    segment: Segment


class Search:
    """One search of an arm with its final stage, kept up to date while results come in."""

    def __init__(self, design: Design, key: SearchKey, draw: Draw) -> None:
        self.design, self.key, self.draw = design, key, draw
        self.arm = design.arms[key.arm]
        self.length = search_length(design, self.arm)
        self.members: dict[int, dict[TrialKey, KnownTrial]] = {}  # of each cohort
        self.finals: dict[TrialKey, KnownTrial] = {}
        self._states: dict[int, CohortState] = {}  # of cohorts in which nothing happened since

    def record(self, trial: KnownTrial) -> None:
        """Record a trial of this search."""
        if trial.plan.key.stage == "final":
            self.finals[trial.plan.key] = trial
        else:
            self.members.setdefault(trial.plan.cohort, {})[trial.plan.key] = trial
            self._states.pop(trial.plan.cohort, None)

    @cached_property
    def _cohorts(self) -> tuple[range, ...]:
        return cohorts(self.design, self.arm)

    def changes(self) -> SearchChanges:
        """Return the changes and segments that follow now."""
        halved: list[TrialKey] = []
        owed: list[Owed] = []
        for cohort in sorted(self.members):
            state = self._state(cohort)
            halved += state.halved
            owed += [Owed(self._chain(cohort, segment), cohort, segment) for segment in state.owed]
        insert = self._due()
        if not (insert or owed or sum(map(len, self.members.values())) < self.length):
            insert = self._final_stage()
        for _, trial in sorted(self.finals.items()):
            if (segment := self._next(trial)) is not None:
                owed.append(Owed(self._chain(0, segment), 0, segment))
        owed.sort(key=lambda each: (-each.chain, *each[1:]))
        return SearchChanges(tuple(insert), tuple(halved), tuple(owed))

    def _known(self) -> list[KnownTrial]:
        """Return every search trial, by number."""
        return [trial for cohort in sorted(self.members) for _, trial in sorted(self.members[cohort].items())]

    def _state(self, cohort: int) -> CohortState:
        """Return the state of a cohort; computed again only when one of its trials changed."""
        if cohort not in self._states:
            trials = [trial for _, trial in sorted(self.members[cohort].items())]
            followed = rungs(self.design, len(trials), trials)
            halved = tuple(trial.plan.key for rung in followed for trial in rung.halved)
            entrants = next((rung.entrants for rung in reversed(followed) if rung.entrants), ())
            segments = [segment for trial in entrants if (segment := self._next(trial)) is not None]
            owed = segments if self.design.eta == 1 else self._up_to_a_common_mark(segments)
            self._states[cohort] = CohortState(halved, tuple(owed), self._has_first_marks(trials))
        return self._states[cohort]

    def _is_ready(self, cohort: int) -> bool:
        """Return whether every member has its first mark or has ended, so that the next cohort may see them."""
        return cohort in self.members and self._state(cohort).ready

    def _due(self) -> list[tuple[PlannedTrial, ...]]:
        """Return the cohorts to sample now. After the final stage began there are none: test cases were read."""
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

    @staticmethod
    def _up_to_a_common_mark(segments: list[Segment]) -> list[Segment]:
        """Keep the segments that lead to the earliest mark; the others wait until promotion is decided."""
        stop = min((segment.stop for segment in segments), default=0)
        return [segment for segment in segments if segment.stop == stop]

    def _next(self, trial: KnownTrial) -> Segment | None:
        """Return a trial's segment to the first mark that it has not reached; None where it has ended."""
        if trial.status != "open":
            return None
        marks = self.design.marks
        reached = sum(mark in trial.values for mark in marks)
        if reached == len(marks):
            return None
        return Segment(trial.plan.key, marks[reached - 1] if reached else 0, marks[reached])

    def _final_stage(self) -> list[tuple[PlannedTrial, ...]]:
        """Return the final-stage trials that the ledger lacks, once the search is done."""
        design = self.design
        best = winner(self._known(), design)
        if best is None and self.length:
            return []
        source = None if best is None else best.plan.key
        parameters = self.arm.default if best is None else best.plan.parameters
        keys = [
            TrialKey("final", self.key.arm, self.key.search, fold, number)
            for fold in final_folds(design, self.key)
            for number in range(design.final_seeds)
        ]
        batch = tuple(
            PlannedTrial(key, 0, seed_of(design.seed, "final", key.search, key.number), parameters, source)
            for key in keys
            if key not in self.finals
        )
        return [batch] if batch else []

    def _chain(self, cohort: int, segment: Segment) -> int:
        """Return the iterations in sequence from a segment's start: its marks, later cohorts, the finals."""
        design, mark = self.design, self.design.marks.index(segment.stop)
        if segment.trial.stage == "final":
            return sum(design.final_steps[mark:])
        chain = sum(design.steps[mark:])
        if mark == 0 and design.sampler == "tpe":
            chain += (len(self._cohorts) - 1 - cohort) * design.steps[0]
        return chain + sum(design.final_steps)
