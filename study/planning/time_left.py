"""An estimate of the time that a study still takes: the segments to come, sampled or not, at the measured speeds.

Two bounds, and the greater one holds: all the work shared by the slots, and the longest chain of work that must follow
one another (cohorts that wait for results, then the final stage).
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from study.design import Arm, Design, KnownTrial
from study.planning.cohort_sampling import needs_results
from study.planning.searches import SearchKey, all_searches, final_folds, search_of
from study.planning.trial_counts import cohorts, members, to_train


@dataclasses.dataclass(frozen=True, slots=True)
class Left:
    """The work still to come.

    Attributes:
        work: Seconds of all of it, one segment after the other.
        chain: Seconds of the longest part of it that must follow one another.
    """

    work: float
    chain: float

    def seconds(self, slots: int) -> float:
        """Return the wall time on a number of slots, >= 1."""
        return max(self.work / slots, self.chain)


@dataclasses.dataclass(frozen=True, slots=True)
class Speeds:
    """Measured times, by model; a model that was not seen takes the mean of the others.

    Attributes:
        iteration: Seconds of one training iteration.
        mark: Seconds of one evaluation.
    """

    iteration: Mapping[str, float]
    mark: Mapping[str, float] = dataclasses.field(default_factory=dict)

    def cost(self, model: str, iterations: int, marks: int) -> float:
        """Return the seconds that a number of iterations and evaluations of a model takes."""
        return iterations * _of(self.iteration, model) + marks * _of(self.mark, model)


def left(design: Design, known: Iterable[KnownTrial], speeds: Speeds) -> Left | None:
    """Return the work that a study has still to do, if nothing fails from here on.

    Args:
        design: The study's design.
        known: Every trial of the ledger.
        speeds: Measured speeds.

    Returns:
        None while no speed is known.
    """
    if not speeds.iteration:
        return None
    by_search: dict[SearchKey, list[KnownTrial]] = defaultdict(list)
    for trial in known:
        by_search[search_of(design, trial.plan.key)].append(trial)
    total = longest = 0.0
    for key in all_searches(design):
        model = design.arms[key.arm].model
        work, chain = _left(design, key, by_search[key])
        total += speeds.cost(model, *work)
        longest = max(longest, speeds.cost(model, *chain))
    return Left(total, longest)


def _of(measured: Mapping[str, float], model: str) -> float:
    return measured.get(model, sum(measured.values()) / max(1, len(measured)))


class _Work(NamedTuple):
    """Training iterations, and marks at which a network is evaluated."""

    iterations: int
    marks: int


def _left(design: Design, key: SearchKey, known: Sequence[KnownTrial]) -> tuple[_Work, _Work]:
    """Return all the work of a search that is still to come, and the longest chain in it."""
    arm = design.arms[key.arm]
    finals = [trial for trial in known if trial.plan.key.stage == "final"]
    steps, final_steps = design.steps, design.final_steps
    counts = to_train(design, arm, known)
    search_left = any(counts)
    finals_left = _finals_left(design, key, known, finals, bool(cohorts(design, arm)), search_left)
    iterations = sum(n * step for n, step in zip((*counts, *finals_left), steps + final_steps, strict=True))
    work = _Work(iterations, sum(counts) + sum(finals_left))
    if not work.marks:
        return work, work
    last, marks = design.marks[-1], len(steps)
    if not search_left:
        reached = min((len(t.values) for t in finals if t.status == "open"), default=0)
        return work, _Work(sum(final_steps[reached:]), marks - reached)
    waves = 0 if finals else _waves(design, arm, known)
    return work, _Work(waves * steps[0] + last + sum(final_steps), waves + 2 * marks)


def _waves(design: Design, arm: Arm, known: Sequence[KnownTrial]) -> int:
    """Return the number of cohorts that have still to wait for the one before them."""
    sampled = members(known)
    return sum(needs_results(design, cohort) and cohort not in sampled for cohort in range(len(cohorts(design, arm))))


def _finals_left(
    design: Design,
    key: SearchKey,
    known: Sequence[KnownTrial],
    finals: Sequence[KnownTrial],
    tuned: bool,
    search_left: bool,
) -> list[int]:
    """Count the final-stage trainings still to come, by mark: none where a finished search has no winner."""
    if tuned and not search_left and not any(design.marks[-1] in t.values for t in known):
        return [0] * len(design.marks)
    missing = len(final_folds(design, key)) * design.final_seeds - len(finals)
    running = [trial for trial in finals if trial.status == "open"]
    return [missing + sum(mark not in trial.values for trial in running) for mark in design.marks]
