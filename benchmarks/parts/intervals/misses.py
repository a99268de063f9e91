"""Patients missed wholly: what tests make of those that were seen, and of those that were not."""

import dataclasses

import numpy as np
from scipy import special

from .two_way import two_way_cr, two_way_t
from .verdicts import Candidate, Values, Verdict


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


def with_one_miss(seen: Values, test: Candidate = two_way_t) -> Verdict:
    """The verdict if one more patient had been missed wholly, by either arm: greatest p, widest interval."""
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
