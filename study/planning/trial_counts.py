"""Numbers of trials that a search trains up to each mark: of the whole plan, or of what is still to come."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from study.design import Arm, Design, KnownTrial
from study.planning.cohort_sampling import search_length
from study.planning.promotion import rungs


def cohorts(design: Design, arm: Arm) -> tuple[range, ...]:
    """Return the numbers of a search's trials, cohort by cohort; none where the arm has nothing to tune."""
    length = search_length(design, arm)
    return tuple(range(start, min(start + design.cohort, length)) for start in range(0, length, design.cohort))


def members(known: Iterable[KnownTrial]) -> dict[int, list[KnownTrial]]:
    """Return a search's search-stage trials by cohort; none for a cohort that was not sampled yet."""
    found: dict[int, list[KnownTrial]] = defaultdict(list)
    for trial in known:
        if trial.plan.key.stage == "search":
            found[trial.plan.cohort].append(trial)
    return found


def to_train(design: Design, arm: Arm, known: Sequence[KnownTrial] = ()) -> tuple[int, ...]:
    """Return, for each mark, how many trials of a search have still to be trained up to it, sampled or not.

    Args:
        design: The study's design.
        arm: The arm.
        known: The search's trials, both stages; () is the whole plan. Once its final stage has begun, cohorts that
            were not sampled never will be.
    """
    sampled = members(known)
    closed = any(trial.plan.key.stage == "final" for trial in known)
    each = [
        [rung.left for rung in rungs(design, len(numbers), sampled[cohort])]
        for cohort, numbers in enumerate(cohorts(design, arm))
        if not closed or cohort in sampled
    ]
    return tuple(map(sum, zip(*each, strict=True))) if each else (0,) * len(design.marks)
