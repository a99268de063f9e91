"""The Bayesian correlated t-test: chances that a mean difference is below, within and above a region of no interest.

Sources: Corani and Benavoli 2015, https://doi.org/10.1007/s10994-015-5486-z; Benavoli et al. 2017,
https://jmlr.org/papers/v18/16-305.html; Nadeau and Bengio 2003 for the correlation.
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True, slots=True)
class Posterior:
    """A mean difference's posterior, Student's t.

    Attributes:
        mean: Its centre.
        scale: Its scale, above 0.
        freedom: Its degrees of freedom.
    """

    mean: float
    scale: float
    freedom: int


def posterior(differences: NDArray[np.float64], correlation: float = 0.0) -> Posterior | None:
    """Returns the posterior under a flat prior: `t(n − 1; mean, (1/n + r / (1 − r)) s²)`.

    Args:
        differences: `(n,)`, one for each patient, or for each training of a cross-validation.
        correlation: r of any two of them, in `[0, 1)`: 1 / F for trainings of F folds, which share training data; 0 for
            patients of one test set.

    Returns:
        None for fewer than two, or where all are equal.

    Raises:
        ValueError: There is no such correlation.
    """
    if not 0 <= correlation < 1:
        raise ValueError(f"correlation: expected a number in [0, 1), found {correlation:g}")
    count = len(differences)
    if count < 2 or np.ptp(differences) == 0:
        return None
    spread = float(differences.var(ddof=1)) * (1 / count + correlation / (1 - correlation))
    return Posterior(float(differences.mean()), math.sqrt(spread), count - 1)


def chances(found: Posterior, margin: float = 0.0) -> tuple[float, float, float]:
    """Returns the chances that the difference is below −margin, within it, and above; they sum to 1.

    Args:
        found: The posterior.
        margin: Half the width of the region of no interest, in the metric's unit, >= 0.
    """
    from scipy.special import stdtr

    below = float(stdtr(found.freedom, (-margin - found.mean) / found.scale))
    above = float(stdtr(found.freedom, (found.mean - margin) / found.scale))
    return below, max(0.0, 1.0 - below - above), above
