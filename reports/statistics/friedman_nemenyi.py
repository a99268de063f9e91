"""Arms ranked on several data sets: Friedman's test, and the difference of mean ranks that counts. Pure functions.

Shape letters: D data sets, A arms.

Source: Demšar 2006, Statistical comparisons of classifiers over multiple data sets, JMLR 7:1-30.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

LEAST_DATASETS = 5
"""Fewer tell nothing: with three arms not even the same order on all four of four would reach a clear difference."""

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Friedman:
    """Whether arms differ at all.

    Attributes:
        chi_square: Friedman's, with A - 1 degrees of freedom; ties accounted for.
        statistic: Iman and Davenport's F of it, which is less conservative; infinite where all data sets agree.
        freedom: Its degrees of freedom.
        p: Of that F.
    """

    chi_square: float
    statistic: float
    freedom: tuple[int, int]
    p: float


def ranks(values: Floats, greater: Sequence[bool]) -> Floats:
    """`(D, A)` ranks on each data set, 1 the best; equal values share the mean of their ranks.

    Args:
        values: `(D, A)`, no missing ones. To nine digits: equal means summed in another order must not differ.
        greater: For each data set whether greater values are better.
    """
    signs = np.where(np.asarray(greater), -1.0, 1.0)[:, None]
    signed = np.round(values * signs, 9)
    below = (signed[:, :, None] > signed[:, None, :]).sum(axis=2)
    equal = (signed[:, :, None] == signed[:, None, :]).sum(axis=2)
    return np.asarray(below + (equal + 1) / 2, dtype=np.float64)


def friedman(found: Floats) -> Friedman:
    """Friedman's test of `(D, A)` ranks, D and A 2 or more.

    `chi2 = (A - 1) sum_j (R_j - D (A + 1) / 2)^2 / sum_ij (r_ij - (A + 1) / 2)^2` with rank sums R_j, which is the
    usual formula where nothing is tied; `F = (D - 1) chi2 / (D (A - 1) - chi2)`.

    Source: Demšar 2006, equations for chi2_F and F_F; Iman and Davenport 1980.
    """
    datasets, arms = found.shape
    centred = found - (arms + 1) / 2
    total = float((centred**2).sum())
    freedom = (arms - 1, (arms - 1) * (datasets - 1))
    if total == 0:
        return Friedman(0.0, 0.0, freedom, 1.0)
    chi_square = (arms - 1) * float((centred.sum(axis=0) ** 2).sum()) / total
    left = datasets * (arms - 1) - chi_square
    if left <= 1e-12 * chi_square:
        return Friedman(chi_square, float("inf"), freedom, 0.0)
    statistic = (datasets - 1) * chi_square / left
    return Friedman(chi_square, statistic, freedom, float(special.fdtrc(*freedom, statistic)))


def critical_difference(arms: int, datasets: int, alpha: float = 0.05) -> float:
    """Nemenyi's: mean ranks that are closer cannot be told apart. `q_alpha sqrt(A (A + 1) / (6 D))`."""
    return _studentized_range(arms, alpha) / math.sqrt(2) * math.sqrt(arms * (arms + 1) / (6 * datasets))


@functools.lru_cache
def _studentized_range(arms: int, alpha: float) -> float:
    """The range of so many standard normal numbers that is exceeded with probability alpha.

    `P(range <= q) = A integral phi(x) (Phi(x) - Phi(x - q))^(A - 1) dx`, solved by bisection.
    """
    x = np.linspace(-9.0, 9.0, 6001)
    density, below = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi), special.ndtr(x)
    low, high = 0.0, 20.0
    while high - low > 1e-10:
        middle = (low + high) / 2
        inside = arms * np.trapezoid(density * (below - special.ndtr(x - middle)) ** (arms - 1), x)
        low, high = (middle, high) if inside < 1 - alpha else (low, middle)
    return low


def cliques(mean_ranks: Sequence[float], difference: float) -> tuple[tuple[int, int], ...]:
    """Longest runs of arms that cannot be told apart: (first, last) positions, by rising mean rank.

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
