"""The adopted procedure (recommended.py), vectorised over studies, and its parts."""

import dataclasses

import numpy as np
from scipy import special

from benchmarks.simulation.candidates import (
    Bools,
    Candidate,
    Values,
    Verdict,
    by_t,
    cluster,
    combined,
    hall_cubic,
    hall_inverse,
    layout,
    quantile,
    scaled,
    skewness_of,
)


def unseen_misses(seen: Values, usual: Verdict) -> Verdict:
    """The overall mean with misses that did not happen to be seen, after Clopper and Pearson.

    `p = max(p_t, P(Binomial(G, r) <= x))`: x patients that the arm ahead alone misses, r the share of misses at which
    its advantage would be gone. The interval reaches as far as the greatest shares that x allows.
    """
    groups = (seen.sizes > 0).sum(axis=1).astype(float)
    mean = seen.sums.sum(axis=(1, 2)) / seen.sizes.sum(axis=1) / seen.values.shape[1]
    odd = seen.missed & ~seen.missed[::-1]
    costs, bounds, counts = [], [], []
    for values, missed, alone in ((seen.arm, seen.missed[0], odd[0]), (seen.baseline, seen.missed[1], odd[1])):
        kept = np.where(missed, 0, seen.sizes)
        total = dataclasses.replace(seen, values=values, sizes=kept).sums.sum(axis=(1, 2))
        costs.append(np.maximum(total / np.maximum(kept.sum(axis=1), 1) / values.shape[1], 1e-9))
        counts.append(alone.sum(axis=1).astype(float))
        bounds.append(special.betaincinv(counts[-1] + 1, np.maximum(groups - counts[-1], 1e-9), 0.975))
    ahead = mean > 0
    seen_misses, cost = np.where(ahead, counts[0], counts[1]), np.where(ahead, costs[0], costs[1])
    rate = np.clip(seen_misses / groups + np.abs(mean) / cost, 0, 1)
    p = np.maximum(usual.p, special.bdtr(seen_misses, groups.astype(int), rate))
    low = np.minimum(usual.low, mean - (bounds[0] - counts[0] / groups) * costs[0])
    high = np.maximum(usual.high, mean + (bounds[1] - counts[1] / groups) * costs[1])
    return dataclasses.replace(usual, low=low, high=high, p=p)


def overall(test: Candidate) -> Candidate:
    """A test with unseen misses counted in every study."""
    return lambda seen: unseen_misses(seen, test(seen))


def two_way_skew(
    seen: Values, power: float = 1.0, *, skew: float = np.inf, factor: float = 1.0, own: float = 1.0
) -> Verdict:
    """CR two-way t on the scale; where the groups' skewness is `skew` or more, the hull with Hall's, and the greater p.

    `factor` multiplies the variance.
    """
    sizes = seen.sizes.astype(float)
    found = layout(seen.sums, sizes)
    variance, freedom, share = combined(found, *cluster(found, sizes, power, own))
    variance = variance * factor
    usual = scaled(seen, by_t(found.mean, variance, freedom))
    skewness, error = skewness_of(found) * share**1.5, np.sqrt(variance)
    skewed = np.abs(skewness) >= skew
    reach = quantile(freedom)
    low = np.clip(found.mean - error * hall_inverse(skewness, found.groups, reach), *seen.limits)
    high = np.clip(found.mean - error * hall_inverse(skewness, found.groups, -reach), *seen.limits)
    p = 2 * special.stdtr(freedom, -np.abs(hall_cubic(skewness, found.groups, found.mean / error)))
    return choose(
        skewed, Verdict(np.minimum(low, usual.low), np.maximum(high, usual.high), np.maximum(p, usual.p)), usual
    )


def adopted(*, skew: float = 0.6, uneven: float = 1.25, many: float = 4.0, own: float = 0.5) -> Candidate:
    """By patient where sizes are uneven, else by case; trainings that share data; misses where arms differ in them."""

    def found(seen: Values) -> Verdict:
        sizes = seen.sizes.astype(float)
        single = seen.limits[0] == 0
        limit = np.inf if single else skew  # the scale takes an arm's own skewness out
        power = 2.0 if single else 1.0
        folds = 1 if seen.folds is None or single else len(np.unique(seen.folds))
        factor = 1 + folds / (folds - 1) if folds > 1 else 1.0
        mean_size = sizes.mean(axis=1)
        uneven_here = ((sizes**2).mean(axis=1) / mean_size**2 > uneven) | (mean_size > many)
        even = two_way_skew(seen, power, skew=limit, factor=factor, own=own)
        one_each = of_patients(seen)
        usual = choose(uneven_here, two_way_skew(one_each, power, skew=limit, factor=factor, own=own), even)
        odd = seen.missed[0].any(axis=1) if single else (seen.missed[0] != seen.missed[1]).any(axis=1)
        name = np.where(uneven_here, "by_patient", "by_case")
        name = np.where(odd, name, np.char.add("found_", name))
        count = missed_mean if single else unseen_misses
        counted = choose(uneven_here, count(one_each, usual), count(seen, usual))
        return dataclasses.replace(choose(odd, counted, usual), estimand=name)

    return found


def of_patients(seen: Values) -> Values:
    """One case a patient: the mean of the patient's."""
    sizes = np.maximum(seen.sizes, 1)[:, None]
    values, arm, baseline = (
        (dataclasses.replace(seen, values=each).sums / sizes)[..., None]
        for each in (seen.values, seen.arm, seen.baseline)
    )
    one = (seen.sizes > 0).astype(np.intp)
    return dataclasses.replace(seen, values=values, arm=arm, baseline=baseline, sizes=one)


def missed_mean(seen: Values, usual: Verdict) -> Verdict:
    """An arm's mean with misses counted as Clopper and Pearson's interval of their share says."""
    groups = (seen.sizes > 0).sum(axis=1).astype(float)
    count = seen.missed[0].sum(axis=1).astype(float)
    kept = np.where(seen.missed[0], 0, seen.sizes)
    total = dataclasses.replace(seen, sizes=kept).sums.sum(axis=(1, 2))
    cost = total / np.maximum(kept.sum(axis=1), 1) / seen.values.shape[1]
    upper = special.betaincinv(count + 1, np.maximum(groups - count, 1e-9), 0.975)
    lower = np.where(count > 0, special.betaincinv(np.maximum(count, 1e-9), groups - count + 1, 0.025), 0.0)
    mean = seen.sums.sum(axis=(1, 2)) / seen.sizes.sum(axis=1) / seen.values.shape[1]
    low = np.maximum(0, np.minimum(usual.low, mean - (upper - count / groups) * cost))
    return dataclasses.replace(usual, low=low, high=np.maximum(usual.high, mean + (count / groups - lower) * cost))


def choose(which: Bools, one: Verdict, other: Verdict) -> Verdict:
    """Field by field."""
    return Verdict(
        *(np.where(which, a, b) for a, b in ((one.low, other.low), (one.high, other.high), (one.p, other.p)))
    )
