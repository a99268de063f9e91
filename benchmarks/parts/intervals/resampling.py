"""Resampling patients: percentile means, bootstrap-t, sign flips.

Shape letters: B studies, G patients, D draws.
"""

import dataclasses
import functools

import numpy as np

from .two_way import combined, layout
from .verdicts import Candidate, Floats, Values, Verdict, quantile

DRAWS, EXACT = 499, 10


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
