"""Input and output of a test or an interval for simulated studies, vectorised over studies.

Shape letters: B studies, R trainings, G patients, C cases. A candidate maps `Values` to `Verdict`.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclasses.dataclass(frozen=True, slots=True)
class Values:
    """A candidate's input from B studies: one arm's values, or arm minus baseline.

    Attributes:
        values: `(B, R, G, C)`.
        sizes: `(B, G)`; 0 leaves a patient out.
        folds: `(G,)` or None.
        arm: `(B, R, G, C)` of the arm alone, and of the baseline: for tests of normality and for what a miss costs.
        baseline: Likewise.
        missed: `(2, B, G)` patients missed wholly by arm or baseline.
        limits: Limits of the mean: (0, 1) of an arm's Dice, (-1, 1) of a difference, (0, inf) of a distance.
    """

    values: Floats
    sizes: NDArray[np.intp]
    folds: NDArray[np.intp] | None
    arm: Floats
    baseline: Floats
    missed: Bools
    limits: tuple[float, float] = (-np.inf, np.inf)

    @property
    def real(self) -> Bools:
        """`(B, G, C)`."""
        return np.asarray(np.arange(self.values.shape[-1]) < self.sizes[..., None])

    @property
    def sums(self) -> Floats:
        """`(B, R, G)`."""
        return np.asarray(np.where(self.real[:, None], self.values, 0.0).sum(axis=-1))


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """Verdicts on B studies; p is NaN where it is refused."""

    low: Floats
    high: Floats
    p: Floats
    estimand: str | NDArray[np.str_] = "by_case"


Candidate = Callable[[Values], Verdict]


def quantile(freedom: Floats) -> Floats:
    """The t that 2.5 % exceed."""
    return np.asarray(special.stdtrit(freedom, 0.975))


def by_t(mean: Floats, variance: Floats, freedom: Floats, estimand: str = "by_case") -> Verdict:
    """The t's interval and p."""
    error = np.sqrt(variance)
    reach = quantile(freedom) * error
    return Verdict(mean - reach, mean + reach, 2 * special.stdtr(freedom, -np.abs(mean) / error), estimand)
