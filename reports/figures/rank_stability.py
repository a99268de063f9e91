"""Stability of the ranking: ranks of the arms when patients are resampled. Descriptive, not a test."""

import numpy as np
from numpy.typing import NDArray

from reports.results.estimates import mean_over
from reports.results.metric_facts import METRICS
from reports.results.results import Results
from reports.statistics.intervals_and_tests import LEAST_GROUPS_FOR_P
from reports.statistics.variance_of_means import Floats

DRAWS = 2000


def rank_shares(
    values: Floats, groups: NDArray[np.intp], *, greater: bool, draws: int = DRAWS, seed: int = 0
) -> Floats:
    """Returns how often each arm has each rank when whole groups are drawn with replacement.

    Args:
        values: `(A, N)` of each arm on each case; NaN where missing.
        groups: `(N,)` which group each case belongs to, from 0.
        greater: Whether greater values are better.
        draws: Number of resamples.
        seed: Seed of the draws.

    Returns:
        `(A, A)` shares of the draws: arm by rank, the best first. Equal means share the better rank. A draw in which an
        arm has no case at all is left out.

    Source: Wiesenfarth et al. 2021, https://doi.org/10.1038/s41598-021-82017-6, here by groups.
    """
    count = int(groups.max()) + 1
    there = ~np.isnan(values)
    sums, cases = (
        np.stack([np.bincount(groups, row, count) for row in each]) for each in (np.where(there, values, 0.0), there)
    )
    weights = np.random.Generator(np.random.Philox(key=seed)).multinomial(count, np.full(count, 1 / count), size=draws)
    scored = weights @ cases.T
    whole = (scored > 0).all(axis=1)
    means = (weights @ sums.T)[whole] / scored[whole]
    # to nine digits: equal cases summed in another order must not differ
    means = np.round(means if greater else -means, 9)
    ranks = (means[:, None, :] > means[:, :, None]).sum(axis=2)
    arms = len(values)
    return (
        np.stack([(ranks == rank).mean(axis=0) for rank in range(arms)], axis=1)
        if len(ranks)
        else np.zeros((arms,) * 2)
    )


def rank_stability(results: Results) -> dict[str, Floats] | None:
    """Returns arm → share of draws by rank, the best first; None with too few complete arms or groups."""
    how, scores = results.protocol, results.scores
    names = [arm.row.name for arm in results.arms if arm.standing == "complete"]
    if len(names) < 2 or scores.patients < LEAST_GROUPS_FOR_P or how.dependent:
        return None
    values = np.stack([by_case(results, name) for name in names])
    shares = rank_shares(values, scores.groups, greater=METRICS[how.metric].greater_is_better)
    return dict(zip(names, shares, strict=True))


def by_case(results: Results, arm: str) -> Floats:
    """Returns `(N,)` objective of an arm by test case at the last mark, averaged over trainings; NaN where missing."""
    how = results.protocol
    values = results.scores.of(arm, how.last, how.region, how.metric)
    return mean_over(values.reshape(-1, values.shape[-1]), 0)
