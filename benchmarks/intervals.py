"""Acceptance test of the statistics: coverage and error rates over simulated studies whose arms are all equal.

    python benchmarks/intervals.py [--studies 20000]

Every study has six arms of equal mean Dice, three final seeds, 10 or 40 patients of one to three cases, and is judged
by reports/statistics/intervals_and_tests.py as a report judges it: the intervals of two arms, the differences of five
arms from the baseline with their raw p and Holm's. Scores are sums of normal parts, so that true means are known
exactly; `Spread` has their standard deviations. Unequal failures: even arms fail (Dice 0, with every seed) in 5 % of
the cases, odd ones in 10 %, and score higher in the others so that all means are equal. As in METHOD.md §5, a t on
group means alone would cover 0.93 of the differences of failing arms at 10 patients; with seeds at 40 it is 0.88.

Two scenarios have no limits and show where the method fails: arms that differ more by patient than by case, and seeds
that differ more than patients.

The file is not called `statistics.py`, which would shadow the standard library's module for everything imported here.
"""

import argparse
import dataclasses
import math
import sys
import time

import numpy as np
from numpy.typing import NDArray

from reports.statistics.intervals_and_tests import group_effects, two_way_t
from reports.statistics.multiple_comparisons import holm

ARMS, SEEDS, MEAN, ALPHA = 6, 3, 0.75, 0.05
FAILURES = (0.05, 0.10)
ENOUGH = 20_000

Floats = NDArray[np.float64]


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of a score's parts.

    Attributes:
        patient: By patient, shared by all arms.
        case: By case, shared by all arms.
        arm_patient: By arm and patient.
        arm_case: By arm and case.
        rest: By arm, case and seed.
    """

    patient: float = 0.10
    case: float = 0.06
    arm_patient: float = 0.02
    arm_case: float = 0.06
    rest: float = 0.03


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """Parameters of simulated studies.

    Attributes:
        patients: Number of patients.
        seed_sd: Standard deviation of an arm's mean between trainings.
        failing: Whether arms fail, some more often than others.
        spread: Standard deviations of the parts of a score.
    """

    patients: int
    seed_sd: float
    failing: bool
    spread: Spread = Spread()

    @property
    def name(self) -> str:
        """A name such as `10-unequal-0.01`."""
        return f"{self.patients}-{'unequal' if self.failing else 'symmetric'}-{self.seed_sd:g}"

    @property
    def limits(self) -> dict[str, float]:
        """Limits of METHOD.md §5: least coverage, greatest error rates."""
        error = 0.075 if self.failing else 0.055
        difference = 0.925 if self.patients == 10 else 0.935
        return {"difference": difference, "mean": 0.91, "type-I": error, "family": error}


GATE = [
    Scenario(patients, seed_sd, failing)
    for patients in (10, 40)
    for failing in (False, True)
    for seed_sd in (0.0, 0.01)
]


BEYOND = [
    Scenario(10, 0.0, False, Spread(arm_patient=0.04, arm_case=0.04, rest=0.02)),
    Scenario(40, 0.01, False, Spread(arm_case=0.03, rest=0.02)),
]
"""Scenarios without limits."""


def study(scenario: Scenario, random: np.random.Generator) -> tuple[Floats, NDArray[np.intp]]:
    """Draws scores `(arms, seeds, cases)` of one study, every arm's true mean being MEAN, and each case's patient."""
    sizes = random.integers(1, 4, scenario.patients)
    groups = np.repeat(np.arange(scenario.patients), sizes)
    cases = len(groups)
    sd = scenario.spread
    shared = random.normal(0, sd.patient, scenario.patients)[groups] + random.normal(0, sd.case, cases)
    own = random.normal(0, sd.arm_patient, (ARMS, 1, scenario.patients))[..., groups]
    own = own + random.normal(0, sd.arm_case, (ARMS, 1, cases))
    own = own + random.normal(0, scenario.seed_sd, (ARMS, SEEDS, 1)) + random.normal(0, sd.rest, (ARMS, SEEDS, cases))
    if not scenario.failing:
        return MEAN + shared + own, groups
    rate = np.array([FAILURES[arm % 2] for arm in range(ARMS)])[:, None, None]
    fails = random.random((ARMS, 1, cases)) < rate
    return np.where(fails, 0.0, MEAN / (1 - rate) + shared + own), groups


def judged(scores: Floats, groups: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Evaluates a study as a report does: (difference covered × 5, mean covered × 2, p < 0.05 × 5, any Holm < 0.05)."""
    differences = [two_way_t(group_effects(scores[arm] - scores[0], groups)) for arm in range(1, ARMS)]
    means = [two_way_t(group_effects(scores[arm], groups)) for arm in (0, 1)]
    p = [found.p if found.p is not None else math.nan for found in differences]
    low_high = [(found.low or 0.0, 0.0, found.high or 0.0) for found in differences]
    low_high += [(found.low or 0.0, MEAN, found.high or 0.0) for found in means]
    covered = [low <= true <= high for low, true, high in low_high]
    return np.array([*covered, *(value < ALPHA for value in p), min(holm(p)) < ALPHA])


def simulate(scenario: Scenario, studies: int, seed: int) -> dict[str, float]:
    """Returns the shares over `studies` studies, by the names of `Scenario.limits`."""
    random = np.random.Generator(np.random.Philox(key=seed))
    others = ARMS - 1
    total = np.zeros(others + 2 + others + 1)
    for _ in range(studies):
        total += judged(*study(scenario, random))
    share = total / studies
    return {
        "difference": float(share[:others].mean()),
        "mean": float(share[others : others + 2].min()),
        "type-I": float(share[others + 2 : -1].mean()),
        "family": float(share[-1]),
    }


def holds(name: str, value: float, limit: float) -> bool:
    """Tells whether coverage reaches its limit and error rates do not exceed theirs."""
    return value >= limit if name in ("difference", "mean") else value <= limit


def main() -> int:
    """Prints a table of all scenarios; returns 1 where a figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=ENOUGH, help=f"of each scenario ({ENOUGH})")
    studies = parser.parse_args().studies
    started = time.monotonic()
    print(f"{studies} studies a scenario; limits in brackets", flush=True)
    print("| patients | scores | seed SD | differences covered | means covered | type-I | family-wise |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    missed = []
    for seed, scenario in enumerate((*GATE, *BEYOND)):
        found = simulate(scenario, studies, seed)
        limits = scenario.limits if scenario in GATE else {}
        cells = [f"{value:.4f}" + (f" ({limits[name]})" if limits else "") for name, value in found.items()]
        words = "unequal failures" if scenario.failing else "symmetric" if limits else "symmetric, outside the gate"
        print(f"| {scenario.patients} | {words} | {scenario.seed_sd:g} | {' | '.join(cells)} |", flush=True)
        missed += [f"{scenario.name} {name}" for name, limit in limits.items() if not holds(name, found[name], limit)]
    print(
        f"{time.monotonic() - started:.0f} s; " + (f"missed: {', '.join(missed)}" if missed else "every figure holds")
    )
    print(f"ratio intervals-missed={len(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
