"""Cross-validation, where trainings share data: corrections of the two-way t, and Nadeau and Bengio's t of fold means.

Shape letters: B studies, G patients, F folds.
"""

import numpy as np
from scipy import special

from .two_way import Layout, cluster, combined, layout, two_way_cr
from .verdicts import Floats, Values, Verdict, by_t


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
