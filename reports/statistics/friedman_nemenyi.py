"""Arms ranked on several data sets: Friedman's test and Nemenyi's critical difference of mean ranks. Pure functions.

SciPy's statistics are imported inside functions: a report of one study needs none of this and loads faster without.

Shape letters: D data sets, A arms.

Source: Demšar 2006, Statistical comparisons of classifiers over multiple data sets, JMLR 7:1-30.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST_DATASETS = 5
"""With fewer no difference can be shown: three arms in the same order on all four of four are within Nemenyi's."""

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Friedman:
    """Friedman's test of no difference between arms.

    Attributes:
        chi_square: Friedman's statistic, corrected for ties, with A - 1 degrees of freedom.
        statistic: Iman and Davenport's F of it, which is less conservative; infinite where all data sets agree.
        freedom: Degrees of freedom of the F.
        p: p-value of the F.
    """

    chi_square: float
    statistic: float
    freedom: tuple[int, int]
    p: float


def ranks(values: Floats, greater: Sequence[bool]) -> Floats:
    """Returns `(D, A)` ranks on each data set, 1 the best; equal values share the mean of their ranks.

    Args:
        values: `(D, A)`, no missing ones. Compared to nine digits: equal means summed in another order must not differ.
        greater: For each data set whether greater values are better.
    """
    from scipy import stats

    signs = np.where(np.asarray(greater), -1.0, 1.0)[:, None]
    return np.asarray(stats.rankdata(np.round(values * signs, 9), axis=1), dtype=np.float64)


def friedman(found: Floats) -> Friedman:
    """Tests `(D, A)` ranks, D at least 2 and A at least 3, by Friedman's test in Iman and Davenport's form.

    `F = (D - 1) chi2 / (D (A - 1) - chi2)`.

    Source: Demšar 2006, equations for chi2_F and F_F; Iman and Davenport 1980.
    """
    from scipy import stats

    datasets, arms = found.shape
    freedom = (arms - 1, (arms - 1) * (datasets - 1))
    if np.all(found == found[:, :1]):  # SciPy divides by the spread of the ranks
        return Friedman(0.0, 0.0, freedom, 1.0)
    chi_square = float(stats.friedmanchisquare(*found.T).statistic)
    left = datasets * (arms - 1) - chi_square
    if left <= 1e-12 * chi_square:
        return Friedman(chi_square, float("inf"), freedom, 0.0)
    statistic = (datasets - 1) * chi_square / left
    return Friedman(chi_square, statistic, freedom, float(stats.f.sf(statistic, *freedom)))


@functools.lru_cache
def critical_difference(arms: int, datasets: int, alpha: float = 0.05) -> float:
    """Returns Nemenyi's critical difference `q_alpha sqrt(A (A + 1) / (6 D))`: closer mean ranks do not differ."""
    from scipy import stats

    q = float(stats.studentized_range.ppf(1 - alpha, arms, np.inf)) / math.sqrt(2)
    return q * math.sqrt(arms * (arms + 1) / (6 * datasets))


def cliques(mean_ranks: Sequence[float], difference: float) -> tuple[tuple[int, int], ...]:
    """Returns the longest runs of arms that cannot be told apart: (first, last) positions, by rising mean rank.

    Args:
        mean_ranks: Rising.
        difference: Critical difference; a greater distance is a difference.
    """
    runs: list[tuple[int, int]] = []
    for first, rank in enumerate(mean_ranks):
        last = max(at for at, other in enumerate(mean_ranks) if other - rank <= difference)
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return tuple(runs)
