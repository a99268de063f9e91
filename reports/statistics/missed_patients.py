"""Patients that an arm misses wholly: their share, its bounds, and their effect on a mean.

If an arm misses a share r of all patients, none of them is among G patients with probability `(1 - r)^G`: then no
statistic of the scores shows them (Bahadur and Savage 1956).

Shape letters: S trainings, N cases, G groups of cases (patients).
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray
from scipy import special


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """Where values of a metric lie.

    Attributes:
        low: Least value.
        high: Greatest; infinite for distances.
        worst: Value of a case in which nothing was found: `low` of Dice, the mean diagonal of distances.
        most: Greatest value that the data allow, where intervals of means are cut: the greatest diagonal of distances.
    """

    low: float = 0.0
    high: float = 1.0
    worst: float = 0.0
    most: float = math.inf


def wholly_missed(missed: NDArray[np.bool_], groups: NDArray[np.intp]) -> NDArray[np.bool_]:
    """`(G,)` patients of whom more than half of the trainings find nothing in any case. `missed` is `(S, N)`."""
    names, which = np.unique(groups, return_inverse=True)
    found = np.array([np.bincount(which, weights=~row, minlength=len(names)) for row in missed])
    return np.asarray((found == 0).mean(axis=0) > 0.5, dtype=np.bool_)


@dataclasses.dataclass(frozen=True, slots=True)
class Unseen:
    """Effect of patients missed wholly beyond those that were seen.

    Attributes:
        p: Probability to see so few misses of the arm ahead if it missed as many as cost it its advantage.
        rate: That share of patients.
        down: How far the mean difference could lie below what was seen, at the greatest share of misses.
        up: How far above.
    """

    p: float
    rate: float
    down: float
    up: float

    def words(self, groups: int) -> str:
        """For the foot of a table."""
        most = 1 - 0.05 ** (1 / groups)
        return (
            f"Neither arm alone missed a patient; of {groups} patients that leaves a share of up to {100 * most:.0f} % "
            f"open, and {100 * self.rate:.1f} % would cost the arm ahead its advantage (unseen with probability "
            f"{self.p:.2f}): p holds for patients in whom no arm alone finds nothing."
        )


def unseen_misses(
    mean: float,
    lost: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    found_means: tuple[float, float],
    scale: Scale,
    level: float = 0.95,
) -> Unseen:
    """Return the effect that misses beyond those seen could have on a difference.

    The arm ahead loses its advantage `|mean|` if the share that it alone misses is greater by `|mean| / cost`, where a
    miss costs what lies between its mean over found patients and the worst value.

    Args:
        mean: Arm minus baseline.
        lost: `(G,)` patients missed by the arm, and by the baseline.
        found_means: Their means over patients that each does find.
        scale: Scale of the metric.
        level: Nominal coverage of the bounds of shares, in (0, 1).
    """
    groups = len(lost[0])
    alone = int((lost[0] & ~lost[1]).sum()), int((lost[1] & ~lost[0]).sum())
    costs = scale.worst - found_means[0], scale.worst - found_means[1]  # signed: what a miss does to an arm's value
    moves = [
        sign * (share_bounds(seen, groups, level)[1] - seen / groups) * cost
        for sign, seen, cost in zip((1, -1), alone, costs, strict=True)
    ]
    ahead = 0 if mean * costs[0] < 0 else 1
    rate = min(1.0, alone[ahead] / groups + abs(mean) / max(abs(costs[ahead]), 1e-12))
    return Unseen(float(special.bdtr(alone[ahead], groups, rate)), rate, min(moves), max(moves))


def share_bounds(seen: int, groups: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval of a share."""
    tail = (1 - level) / 2
    low = float(special.betaincinv(seen, groups - seen + 1, tail)) if seen else 0.0
    high = float(special.betaincinv(seen + 1, groups - seen, 1 - tail)) if seen < groups else 1.0
    return low, high
