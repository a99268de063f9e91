"""The ways in which studies come out: the gate's, and those in which tests were seen to err."""

import dataclasses
import math
from typing import Literal

Kind = Literal["plain", "failing", "missing", "folds", "slices", "skewed", "searches", "diverging", "distances"]


@dataclasses.dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations of a score's parts: those of the gate."""

    patient: float = 0.10
    case: float = 0.06
    arm_patient: float = 0.02
    arm_case: float = 0.06
    rest: float = 0.03


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """One way in which studies come out; without `shift` both arms have the same true mean.

    Attributes:
        name: In the table.
        kind: The scenario's deviation from the plain case.
        patients: G.
        seed_sd: Spread of an arm's mean from one training to the next.
        size: Size of that deviation: a rate, a standard deviation, or a slope.
        compensated: Whether the arm that does not miss patients is as much worse in all, so that all means are equal.
        searches: Searches an arm.
        spread: Standard deviations of the parts of a score.
        shift: Alternative at which power is measured.
        slices_sd: Spread of the logarithm of a patient's number of slices about log 6.
        gate: Whether the criterion of issue 15 must hold here.
    """

    name: str
    kind: Kind
    patients: int
    seed_sd: float = 0.005
    size: float = 0.0
    compensated: bool = True
    searches: int = 1
    spread: Spread = Spread()
    gate: bool = True
    slices_sd: float = 0.9

    @property
    def shift(self) -> float:
        """A difference that is found about as often at any number of patients."""
        return 0.22 / math.sqrt(self.patients)


BY_PATIENT = Spread(arm_patient=0.04, arm_case=0.04, rest=0.02)
LOUD_SEEDS = Spread(arm_case=0.03, rest=0.02)

SCENARIOS: tuple[Scenario, ...] = (
    *(Scenario(f"plain, seed SD {sd:g}", "plain", g, sd) for g in (10, 20, 40) for sd in (0.0, 0.01)),
    *(
        Scenario(f"5 / 10 % of cases fail, seed SD {sd:g}", "failing", g, sd, 0.05)
        for g in (10, 40)
        for sd in (0, 0.01)
    ),
    Scenario("arms differ by patient", "plain", 10, 0.0, spread=BY_PATIENT),
    Scenario("loud seeds", "plain", 40, 0.01, spread=LOUD_SEEDS, gate=False),
    *(
        Scenario(f"{100 * r:g} % of patients missed", "missing", g, size=r)
        for r in (0.05, 0.1)
        for g in (10, 20, 40, 80)
    ),
    *(Scenario(f"{100 * r:g} % missed, else equal", "missing", g, 0.005, r, False) for r in (0.1,) for g in (10, 40)),
    *(
        Scenario(f"5 folds, training SD {r:g}", "folds", g, size=r, gate=r < 0.01)
        for r in (0.006, 0.01)
        for g in (20, 40, 100)
    ),
    *(Scenario("unequal slices", "slices", g) for g in (10, 20, 40)),
    *(Scenario("advantage goes with slices", "slices", g, size=0.04) for g in (10, 20, 40)),
    *(Scenario("advantage, sizes closer", "slices", g, size=0.04, slices_sd=0.4) for g in (10, 20)),
    Scenario("skewed", "skewed", 5, size=2.0, gate=False),
    *(Scenario("skewed", "skewed", g, size=2.0) for g in (10, 20, 40)),
    *(Scenario("distances", "distances", g, size=0.6) for g in (10, 20, 40)),
    *(Scenario("one arm skewed", "skewed", g, 0.005, 2.0, False) for g in (10, 20, 40)),
    *(
        Scenario(f"{r} search{'es' * (r > 1)}, SD {sd:g}", "searches", g, 0.005, sd, searches=r, gate=r > 1)
        for sd in (0.005, 0.01)
        for r in (1, 3, 5)
        for g in (10, 40)
    ),
    *(Scenario("one of 3 trainings diverged", "diverging", g, gate=False) for g in (10, 40)),
)
