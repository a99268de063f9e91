"""How many trials of a search set out for each mark: of the whole plan, or of what is still to come."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from study.design import Arm, Design, KnownTrial
from study.planning.sampling import search_length


def cohorts(design: Design, arm: Arm) -> tuple[range, ...]:
    """The numbers of a search's trials, cohort by cohort; none where the arm has nothing to tune."""
    length = search_length(design, arm)
    return tuple(range(start, min(start + design.cohort, length)) for start in range(0, length, design.cohort))


def members(known: Iterable[KnownTrial]) -> dict[int, list[KnownTrial]]:
    """A search's trials by cohort, those of its final stage left out; none for a cohort that was not sampled yet."""
    found: dict[int, list[KnownTrial]] = defaultdict(list)
    for trial in known:
        if trial.plan.key.stage == "search":
            found[trial.plan.cohort].append(trial)
    return found


def rungs(design: Design, size: int, sampled: Sequence[KnownTrial] = ()) -> tuple[int, ...]:
    """For each mark, how many trials of a cohort have still to be trained up to it: 6 with eta 2: `(6, 3, 1)`.

    Args:
        design: The study's design.
        size: How many trials the cohort has.
        sampled: The trials themselves; () while they are not sampled yet.
    """
    left, entrants = [], size
    for index, mark in enumerate(design.marks):
        gone = sum(trial.status in ("failed", "lost") and len(trial.values) == index for trial in sampled)
        if sampled:
            alive = sum(trial.status == "open" or len(trial.values) > index for trial in sampled)
            entrants = min(entrants, gone + alive)
        left.append(max(0, entrants - sum(mark in trial.values for trial in sampled) - gone))
        entrants = max(1, entrants // design.eta)
    return tuple(left)


def to_train(design: Design, arm: Arm, known: Sequence[KnownTrial] = ()) -> tuple[int, ...]:
    """For each mark, how many trials of a search have still to be trained up to it, sampled or not.

    Args:
        design: The study's design.
        arm: Whose search.
        known: The search's trials, both stages; () is the whole plan. Once its final stage has begun, cohorts that
            were not sampled never will be.
    """
    sampled = members(known)
    closed = any(trial.plan.key.stage == "final" for trial in known)
    each = [
        rungs(design, len(numbers), sampled[cohort])
        for cohort, numbers in enumerate(cohorts(design, arm))
        if not closed or cohort in sampled
    ]
    return tuple(map(sum, zip(*each, strict=True))) if each else (0,) * len(design.marks)
