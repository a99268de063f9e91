"""What a study could have found: the smallest difference that its design detects, from what its differences showed."""

import math

from scipy import special

from reports.statistics.intervals_and_tests import Estimate

ALPHA, POWER = 0.05, 0.8


def detectable(estimate: Estimate, family: int, *, alpha: float = ALPHA, power: float = POWER) -> float | None:
    """The difference that such a study finds with some probability, at Holm's first step: `(t_(1-a/2m) + t_power) SE`.

    The usual approximation by a shifted t: by the noncentral t its power is 0.799 with 9 degrees of freedom and one
    comparison, 0.795 with 5, 0.766 with 2.

    Args:
        estimate: A difference, whose interval at 0.95 shows the standard error.
        family: Number of comparisons.
        alpha: Family-wise error.
        power: Wanted probability.

    Returns:
        A size without sign, in the metric's unit; None without an interval.
    """
    if estimate.low is None or estimate.high is None or estimate.freedom is None:
        return None
    freedom = estimate.freedom
    error = (estimate.high - estimate.low) / 2 / float(special.stdtrit(freedom, 0.975))
    return _reach(freedom, family, alpha, power) * error


def planned(groups: int, family: int, *, alpha: float = ALPHA, power: float = POWER) -> float:
    """The same before a study: in standard deviations, between groups, of the arms' difference.

    Seeds that differ come on top: this is the best that so many groups can do.

    Args:
        groups: Of test cases, 2 or more.
        family: Number of comparisons.
        alpha: Family-wise error.
        power: Wanted probability.
    """
    return _reach(groups - 1, family, alpha, power) / math.sqrt(groups)


def _reach(freedom: float, family: int, alpha: float, power: float) -> float:
    return float(special.stdtrit(freedom, 1 - alpha / (2 * family)) + special.stdtrit(freedom, power))
