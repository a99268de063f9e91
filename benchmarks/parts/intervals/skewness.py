"""Hall's transformation, which takes the skewness of patients' effects out of a t (Johnson 1978, Hall 1992)."""

import numpy as np
from scipy import special

from .two_way import Layout, cluster, combined, layout
from .verdicts import Floats, Values, Verdict, quantile


def hall_cubic(skew: Floats, groups: Floats, x: Floats) -> Floats:
    """Hall's monotone cubic: `x + a x^2 / 3 + a^2 x^3 / 27 + a / 6` with `a = skew / sqrt(G)`."""
    a = skew / np.sqrt(groups)
    return np.asarray(x + a * x**2 / 3 + a**2 * x**3 / 27 + a / 6)


def hall_inverse(skew: Floats, groups: Floats, y: Floats) -> Floats:
    """Inverse of `hall_cubic`."""
    a = skew / np.sqrt(groups)
    safe = np.where(np.abs(a) < 1e-6, 1.0, a)
    return np.asarray(np.where(np.abs(a) < 1e-6, y, 3 / safe * (np.cbrt(1 + safe * (y - safe / 6)) - 1)))


def skewness_of(found: Layout) -> Floats:
    """`(B,)` skewness of seed-averaged group effects."""
    by_group = np.where(found.there, found.effects.mean(axis=1) - found.mean[:, None], 0.0)
    second = (by_group**2).sum(axis=1) / found.groups
    return np.asarray((by_group**3).sum(axis=1) / found.groups / np.maximum(second, 1e-300) ** 1.5)


def hall_t(seen: Values, power: float = 1.0) -> Verdict:
    """CR two-way t through Hall's transformation, which takes the groups' skewness out (Johnson 1978, Hall 1992)."""
    sizes = seen.sizes.astype(float)
    found = layout(seen.sums, sizes)
    variance, freedom, share = combined(found, *cluster(found, sizes, power))
    skew = skewness_of(found) * share**1.5
    error, reach = np.sqrt(variance), quantile(freedom)
    low = found.mean - error * hall_inverse(skew, found.groups, reach)
    high = found.mean - error * hall_inverse(skew, found.groups, -reach)
    at = np.abs(hall_cubic(skew, found.groups, found.mean / error))
    return Verdict(low, high, 2 * special.stdtr(freedom, -at))
