"""Variance of a mean over patients and trainings: degrees of freedom, intervals on a scale, skewness.

Shape letters: S trainings (seeds, or searches where those are resampled), N cases, G groups of cases (patients).
"""

import dataclasses
import functools
import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Weighing = Literal["cases", "patients"]

MOST_UNEVEN, MOST_CASES = 1.25, 4.0
"""Above `mean(n^2) / mean(n)^2`, or above this number of cases a patient, every patient weighs the same."""
SKEWED = 0.6
"""From this skewness of group effects on, Hall's interval and p count too."""
OWN_SHARE = 0.5
"""The patient's own share of the variance of a patient with one case, in the working model of degrees of freedom."""


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """Variance of a mean.

    Attributes:
        mean: The mean.
        error: Its standard error.
        freedom: Degrees of freedom.
        skewness: Skewness of group effects, times the power 3/2 of the groups' share of the variance.
        groups: G.
    """

    mean: float
    error: float
    freedom: float
    skewness: float
    groups: int


def weighing(groups: NDArray[np.intp]) -> Weighing:
    """Return whether cases or patients weigh the same: known from the test cases alone, before anything is trained.

    A mean over slices is that of the few patients who have most, and its interval covers .86 to .93 with 10 to 40
    patients; a mean over patients covers .95.
    """
    sizes = np.unique(groups, return_counts=True)[1].astype(float)
    uneven = float((sizes**2).mean() / sizes.mean() ** 2)
    return "patients" if uneven > MOST_UNEVEN or sizes.mean() > MOST_CASES else "cases"


def weighed(values: Floats, groups: NDArray[np.intp], by: Weighing | None = None) -> tuple[Floats, Floats]:
    """`(S, G)` effects `M = (sum - m n) G / N + m` and `(G,)` sizes n; means and ones where patients weigh the same.

    `by` is `weighing(groups)` where None.

    Raises:
        ValueError: Shapes disagree, there is no value, or one is missing.
    """
    if values.ndim != 2 or groups.shape != values.shape[1:] or values.size == 0:
        raise ValueError(f"expected values (S, N) and groups (N,), both non-empty, got {values.shape}, {groups.shape}")
    if not np.isfinite(values).all():
        raise ValueError("expected finite values: leave out cases and trainings with missing ones first")
    names, which = np.unique(groups, return_inverse=True)
    sums = np.array([np.bincount(which, weights=row, minlength=len(names)) for row in values])
    sizes = np.bincount(which).astype(float)
    if (by or weighing(groups)) == "patients":
        sums, sizes = sums / sizes, np.ones(len(names))
    mean, scale = sums.sum() / len(sums) / sizes.sum(), len(sizes) / sizes.sum()
    return np.asarray((sums - mean * sizes) * scale + mean), sizes


def cluster_variance(by_group: Floats, sizes: Floats, power: int = 1) -> tuple[float, float]:
    """Variance of a mean from G group effects of unequal weight, and its degrees of freedom.

    `V = sum_g (M_g - m)^2 / (G^2 (1 - h_g)^power)` with `h = n / N`. Power 1 is CR2, with equal sizes the usual
    s^2 / G; power 2 is CR3, the jackknife's but for (G - 1) / G. Degrees of freedom are `tr(A)^2 / tr(A^2)` with
    `A = D (I - 1 h') W (I - h 1') D` and `D = diag(h / (1 - h)^(power / 2))`: with equal sizes G - 1. W is the working
    model `diag(1/2 + 1 / (2 n))` of the variances of groups' means.

    Source: Bell and McCaffrey 2002; Pustejovsky and Tipton 2018, https://doi.org/10.1080/07350015.2016.1247004.
    """
    groups, share = len(sizes), sizes / sizes.sum()
    variance = float((((by_group - by_group.mean()) / groups) ** 2 / (1 - share) ** power).sum())
    return variance, _freedom(tuple(sizes.tolist()), power)


@functools.lru_cache(maxsize=256)
def _freedom(counts: tuple[float, ...], power: int) -> float:
    """Degrees of freedom of `cluster_variance`: the same for every arm and metric, and cubic in the groups."""
    sizes = np.array(counts)
    groups, share = len(sizes), sizes / sizes.sum()
    centre = np.eye(groups) - share[None, :]  # (I - 1 h')
    half = (share / (1 - share) ** (power / 2))[:, None] * centre * np.sqrt(OWN_SHARE + (1 - OWN_SHARE) / sizes)
    matrix = half @ half.T
    return float(np.trace(matrix) ** 2 / (matrix**2).sum())


