"""Standardised size of a paired difference.

Shape letters: S trainings, G groups of cases (patients).
"""

import numpy as np

from reports.statistics.variance_of_means import Floats


def standardised(effects: Floats) -> float | None:
    """Returns the standardised size of a paired difference: mean / SD over groups times Hedges' factor.

    `J = 1 - 3 / (4 (G - 1) - 1)` corrects the bias of small samples (0.92 with 10 groups).

    Args:
        effects: `(S, G)` of `variance_of_means.weighed`, of arm minus baseline.

    Returns:
        The effect size; None with fewer than 3 groups (no J), or if all groups are equal (no SD).

    Source: Hedges 1981, https://doi.org/10.3102/10769986006002107; Lakens 2013 for paired values (d_z).
    """
    groups = effects.shape[1]
    by_group = effects.mean(axis=0)
    if groups < 3 or np.ptp(by_group) == 0:
        return None
    factor = 1 - 3 / (4 * (groups - 1) - 1)
    return float(factor * by_group.mean() / by_group.std(ddof=1))
