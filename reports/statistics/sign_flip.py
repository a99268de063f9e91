"""The sign-flip permutation test of patients' sums: a sensitivity analysis that needs no distribution.

It knows nothing of trainings: seeds are averaged.

Shape letters: S trainings, N cases, G groups of cases (patients).
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from reports.statistics.variance_of_means import Floats, Weighing

EXACT_SIGN_FLIPS = 14
SIGN_FLIP_DRAWS = 10_000


def sign_flip(sums: Floats, seed: int = 0) -> float:
    """Returns the two-sided p of the sign-flip permutation test of group sums, a sensitivity analysis.

    Exact over all 2^G signs up to G = 14, beyond that 10,000 seeded draws with one added to both counts.

    Args:
        sums: `(S, G)` of `group_sums`; seeds are averaged.
        seed: Seed of the draws.
    """
    by_group = sums.mean(axis=0)
    observed = abs(float(by_group.sum()))
    slack = 1e-12 * float(np.abs(by_group).sum())  # sums that differ by rounding count as equal
    if len(by_group) <= EXACT_SIGN_FLIPS:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=len(by_group))))
        return float(np.mean(np.abs(signs @ by_group) >= observed - slack))
    random = np.random.Generator(np.random.Philox(key=seed))
    signs = random.choice((1.0, -1.0), size=(SIGN_FLIP_DRAWS, len(by_group)))
    return float((np.sum(np.abs(signs @ by_group) >= observed - slack) + 1) / (SIGN_FLIP_DRAWS + 1))


def group_sums(values: Floats, groups: NDArray[np.intp], by: Weighing = "cases") -> Floats:
    """Returns `(S, G)` sums of `(S, N)` values over each group's cases; means where patients weigh the same."""
    names, which = np.unique(groups, return_inverse=True)
    sums = np.array([np.bincount(which, weights=row, minlength=len(names)) for row in values])
    return sums / np.bincount(which) if by == "patients" else sums
