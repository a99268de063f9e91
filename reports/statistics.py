"""Mean, interval and p of METHOD.md §5: the two-way t over groups and seeds, sign-flips, Holm. Pure functions.

Shape letters: S seeds (trainings of one configuration), N cases, G groups of cases (patients), R regions.
A group is what is resampled: cases of one patient are not independent, and neither are scores of one training.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special

LEAST_GROUPS_FOR_P = 6
LEAST_GROUPS_TO_CONFIRM = 10
LEAST_SEEDS_FOR_LOSSES = 3
EXACT_SIGN_FLIPS = 14
SIGN_FLIP_DRAWS = 10_000

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with what may be said of it.

    Attributes:
        mean: Over all cases, every seed weighing the same.
        low: Lower end of the interval; None with one group, which shows no spread between patients.
        high: Upper end, likewise.
        p: Two-sided, of the mean being 0; None with fewer than 6 groups. Only a difference's p means anything.
        freedom: Degrees of freedom of the t; None with one group.
        groups: G.
        seeds: S.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    freedom: float | None
    groups: int
    seeds: int


def group_effects(values: Floats, groups: NDArray[np.intp], total: int | None = None) -> Floats:
    """`M[s, g] = (sum over cases of g of d - m n_g) G / N + m`: what each group and seed adds to the mean.

    Its mean over g is the mean over cases, whatever the groups' sizes; its spread over g is that of a ratio
    of sums (a group of ten cases pulls ten times as much as a group of one), and not of unweighted group means.

    Args:
        values: `(S, N)`, no missing ones.
        groups: `(N,)` group of each case, in `[0, total)`.
        total: G; the number of groups that occur by default. A group without a case here gets m: it pulls nowhere.

    Returns:
        `(S, G)`.

    Raises:
        ValueError: Shapes disagree, there is no value, or one is missing.
    """
    if values.ndim != 2 or groups.shape != values.shape[1:] or values.size == 0:
        raise ValueError(f"expected values (S, N) and groups (N,), both non-empty, got {values.shape}, {groups.shape}")
    if not np.isfinite(values).all():
        raise ValueError("expected finite values: leave out cases and seeds with missing ones first")
    if total is None:
        names, groups = np.unique(groups, return_inverse=True)
        total = len(names)
    seeds, cases = values.shape
    mean = values.mean()
    sums = np.zeros((seeds, total))
    for row, value in zip(sums, values, strict=True):
        row += np.bincount(groups, weights=value, minlength=total)
    sizes = np.bincount(groups, minlength=total)
    return np.asarray((sums - mean * sizes) * (total / cases) + mean, dtype=np.float64)


def mean_of_regions(regions: Sequence[tuple[Floats, NDArray[np.intp]]], total: int) -> Floats:
    """`(S, G)` group effects of the mean over regions of each region's mean over the cases that have it.

    Args:
        regions: For each region its `(S, N_r)` values and `(N_r,)` groups in `[0, total)`; S is the same in all.
        total: G over all regions.
    """
    return np.mean([group_effects(values, groups, total) for values, groups in regions], axis=0)


def two_way_t(effects: Floats, level: float = 0.95) -> Estimate:
    """The mean of group effects with its interval and p: t with variance from groups and from seeds.

    `V = max(MS_G, MS_G + MS_S - MS_GS) / (G S)` with the mean squares of the two-way layout; degrees of freedom
    by Satterthwaite, or G - 1 where MS_S <= MS_GS (seeds then add nothing that cases do not already show).
    With one seed it is the t of group effects. Coverage of nominal 0.95, simulated, stands in METHOD.md §5.

    Args:
        effects: `(S, G)` of `group_effects`, of an arm's values or of arm minus baseline.
        level: Nominal coverage, in (0, 1).

    Source: Cornfield and Tukey 1956 (crossed random effects); Satterthwaite 1946.
    """
    seeds, groups = effects.shape
    mean = float(effects.mean())
    if groups == 1:
        return Estimate(mean, None, None, None, None, groups, seeds)
    variance, freedom = _variance(effects)
    error = float(np.sqrt(variance))
    reach = float(special.stdtrit(freedom, (1 + level) / 2)) * error
    p = _two_sided(mean, error, freedom) if groups >= LEAST_GROUPS_FOR_P else None
    return Estimate(mean, mean - reach, mean + reach, p, freedom, groups, seeds)


def _variance(effects: Floats) -> tuple[float, float]:
    """Variance of the mean of `(S, G)` effects, G >= 2, and its degrees of freedom."""
    seeds, groups = effects.shape
    mean = effects.mean()
    by_group = effects.mean(axis=0) - mean
    by_seed = effects.mean(axis=1) - mean
    ms_groups = seeds * float(by_group @ by_group) / (groups - 1)
    if seeds == 1:
        return ms_groups / groups, float(groups - 1)
    rest = effects - mean - by_group[None, :] - by_seed[:, None]
    ms_seeds = groups * float(by_seed @ by_seed) / (seeds - 1)
    ms_rest = float((rest * rest).sum()) / ((groups - 1) * (seeds - 1))
    if ms_seeds <= ms_rest:
        return ms_groups / (groups * seeds), float(groups - 1)
    both = ms_groups + ms_seeds - ms_rest
    spread = ms_groups**2 / (groups - 1) + ms_seeds**2 / (seeds - 1) + ms_rest**2 / ((groups - 1) * (seeds - 1))
    return both / (groups * seeds), both**2 / spread


def _two_sided(mean: float, error: float, freedom: float) -> float:
    if error == 0.0:
        return 1.0 if mean == 0.0 else 0.0
    return float(2 * special.stdtr(freedom, -abs(mean) / error))


def sign_flip(effects: Floats, seed: int = 0) -> float:
    """Two-sided p of a zero mean if every group's sum could as well have had the other sign: a sensitivity line.

    Exact over all 2^G signs up to G = 14, beyond that 10,000 seeded draws with one added to both counts.

    Args:
        effects: `(S, G)`, d summed by case (`group_sums`); seeds are averaged.
        seed: Of the draws.
    """
    sums = effects.mean(axis=0)
    observed = abs(float(sums.sum()))
    slack = 1e-12 * float(np.abs(sums).sum())  # equal sums in another order must count as equal
    if len(sums) <= EXACT_SIGN_FLIPS:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=len(sums))))
        return float(np.mean(np.abs(signs @ sums) >= observed - slack))
    random = np.random.Generator(np.random.Philox(key=seed))
    signs = random.choice((1.0, -1.0), size=(SIGN_FLIP_DRAWS, len(sums)))
    return float((np.sum(np.abs(signs @ sums) >= observed - slack) + 1) / (SIGN_FLIP_DRAWS + 1))


def group_sums(values: Floats, groups: NDArray[np.intp], total: int) -> Floats:
    """`(S, G)` sums over each group's cases of `(S, N)` values."""
    return np.array([np.bincount(groups, weights=row, minlength=total) for row in values])


