"""Stability of the ranking: ranks of the arms when patients and trainings are resampled. Descriptive, not a test."""

import numpy as np
from numpy.typing import NDArray

from reports.results.estimates import mean_over, units
from reports.results.metric_facts import METRICS
from reports.results.results import Results
from reports.statistics.intervals_and_tests import LEAST_GROUPS_FOR_P
from reports.statistics.variance_of_means import Floats

DRAWS = 2000


def rank_shares(
    values: Floats, groups: NDArray[np.intp], *, greater: bool, draws: int = DRAWS, seed: int = 0
) -> Floats:
    """Returns how often each arm has each rank when groups, and each arm's trainings, are drawn with replacement.

    Args:
        values: `(A, U, N)` of each arm, training and case; NaN where missing.
        groups: `(N,)` which group each case belongs to, from 0.
        greater: Whether greater values are better.
        draws: Number of resamples.
        seed: Seed of the draws.

    Returns:
        `(A, A)` shares of the draws: arm by rank, the best first. Equal means share the better rank. A draw in which an
        arm has no case at all is left out.

    Source: Wiesenfarth et al. 2021, https://doi.org/10.1038/s41598-021-82017-6, here by groups and trainings.
    """
    arms, trainings = values.shape[:2]
    count = int(groups.max()) + 1
    there = ~np.isnan(values)
    sums, cases = (
        np.stack([[np.bincount(groups, row, count) for row in part] for part in each])
        for each in (np.where(there, values, 0.0), there)
    )  # (A, U, G)
    random = np.random.Generator(np.random.Philox(key=seed))
    weights = random.multinomial(count, np.full(count, 1 / count), size=draws).astype(np.float64)
    of_trainings = random.multinomial(trainings, np.full(trainings, 1 / trainings), size=(draws, arms))
    total, scored = (
        np.stack(
            [np.einsum("du,ug,dg->d", of_trainings[:, arm], each[arm], weights, optimize=True) for arm in range(arms)],
            axis=1,
        )
        for each in (sums, cases)
    )
    whole = (scored > 0).all(axis=1)
    means = total[whole] / scored[whole]
    # to nine digits: equal cases summed in another order must not differ
    means = np.round(means if greater else -means, 9)
    ranks = (means[:, None, :] > means[:, :, None]).sum(axis=2)
    return (
        np.stack([(ranks == rank).mean(axis=0) for rank in range(arms)], axis=1)
        if len(ranks)
        else np.zeros((arms,) * 2)
    )


def rank_stability(results: Results) -> dict[str, Floats] | None:
    """Returns arm → share of draws by rank, the best first; None with too few complete arms or groups."""
    how, scores = results.protocol, results.scores
    names = [arm.row.name for arm in results.arms if arm.whole]
    if len(names) < 2 or scores.patients < LEAST_GROUPS_FOR_P or how.dependent:
        return None
    values = np.stack([units(scores.of(name, how.last, how.region, how.metric)) for name in names])
    shares = rank_shares(values, scores.groups, greater=METRICS[how.metric].greater_is_better)
    return dict(zip(names, shares, strict=True))


def by_case(results: Results, arm: str) -> Floats:
    """Returns `(N,)` objective of an arm by test case at the last mark, averaged over trainings; NaN where missing."""
    how = results.protocol
    values = results.scores.of(arm, how.last, how.region, how.metric)
    return mean_over(values.reshape(-1, values.shape[-1]), 0)
