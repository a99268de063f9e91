"""Corrections that were held beside what is adopted: bootstraps, sign-flips, folds, missed patients."""

import dataclasses
import functools

import numpy as np
from scipy import special

from benchmarks.simulation.candidates import (
    DRAWS,
    EXACT,
    Candidate,
    Floats,
    Layout,
    Values,
    Verdict,
    by_t,
    cluster,
    combined,
    layout,
    quantile,
    two_way_cr,
    two_way_t,
)


@functools.lru_cache(maxsize=8)
def _counts(groups: int, draws: int, seed: int = 0) -> Floats:
    random = np.random.Generator(np.random.Philox(key=seed))
    return random.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(float).T


def bootstrapped(sums: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """`(B, D)` bootstrap means and their standard errors, whole patients drawn with replacement. `sums` is `(B, G)`."""
    drawn = _counts(sums.shape[1], DRAWS)
    total, cases = sums @ drawn, sizes @ drawn
    mean = total / np.maximum(cases, 1)
    square = (sums**2) @ drawn - 2 * mean * ((sums * sizes) @ drawn) + mean**2 * ((sizes**2) @ drawn)
    groups = sums.shape[1]
    return mean, np.sqrt(np.maximum(square, 0) * groups / (groups - 1)) / np.maximum(cases, 1)


def bootstrap_t(seen: Values, symmetric: bool = False) -> Verdict:
    """Bootstrap-t of patients; where seeds add to the variance, quantiles widen as those of the t do."""
    sizes = seen.sizes.astype(float)
    found = layout(seen.sums, sizes)
    rows = seen.values.shape[1]
    variance, freedom, _ = combined(found, found.ms_groups / (found.groups * rows), found.groups - 1)
    mean, error = bootstrapped(seen.sums.mean(axis=1), sizes)
    t = (mean - found.mean[:, None]) / np.maximum(error, 1e-12)
    wider = quantile(freedom) / quantile(found.groups - 1)
    scale, observed = np.sqrt(variance) * wider, found.mean / np.sqrt(variance) / wider
    if symmetric:
        reach = np.quantile(np.abs(t), 0.95, axis=1)
        p = (np.sum(np.abs(t) >= np.abs(observed)[:, None], axis=1) + 1) / (DRAWS + 1)
        return Verdict(found.mean - reach * scale, found.mean + reach * scale, p)
    lower, upper = np.quantile(t, [0.025, 0.975], axis=1)
    above, below = (t >= observed[:, None]).sum(axis=1) + 1, (t <= observed[:, None]).sum(axis=1) + 1
    p = np.minimum(1.0, 2 * np.minimum(above, below) / (DRAWS + 1))
    return Verdict(found.mean - upper * scale, found.mean - lower * scale, p)


def sign_flip(seen: Values) -> Verdict:
    """Sign flips of patients' sums, which is also the studentised one; seeds averaged. No interval."""
    by_group = seen.sums.mean(axis=1)
    groups = by_group.shape[1]
    observed = np.abs(by_group.sum(axis=1))[:, None] - 1e-12
    if groups <= EXACT:
        signs = 1.0 - 2 * ((np.arange(2**groups)[None] >> np.arange(groups)[:, None]) & 1)
        p = (np.abs(by_group @ signs) >= observed).mean(axis=1)
    else:
        random = np.random.Generator(np.random.Philox(key=1))
        signs = random.choice((1.0, -1.0), size=(groups, DRAWS))
        p = ((np.abs(by_group @ signs) >= observed).sum(axis=1) + 1) / (DRAWS + 1)
    nothing = np.full(len(p), np.nan)
    return Verdict(nothing, nothing, p)


def both_tests(first: Candidate, second: Candidate) -> Candidate:
    """The greater p of two tests, the first one's interval."""

    def found(seen: Values) -> Verdict:
        one, other = first(seen), second(seen)
        return dataclasses.replace(one, p=np.maximum(one.p, other.p))

    return found


def _fold_layout(seen: Values) -> tuple[Layout, Floats, Floats]:
    """Layout, and mean squares between and within folds of seed-averaged group effects."""
    assert seen.folds is not None
    found = layout(seen.sums, seen.sizes.astype(float))
    by_group = found.effects.mean(axis=1)
    member = np.equal.outer(seen.folds, np.unique(seen.folds)).astype(float)  # (G, F)
    size = member.sum(axis=0)
    means = by_group @ member / size
    between = (size * (means - found.mean[:, None]) ** 2).sum(axis=1) / (len(size) - 1)
    inside = ((by_group - means @ member.T) ** 2).sum(axis=1) / (len(by_group[0]) - len(size))
    return found, between, inside


def folds_t(seen: Values, share: float = 3.0, *, floor: bool = True) -> Verdict:
    """The two-way t with a part for trainings that share data: `V + (1 / F + share) fold_variance`.

    The fold variance is `max(0, (MS_between - MS_inside) / patients a fold)`: the part of trainings that is a fold's
    own. `share = rho / (1 - rho)` adds the part that folds have in common, which no study shows.
    """
    if seen.folds is None:
        return two_way_cr(seen)
    found, between, inside = _fold_layout(seen)
    count = len(np.unique(seen.folds))
    each = found.groups / count
    own = np.maximum(between - inside, 0) / each
    factor = 1 / count + share
    extra = factor * own
    plain = np.where(own > 0, inside, found.ms_groups / seen.values.shape[1]) / found.groups
    freedom = np.where(
        own > 0,
        (plain + extra) ** 2
        / (
            (factor * between / each) ** 2 / (count - 1)
            + ((1 / found.groups - factor / each) * inside) ** 2 / (found.groups - count)
        ),
        found.groups - 1,
    )
    freedom = np.maximum(freedom, count - 1.0)
    variance, freedom, _ = combined(found, plain + extra, freedom)
    return by_t(found.mean, variance, freedom)


def inflated(seen: Values) -> Verdict:
    """Nadeau and Bengio's factor on the patients' variance, which has more degrees of freedom than that of folds."""
    usual = two_way_cr(seen)
    if seen.folds is None:
        return usual
    count = len(np.unique(seen.folds))
    factor = np.sqrt(1 + count / (count - 1))
    mean, reach = (usual.low + usual.high) / 2, (usual.high - usual.low) / 2 * factor
    found = layout(seen.sums, seen.sizes.astype(float))
    variance, freedom, _ = combined(found, *cluster(found, seen.sizes.astype(float), 1.0))
    p = 2 * special.stdtr(freedom, -np.abs(mean) / np.sqrt(variance) / factor)
    return Verdict(mean - reach, mean + reach, p)


def nadeau_bengio(seen: Values) -> Verdict:
    """Corrected t of fold means: variance `(1 / F + 1 / (F - 1)) S^2`, F - 1 degrees of freedom."""
    if seen.folds is None:
        return two_way_cr(seen)
    member = np.equal.outer(seen.folds, np.unique(seen.folds)).astype(float)
    count = member.shape[1]
    means = (seen.sums.mean(axis=1) @ member) / (seen.sizes @ member)
    variance = (1 / count + 1 / (count - 1)) * means.var(axis=1, ddof=1)
    return by_t(means.mean(axis=1), variance, np.full(len(means), count - 1.0))


def with_one_miss(seen: Values, test: Candidate = two_way_t) -> Verdict:
    """What stays if one patient more had been missed wholly, by either arm: greatest p, widest interval."""
    usual = test(seen)
    size = np.maximum(1, np.rint(seen.sizes.mean(axis=1))).astype(np.intp)
    others = []
    for lost, sign in ((seen.arm, -1.0), (seen.baseline, 1.0)):
        worth = dataclasses.replace(seen, values=lost).sums.sum(axis=(1, 2)) / seen.sizes.sum(axis=1) / lost.shape[1]
        extra = np.broadcast_to((sign * worth)[:, None, None, None], (*seen.values.shape[:2], 1, seen.values.shape[3]))
        values = np.concatenate([seen.values, extra], axis=2)
        sizes = np.concatenate([seen.sizes, size[:, None]], axis=1)
        others.append(test(dataclasses.replace(seen, values=values, sizes=sizes)))
    low = np.minimum.reduce([usual.low, *(one.low for one in others)])
    high = np.maximum.reduce([usual.high, *(one.high for one in others)])
    return Verdict(low, high, np.maximum.reduce([usual.p, *(one.p for one in others)]))


def found_by_both(seen: Values, test: Candidate = two_way_cr) -> Verdict:
    """The test among patients that neither arm misses wholly."""
    sizes = np.where(seen.missed.any(axis=0), 0, seen.sizes)
    return dataclasses.replace(test(dataclasses.replace(seen, sizes=sizes)), estimand="found_by_case")


def refusing(test: Candidate, least: int) -> Candidate:
    """No p where 1 to `least - 1` patients are missed by one arm and not by the other."""

    def found(seen: Values) -> Verdict:
        usual = test(seen)
        odd = (seen.missed[0] != seen.missed[1]).sum(axis=1)
        return dataclasses.replace(usual, p=np.where((odd > 0) & (odd < least), np.nan, usual.p))

    return found