def holm(p: Sequence[float], family: int | None = None) -> list[float]:
    """Holm's adjusted p, in the order given: rejecting those below alpha keeps the family-wise error below alpha.

    Args:
        p: Of the tests that could be made.
        family: How many tests were planned, at least `len(p)`: those that could not be made count as p = 1, so that
            a comparison which is still missing cannot make the others look better.

    Source: Holm 1979.
    """
    size = len(p) if family is None else family
    if size < len(p):
        raise ValueError(f"expected a family of at least {len(p)} tests, got {size}")
    adjusted = [1.0] * len(p)
    greatest = 0.0
    for rank, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        greatest = max(greatest, min(1.0, (size - rank) * p[index]))
        adjusted[index] = greatest
    return adjusted


def like_the_best(best: str, p: Mapping[frozenset[str], float], family: int, alpha: float = 0.05) -> frozenset[str]:
    """The arms that cannot be told from the observed best: Holm over all pairs, not only over those with the best.

    The best is chosen by the data: testing only against it marks 37 % of equal arms as worse (METHOD.md §5).

    Args:
        best: Name of the arm with the best observed mean.
        p: Raw p of each pair of arms that could be tested.
        family: Number of all pairs.
        alpha: Family-wise error.
    """
    pairs = sorted(p, key=sorted)
    adjusted = dict(zip(pairs, holm([p[pair] for pair in pairs], family), strict=True))
    return frozenset(name for pair in pairs if best in pair and adjusted[pair] >= alpha for name in pair - {best})
