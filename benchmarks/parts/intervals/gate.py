"""The gate: studies whose arms are all equal, judged one by one by the report's own functions.

Every study has six arms of equal mean Dice, three final seeds, 10 or 40 patients of one to three cases. Unequal
failures: even arms fail (Dice 0, with every seed) in 5 % of the cases, odd ones in 10 %, and are so much better in the
others that all means are equal. Two scenarios lie outside the gate: patients in whom arms differ more than they do by
case, and seeds that differ more than patients.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from reports.statistics.intervals_and_tests import difference, mean_of
from reports.statistics.multiple_comparisons import holm

from .scenarios import BY_PATIENT, LOUD_SEEDS, Spread
from .verdicts import Floats

ARMS, SEEDS, MEAN, ALPHA = 6, 3, 0.75, 0.05
FAILURES = (0.05, 0.10)


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """One way in which studies come out.

    Attributes:
        patients: How many.
        seed_sd: Spread of an arm's mean from one training to the next.
        failing: Whether arms fail, some more often than others.
        spread: Standard deviations of the parts of a score.
    """

    patients: int
    seed_sd: float
    failing: bool
    spread: Spread = dataclasses.field(default_factory=Spread)

    @property
    def name(self) -> str:
        """`10-unequal-0.01`."""
        return f"{self.patients}-{'unequal' if self.failing else 'symmetric'}-{self.seed_sd:g}"

    @property
    def limits(self) -> dict[str, float]:
        """Bounds of the gate (docs/STATISTICS.md): least coverage, greatest error rates."""
        error = 0.075 if self.failing else 0.055
        least = 0.925 if self.patients == 10 else 0.935
        return {"difference": least, "mean": 0.91, "type-I": error, "family": error}


GATE = [
    Setting(patients, seed_sd, failing) for patients in (10, 40) for failing in (False, True) for seed_sd in (0.0, 0.01)
]

BEYOND = [Setting(10, 0.0, False, BY_PATIENT), Setting(40, 0.01, False, LOUD_SEEDS)]
"""Outside the gate: shown without limits."""


def study(setting: Setting, random: np.random.Generator) -> tuple[Floats, NDArray[np.intp]]:
    """Scores `(arms, seeds, cases)` of one study, every arm's true mean being MEAN, and each case's patient."""
    sizes = random.integers(1, 4, setting.patients)
    groups = np.repeat(np.arange(setting.patients), sizes)
    cases = len(groups)
    sd = setting.spread
    shared = random.normal(0, sd.patient, setting.patients)[groups] + random.normal(0, sd.case, cases)
    own = random.normal(0, sd.arm_patient, (ARMS, 1, setting.patients))[..., groups]
    own = own + random.normal(0, sd.arm_case, (ARMS, 1, cases))
    own = own + random.normal(0, setting.seed_sd, (ARMS, SEEDS, 1)) + random.normal(0, sd.rest, (ARMS, SEEDS, cases))
    if not setting.failing:
        return MEAN + shared + own, groups
    rate = np.array([FAILURES[arm % 2] for arm in range(ARMS)])[:, None, None]
    fails = random.random((ARMS, 1, cases)) < rate
    return np.where(fails, 0.0, MEAN / (1 - rate) + shared + own), groups


def judged(scores: Floats, groups: NDArray[np.intp]) -> NDArray[np.bool_]:
    """A report's verdicts on a study: (difference covered × 5, mean covered × 2, raw p < 0.05 × 5, any Holm < 0.05)."""
    lost = scores == 0
    found = [difference(scores[arm], scores[0], groups, missed=(lost[arm], lost[0])) for arm in range(1, ARMS)]
    means = [mean_of(scores[arm], groups, missed=lost[arm]) for arm in (0, 1)]
    p = [one.p for one in found if one.p is not None]
    assert len(p) == len(found)  # nothing is refused with 10 patients or more
    covered = [one.low is not None and one.high is not None and one.low <= 0 <= one.high for one in found]
    covered += [one.low is not None and one.high is not None and one.low <= MEAN <= one.high for one in means]
    return np.array([*covered, *(value < ALPHA for value in p), min(holm(p)) < ALPHA])


def simulate(setting: Setting, studies: int, seed: int) -> dict[str, float]:
    """Shares over `studies` simulated studies, by the names of `Setting.limits`."""
    random = np.random.Generator(np.random.Philox(key=seed))
    others = ARMS - 1
    total = np.zeros(others + 2 + others + 1)
    for _ in range(studies):
        total += judged(*study(setting, random))
    share = total / studies
    return {
        "difference": float(share[:others].mean()),
        "mean": float(share[others : others + 2].min()),
        "type-I": float(share[others + 2 : -1].mean()),
        "family": float(share[-1]),
    }


def holds(name: str, value: float, limit: float) -> bool:
    """Coverage must reach its limit, error rates must not exceed theirs."""
    return value >= limit if name in ("difference", "mean") else value <= limit
