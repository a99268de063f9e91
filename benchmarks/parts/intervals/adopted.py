"""The procedure of reports/statistics, vectorised over studies: one call judges 500 of them.

tests/reports/statistics/test_simulation.py holds it to the report's own functions.
"""

import dataclasses

import numpy as np
from scipy import special

from reports.statistics.variance_of_means import MOST_CASES, MOST_UNEVEN, OWN_SHARE, SKEWED

from .misses import missed_mean, unseen_misses
from .skewness import hall_cubic, hall_inverse, skewness_of
from .two_way import cluster, combined, layout, scaled
from .verdicts import Bools, Candidate, Values, Verdict, by_t, quantile


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


def adopted(
    *, skew: float = SKEWED, uneven: float = MOST_UNEVEN, many: float = MOST_CASES, own: float = OWN_SHARE
) -> Candidate:
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


def choose(which: Bools, one: Verdict, other: Verdict) -> Verdict:
    """Field by field."""
    return Verdict(
        *(np.where(which, a, b) for a, b in ((one.low, other.low), (one.high, other.high), (one.p, other.p)))
    )
