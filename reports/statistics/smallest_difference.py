"""The smallest detectable difference of a study's design, from the observed standard error or before the study."""

import math

from scipy import special

from reports.statistics.intervals_and_tests import Estimate

ALPHA, POWER = 0.05, 0.8


def detectable(estimate: Estimate, family: int, *, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """Returns the difference that is detected with a given power at Holm's first step: `(t_(1-a/2m) + t_power) SE`.

    The usual approximation by a shifted t: by the noncentral t its power is 0.799 with 9 degrees of freedom and one
    comparison, 0.795 with 5, 0.766 with 2.

    Args:
        estimate: A difference.
        family: Number of comparisons.
        alpha: Family-wise error.
        power: Required probability of detection.

    Returns:
        The absolute difference in the metric's unit; None without an interval.
    """
    if estimate.error is None or estimate.freedom is None:
        return None
    return _reach(estimate.freedom, family, alpha, power) * estimate.error


def planned(groups: int, family: int, *, alpha: float = ALPHA, power: float = POWER) -> float:
    """Returns the detectable difference before a study, in standard deviations between groups of the arms' difference.

    Variance between seeds comes on top: this is a lower bound.

    Args:
        groups: Number of groups of test cases, 2 or more.
        family: Number of comparisons.
        alpha: Family-wise error.
        power: Required probability of detection.
    """
    return _reach(groups - 1, family, alpha, power) / math.sqrt(groups)


def _reach(freedom: float, family: int, alpha: float, power: float) -> float:
    return float(special.stdtrit(freedom, 1 - alpha / (2 * family)) + special.stdtrit(freedom, power))
