"""."""

from collections.abc import Iterable, Sequence

from study.design import Design, KnownTrial


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
