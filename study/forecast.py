"""How much a study will do if nothing fails: trials, segments and iterations of each arm, before anything runs."""

import dataclasses

from study.design import Arm, Design
from study.sampling import search_length


@dataclasses.dataclass(frozen=True, slots=True)
class ArmForecast:
    """One arm's share of the work, over all its searches and folds.

    Attributes:
        arm: The arm's name.
        search_trials: Configurations tried.
        reach_last: How many of them reach the last mark: the winner is chosen among these.
        final_trials: Trainings of the winners.
        segments: Units of work, both stages.
        iterations: Training iterations, both stages.
    """

    arm: str
    search_trials: int
    reach_last: int
    final_trials: int
    segments: int
    iterations: int


def forecast(design: Design) -> tuple[ArmForecast, ...]:
    """The work of every arm in the design's order."""
    return tuple(_arm(design, arm) for arm in design.arms)


def rungs(design: Design, cohort: int) -> tuple[int, ...]:
    """How many of a cohort's trials set out for each mark: 6 with eta 2 and three marks: `(6, 3, 1)`."""
    sizes = [cohort]
    for _ in design.marks[1:]:
        sizes.append(max(1, sizes[-1] // design.eta))
    return tuple(sizes)


def _arm(design: Design, arm: Arm) -> ArmForecast:
    length, steps = search_length(design, arm), design.steps
    full, rest = divmod(length, design.cohort)
    cohorts = [rungs(design, design.cohort)] * full + ([rungs(design, rest)] if rest else [])
    searches = design.searches * (design.folds if design.search_in == "each_fold" else 1)
    finals = design.searches * design.folds * design.final_seeds
    return ArmForecast(
        arm=arm.name,
        search_trials=searches * length,
        reach_last=searches * sum(sizes[-1] for sizes in cohorts),
        final_trials=finals,
        segments=searches * sum(map(sum, cohorts)) + finals * len(steps),
        iterations=searches * sum(n * step for sizes in cohorts for n, step in zip(sizes, steps, strict=True))
        + finals * sum(design.final_steps),
    )
