"""The work of a study if nothing fails: trials, segments and iterations of each arm, before anything runs."""

import dataclasses

from study.design import Arm, Design
from study.planning.searches import searches_of
from study.planning.trial_counts import to_train


@dataclasses.dataclass(frozen=True, slots=True)
class ArmForecast:
    """The work of one arm, over all its searches and folds.

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
    """Return the work of every arm, in the design's order."""
    return tuple(_arm(design, arm) for arm in design.arms)


def _arm(design: Design, arm: Arm) -> ArmForecast:
    to_each = to_train(design, arm)
    searches = len(searches_of(design, arm.index))
    finals = design.searches * design.folds * design.final_seeds
    return ArmForecast(
        arm=arm.name,
        search_trials=searches * to_each[0],
        reach_last=searches * to_each[-1],
        final_trials=finals,
        segments=searches * sum(to_each) + finals * len(design.steps),
        iterations=searches * sum(n * step for n, step in zip(to_each, design.steps, strict=True))
        + finals * sum(design.final_steps),
    )
