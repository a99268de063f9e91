"""The configurations of a cohort: a pure function of the design, the search, the cohort and the results before it.

Trial 0 of a search is the arm's default configuration, whatever the sampler. `random`, `grid` and `qmc` need no
results: point n is a function of (study seed, arm, search, n). `tpe` draws its first cohort as `qmc` does and models
afterwards, on an Optuna study rebuilt in memory from first-mark values only: all were had with equal iterations.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from search_spaces.grammar import Fixed, Scalar
from search_spaces.values import from_unit, grid_points, grid_values
from study.design import Arm, Design, KnownTrial
from study.planning.searches import SearchKey
from trainables.random_streams import seed_of, stream

if TYPE_CHECKING:
    import optuna


def is_tuned(arm: Arm) -> bool:
    """Return whether anything in the arm's space varies; where nothing does there is no search."""
    return any(not isinstance(parameter, Fixed) for parameter in arm.space.values())


def search_length(design: Design, arm: Arm) -> int:
    """Return the number of trials in each search of an arm: 0 where nothing varies; a grid's size at most."""
    if not is_tuned(arm):
        return 0
    points = grid_points(arm.space) if design.sampler == "grid" else None
    return design.trials_per_arm if points is None else min(design.trials_per_arm, points)


def needs_results(design: Design, cohort: int) -> bool:
    """Return whether a cohort can be sampled only when the cohorts before it have their first marks."""
    return design.sampler == "tpe" and cohort > 0


def sample(
    design: Design, key: SearchKey, numbers: Sequence[int], cohort: int, before: Sequence[KnownTrial]
) -> list[dict[str, Scalar]]:
    """Return the configurations of one cohort.

    Args:
        design: The study's design.
        key: The search.
        numbers: The trials' numbers, increasing.
        cohort: The cohort's number, from 0.
        before: Every trial of the search's earlier cohorts, in order of number; each has its first mark or has ended.

    Returns:
        One configuration for each number, with a value for every name in the arm's space.
    """
    arm = design.arms[key.arm]
    if needs_results(design, cohort):
        return _tpe(design, key, len(numbers), cohort, before)
    fixed = {name: parameter.value for name, parameter in arm.space.items() if isinstance(parameter, Fixed)}
    free = {name: parameter for name, parameter in sorted(arm.space.items()) if name not in fixed}
    seed = seed_of(design.seed, "sampling", arm.name, key.search, key.fold)
    if design.sampler == "grid":
        return _grid(arm, seed, numbers)
    if design.sampler == "random":
        units = np.array([stream(seed, "random", number).random(len(free)) for number in numbers])
    else:
        units = _sobol(seed, len(free), numbers)
    drawn = [
        fixed | {name: from_unit(parameter, float(u)) for (name, parameter), u in zip(free.items(), row, strict=True)}
        for row in units
    ]
    return [dict(arm.default) if number == 0 else point for number, point in zip(numbers, drawn, strict=True)]


def sampler_version(design: Design) -> str:
    """Return the origin that a cohort's record names: `tpe, optuna 5.0.0`."""
    if design.sampler == "tpe":
        import optuna

        return f"tpe, optuna {optuna.__version__}"
    if design.sampler == "qmc":
        import scipy

        return f"qmc, scipy {scipy.__version__}"
    return f"{design.sampler}, numpy {np.__version__}"


def _sobol(seed: int, dimensions: int, numbers: Sequence[int]) -> np.ndarray:
    from scipy.stats import qmc

    sequence = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # balance at powers of two is no aim here
        points = sequence.random(max(numbers) + 1)
    return points[list(numbers)]


def _grid(arm: Arm, seed: int, numbers: Sequence[int]) -> list[dict[str, Scalar]]:
    """Return points of the grid by number: the default first, then the others in a seeded order."""
    names = sorted(arm.space)
    axes = [grid_values(arm.space[name]) for name in names]
    shape = [len(axis) for axis in axes]
    default = np.ravel_multi_index([axis.index(arm.default[n]) for n, axis in zip(names, axes, strict=True)], shape)
    shuffled = stream(seed, "grid").permutation(math.prod(shape))
    order = np.concatenate([[default], shuffled[shuffled != default]])
    positions = zip(*np.unravel_index(order[list(numbers)], shape), strict=True)
    return [{name: axis[i] for name, axis, i in zip(names, axes, where, strict=True)} for where in positions]


def _tpe(
    design: Design, key: SearchKey, count: int, cohort: int, before: Sequence[KnownTrial]
) -> list[dict[str, Scalar]]:
    import optuna

    from search_spaces.distributions import distributions

    arm = design.arms[key.arm]
    free = distributions(arm.space)
    sampler = optuna.samplers.TPESampler(
        n_startup_trials=design.cohort,  # Optuna's 10 would leave a second cohort of 9 random (METHOD.md, fairness)
        multivariate=True,
        group=False,
        constant_liar=True,  # members of a cohort keep their distance from each other
        seed=seed_of(design.seed, "tpe", arm.name, key.search, key.fold, cohort) % 2**32,
    )
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(
            study_name=f"{arm.name}-{key.search}-{key.fold}-{cohort}",
            sampler=sampler,
            storage=None,
            direction="maximize" if design.maximize else "minimize",
        )
        study.add_trials([_frozen(design, trial, free) for trial in before])
        asked = [study.ask(fixed_distributions=free).params for _ in range(count)]
    finally:
        optuna.logging.set_verbosity(verbosity)
    fixed = {name: parameter.value for name, parameter in arm.space.items() if isinstance(parameter, Fixed)}
    return [fixed | params for params in asked]


def _frozen(
    design: Design, trial: KnownTrial, free: Mapping[str, "optuna.distributions.BaseDistribution"]
) -> "optuna.trial.FrozenTrial":
    """Return a trial as the sampler sees it: its value at the first mark; PRUNED without a value where it has none.

    A trial told FAIL would be ignored, and its corner sampled again and again.
    """
    import optuna

    value = trial.values.get(design.marks[0])
    return optuna.trial.create_trial(
        state=optuna.trial.TrialState.PRUNED if value is None else optuna.trial.TrialState.COMPLETE,
        value=value,
        params={name: trial.plan.parameters[name] for name in free},
        distributions=dict(free),
    )
