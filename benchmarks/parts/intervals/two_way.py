"""The two-way t over patients and trainings, CR2 and CR3 for unequal patients, and intervals on the metric's scale.

Shape letters: B studies, R trainings, G patients, C cases.
"""

import dataclasses

import numpy as np
from scipy import special

from .verdicts import Bools, Candidate, Floats, Values, Verdict, by_t


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Group effects of B studies and the two-way mean squares. `there` is `(B, G)`; mean squares are `(B,)`."""

    effects: Floats
    there: Bools
    mean: Floats
    groups: Floats
    ms_groups: Floats
    ms_seeds: Floats
    ms_rest: Floats


def layout(sums: Floats, sizes: Floats) -> Layout:
    """`M = (sum - m n) G / N + m` and MS_G, MS_S, MS_GS."""
    rows = sums.shape[1]
    there = sizes > 0
    groups, total = there.sum(axis=1).astype(float), sizes.sum(axis=1)
    mean = sums.sum(axis=(1, 2)) / total / rows
    effects = (sums - (mean[:, None] * sizes)[:, None]) * (groups / total)[:, None, None] + mean[:, None, None]
    effects = np.where(there[:, None], effects, 0.0)
    by_group = np.where(there, effects.mean(axis=1) - mean[:, None], 0.0)
    by_seed = effects.sum(axis=2) / groups[:, None] - mean[:, None]
    rest = effects - mean[:, None, None] - by_group[:, None] - by_seed[..., None]
    rest = np.where(there[:, None], rest, 0.0)
    ms_groups = rows * (by_group**2).sum(axis=1) / (groups - 1)
    if rows == 1:
        nothing = np.zeros_like(mean)
        return Layout(effects, there, mean, groups, ms_groups, nothing, nothing)
    ms_seeds = groups * (by_seed**2).sum(axis=1) / (rows - 1)
    ms_rest = (rest**2).sum(axis=(1, 2)) / ((groups - 1) * (rows - 1))
    return Layout(effects, there, mean, groups, ms_groups, ms_seeds, ms_rest)


def combined(
    found: Layout, group_part: Floats, group_freedom: Floats, *, always: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Variance of the mean with its seeds' part, degrees of freedom, and the groups' share of the variance.

    `group_part` is the variance of the mean from groups, `group_freedom` its degrees of freedom.
    """
    rows, groups = found.effects.shape[1], found.groups
    size = groups * rows
    louder = found.ms_seeds > found.ms_rest
    both = group_part + (found.ms_seeds - found.ms_rest) / size
    if rows == 1:
        return group_part, group_freedom, np.ones_like(group_part)
    spread = group_part**2 / group_freedom + (found.ms_seeds / size) ** 2 / (rows - 1)
    spread += (found.ms_rest / size) ** 2 / ((groups - 1) * (rows - 1))
    variance = np.where(louder, both, group_part)
    freedom = np.maximum(variance**2 / spread, np.minimum(group_freedom + 1, rows) - 1.0)
    freedom = np.where(louder | always, np.maximum(freedom, 1.0), group_freedom)
    return variance, freedom, group_part / np.maximum(variance, 1e-300)


def scaled(seen: Values, usual: Verdict) -> Verdict:
    """`on_scale` of a symmetric interval that is there."""
    return on_scale(lambda _: usual)(seen)


def on_scale(test: Candidate) -> Candidate:
    """A t's interval carried to the logit scale of the mean's limits, or to the log scale where there is no upper one.

    `back(f(m) -+ reach f'(m))`; p stays that of the plain t.
    """

    def found(seen: Values) -> Verdict:
        usual, (low, high) = test(seen), seen.limits
        mean, reach = (usual.low + usual.high) / 2, (usual.high - usual.low) / 2
        if np.isinf(low):
            return usual
        if np.isinf(high):
            centre, arm = np.log(np.maximum(mean - low, 1e-9)), reach / np.maximum(mean - low, 1e-9)
            return dataclasses.replace(usual, low=low + np.exp(centre - arm), high=low + np.exp(centre + arm))
        part = np.clip((mean - low) / (high - low), 1e-9, 1 - 1e-9)
        centre, arm = special.logit(part), reach / (high - low) / part / (1 - part)
        ends = [np.asarray(low + (high - low) * special.expit(centre + sign * arm)) for sign in (-1, 1)]
        return dataclasses.replace(usual, low=ends[0], high=ends[1])

    return found


def two_way_t(seen: Values) -> Verdict:
    """Ours until now."""
    return _two_way(seen.sums, seen.sizes.astype(float))


def _two_way(sums: Floats, sizes: Floats, estimand: str = "by_case") -> Verdict:
    found = layout(sums, sizes)
    rows = sums.shape[1]
    variance, freedom, _ = combined(found, found.ms_groups / (found.groups * rows), found.groups - 1)
    return by_t(found.mean, variance, freedom, estimand)


def two_way_by_patient(seen: Values) -> Verdict:
    """Every patient weighs the same: the two-way t of patients' means."""
    sizes = np.maximum(seen.sizes, 1)
    means = seen.sums / sizes[:, None]
    return _two_way(means, (seen.sizes > 0).astype(float), "by_patient")


def cluster(found: Layout, sizes: Floats, power: float, own: float = 1.0) -> tuple[Floats, Floats]:
    """Variance from groups of unequal size, residuals divided by `(1 - h)^(power / 2)`, and its degrees of freedom.

    `h = n_g / N`. Bell and McCaffrey's degrees of freedom under equal variances of group means. Power 1 is CR2, 2 CR3.
    """
    there = found.there
    share = sizes / sizes.sum(axis=1, keepdims=True)
    residual = np.where(there, found.effects.mean(axis=1) - found.mean[:, None], 0.0) / found.groups[:, None]
    inflate = np.where(there, 1 / (1 - share) ** power, 0.0)
    variance = (inflate * residual**2).sum(axis=1)
    weight = share * np.sqrt(inflate)
    model = np.where(there, own + (1 - own) / np.maximum(sizes, 1), 0.0)
    crossed = (model * share)[:, :, None] + (model * share)[:, None, :]
    inner = model[:, :, None] * np.eye(share.shape[1]) - crossed + (model * share**2).sum(axis=1)[:, None, None]
    matrix = weight[:, :, None] * inner * weight[:, None, :]
    trace = np.trace(matrix, axis1=1, axis2=2)
    freedom = trace**2 / (matrix**2).sum(axis=(1, 2))
    return variance, freedom


def two_way_cr(seen: Values, power: float = 1.0) -> Verdict:
    """The two-way t with the groups' part of CR2 or CR3."""
    sizes = seen.sizes.astype(float)
    found = layout(seen.sums, sizes)
    variance, freedom, _ = combined(found, *cluster(found, sizes, power))
    return by_t(found.mean, variance, freedom)
