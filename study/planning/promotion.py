"""Promotion: which trials of a cohort go on at a mark (successive halving), and which trial wins a search."""

import dataclasses
from collections.abc import Iterable, Sequence

from study.design import Design, KnownTrial


@dataclasses.dataclass(frozen=True, slots=True)
class Rung:
    """One mark of a cohort.

    Attributes:
        entrants: Trials that are promoted to this mark; empty while the mark before is not decided.
        halved: Entrants that are open and are not promoted to the next mark; empty while this mark is not decided.
        left: Trainings up to this mark that are still to come, whether or not it is known which trials they belong to.
    """

    entrants: tuple[KnownTrial, ...]
    halved: tuple[KnownTrial, ...]
    left: int


def rungs(design: Design, size: int, cohort: Sequence[KnownTrial] = ()) -> tuple[Rung, ...]:
    """Follow a cohort from mark to mark. With 6 trials and eta 2 at three marks, `left` is 6, 3, 1.

    Args:
        design: The study's design.
        size: Number of trials in the cohort.
        cohort: The trials; () while they are not sampled.

    Returns:
        One rung for each mark. Once a mark is not decided, the marks after it have counts and no trials.
    """
    entrants = tuple(cohort) or None  # None: not decided yet, only counted
    count, found = size, list[Rung]()
    for mark in design.marks:
        if entrants is None:
            found.append(Rung((), (), count))
            count = max(1, count // design.eta)
            continue
        waiting = sum(trial.status == "open" and mark not in trial.values for trial in entrants)
        able = tuple(trial for trial in entrants if trial.status == "open" or mark in trial.values)
        if design.eta == 1:  # all go on; no trial waits for others
            found.append(Rung(entrants, (), waiting))
            entrants = able
        elif waiting:
            found.append(Rung(entrants, (), waiting))
            count = min(max(1, len(entrants) // design.eta), len(able))
            entrants = None
        else:
            ahead = _ahead(design, entrants, mark)
            beaten = tuple(trial for trial in entrants if trial.status == "open" and trial not in ahead)
            found.append(Rung(entrants, beaten, 0))
            entrants = ahead
    return tuple(found)


def _ahead(design: Design, entrants: tuple[KnownTrial, ...], mark: int) -> tuple[KnownTrial, ...]:
    """Return the entrants that go on after a mark, in the order of their numbers; all of them at the last mark."""
    if mark == design.marks[-1]:
        return entrants
    kept = {trial.plan.key for trial in promoted(entrants, mark, eta=design.eta, maximize=design.maximize)}
    return tuple(trial for trial in entrants if trial.plan.key in kept)


def promoted(entrants: Sequence[KnownTrial], mark: int, *, eta: int, maximize: bool = True) -> list[KnownTrial]:
    """Return the best 1/eta of a mark's entrants, at least one, best first; ties go to the lower number.

    A trial without a value (all its cases missing) ranks last. A trial that failed before the mark is never promoted.
    """
    there = [trial for trial in entrants if mark in trial.values]
    return sorted(there, key=lambda trial: _rank(trial, mark, maximize))[: max(1, len(entrants) // eta)]


def winner(trials: Iterable[KnownTrial], design: Design) -> KnownTrial | None:
    """Return the best of the trials that reached the last mark, ties to the lower number; None where none did."""
    last = design.marks[-1]
    there = [trial for trial in trials if last in trial.values]
    return min(there, key=lambda trial: _rank(trial, last, design.maximize), default=None)


def _rank(trial: KnownTrial, mark: int, maximize: bool) -> tuple[bool, float, int]:
    value = trial.values[mark]
    if value is None:
        return True, 0.0, trial.plan.key.number
    return False, -value if maximize else value, trial.plan.key.number
