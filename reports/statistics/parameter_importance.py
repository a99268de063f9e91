"""How much a hyperparameter matters to a search: the share of the variance that it explains. Pure functions.

Source: Kelley 1935; Tomczak and Tomczak 2014, The need to report effect size estimates revisited.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST_TRIALS = 9
"""Three in each third of a range."""
THIRDS = 3

Floats = NDArray[np.float64]
Setting = str | int | float | bool | None
"""Value of a hyperparameter in a trial."""


def importance(column: Sequence[Setting], values: Floats) -> float | None:
    """Returns the share of the variance of the values' ranks that a hyperparameter explains, corrected for chance.

    Epsilon squared of Kruskal and Wallis: `(H - k + 1) / (n - k)`, 0 where it would be negative. It takes ranks, so
    that one collapsed trial does not decide it. Groups are the thirds of the trials by a number, or the values of a
    choice. One hyperparameter at a time: interactions are not in it.

    Args:
        column: The hyperparameter's value in each trial.
        values: `(n,)` objective of each trial.

    Returns:
        In `[0, 1]`; None with fewer than `LEAST_TRIALS` trials, or where all trials had the same value.
    """
    which = parts(column)
    names, sizes = np.unique(which, return_counts=True)
    n, k = len(values), len(names)
    if n < LEAST_TRIALS or k < 2 or n <= k:
        return None
    ranks = (values[:, None] > values).sum(axis=1) + ((values[:, None] == values).sum(axis=1) + 1) / 2
    centred = ranks - ranks.mean()
    total = float((centred**2).sum())
    if total == 0:
        return 0.0
    between = sum(size * float(centred[which == name].mean()) ** 2 for name, size in zip(names, sizes, strict=True))
    statistic = (n - 1) * between / total
    return max(0.0, float(statistic - k + 1) / (n - k))


def parts(column: Sequence[Setting]) -> NDArray[np.intp]:
    """Returns `(n,)` the group of each trial: thirds of the trials by number, equal values together; or the choice."""
    if not is_number(column) or len(set(column)) <= THIRDS:
        words = sorted(set(map(repr, column)))
        return np.array([words.index(repr(value)) for value in column], dtype=np.intp)
    numeric = np.array(column, dtype=np.float64)
    cuts = np.sort(numeric)[[len(numeric) // THIRDS, 2 * len(numeric) // THIRDS]]
    return np.asarray(np.searchsorted(cuts, numeric, side="right"), dtype=np.intp)


def is_number(column: Sequence[Setting]) -> bool:
    """Returns whether all values are numbers; a switch is none."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in column)