def spread(effects: Floats, sizes: Floats, *, factor: float = 1.0, power: int = 1) -> Spread:
    """Variance from groups and from trainings, G >= 2: `V_G + max(0, MS_S - MS_GS) / (G S)`, by Satterthwaite.

    Args:
        effects: `(S, G)` of `weighed`.
        sizes: `(G,)` of `weighed`.
        factor: On the variance, for trainings that share data.
        power: Exponent of `cluster_variance`.
    """
    seeds, groups = effects.shape
    mean, by_group, by_seed = float(effects.mean()), effects.mean(axis=0), effects.mean(axis=1)
    from_groups, freedom = cluster_variance(by_group, sizes, power)
    variance = from_groups
    if seeds > 1:
        rest = effects - by_group[None, :] - by_seed[:, None] + mean
        part_seeds = float(((by_seed - mean) ** 2).sum()) / (seeds - 1) / seeds
        part_rest = float((rest**2).sum()) / ((groups - 1) * (seeds - 1)) / (groups * seeds)
        if part_seeds > part_rest:
            variance = from_groups + part_seeds - part_rest
            scatter = from_groups**2 / freedom + part_seeds**2 / (seeds - 1)
            scatter += part_rest**2 / ((groups - 1) * (seeds - 1))
            freedom = max(variance**2 / scatter, min(freedom + 1, seeds) - 1.0, 1.0)
    second = float(((by_group - mean) ** 2).mean())
    third = float(((by_group - mean) ** 3).mean())
    skewness = third / second**1.5 * (from_groups / variance) ** 1.5 if second > 0 and variance > 0 else 0.0
    return Spread(mean, math.sqrt(variance * factor), freedom, skewness, groups)


def on_scale(found: Spread, low: float, high: float, level: float = 0.95) -> tuple[float, float]:
    """The t's interval on the logit scale of (low, high), or on the log scale without an upper end, carried back.

    Without a lower end it is the plain t. At an end of the scale, where the logit has no slope, the plain one is cut.
    """
    reach = float(special.stdtrit(found.freedom, (1 + level) / 2)) * found.error
    if math.isinf(low):
        return found.mean - reach, found.mean + reach
    if not low < found.mean < high:
        return max(low, found.mean - reach), min(high, found.mean + reach)
    if math.isinf(high):
        ratio = math.exp(min(reach / (found.mean - low), 700.0))
        return low + (found.mean - low) / ratio, low + (found.mean - low) * ratio
    part = (found.mean - low) / (high - low)
    arm = reach / (high - low) / part / (1 - part)
    ends = special.expit(special.logit(part) + np.array([-arm, arm]))
    return low + (high - low) * float(ends[0]), low + (high - low) * float(ends[1])


def hall(found: Spread, level: float = 0.95) -> tuple[float, float, float]:
    """Interval and p of the t with skewness taken out, `a = skewness / sqrt(G)`.

    `g(t) = t + a t^2 / 3 + a^2 t^3 / 27 + a / 6` rises everywhere; its inverse gives the interval.

    Source: Johnson 1978; Hall 1992, On the removal of skewness by transformation, JRSS B 54.
    """
    a, reach = found.skewness / math.sqrt(found.groups), float(special.stdtrit(found.freedom, (1 + level) / 2))
    t = found.mean / found.error
    transformed = t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6
    low, high = (found.mean - found.error * 3 / a * float(np.cbrt(1 + a * (x - a / 6)) - 1) for x in (reach, -reach))
    return low, high, float(2 * special.stdtr(found.freedom, -abs(transformed)))


def shared_training_factor(folds: int) -> float:
    """`1 + F / (F - 1)` on the variance where F folds test every case once: trainings share data.

    Nadeau and Bengio's `1 / F + n_test / n_train` over `1 / F`, on the patients' variance: with the folds' own variance
    it has F - 1 degrees of freedom, and less power (0.34 beside 0.43). No study can estimate it without bias.

    Source: Nadeau and Bengio 2003, https://doi.org/10.1023/A:1024068626366; Bengio and Grandvalet 2004, JMLR 5.
    """
    return 1 + folds / (folds - 1) if folds > 1 else 1.0


def seeds_differ(effects: Floats) -> float | None:
    """The p of trainings' means being equal but for what cases explain: `F = MS_S / MS_GS`; None with one of either."""
    seeds, groups = effects.shape
    if seeds == 1 or groups == 1:
        return None
    by_seed, mean = effects.mean(axis=1), effects.mean()
    rest = effects - effects.mean(axis=0)[None, :] - by_seed[:, None] + mean
    between = groups * float(((by_seed - mean) ** 2).sum()) / (seeds - 1)
    within = float((rest**2).sum()) / ((groups - 1) * (seeds - 1))
    if within <= 1e-24 * max(1.0, float((effects**2).max())):
        return 1.0 if between <= 1e-24 * max(1.0, float((effects**2).max())) else 0.0
    return float(special.fdtrc(seeds - 1, (groups - 1) * (seeds - 1), between / within))
