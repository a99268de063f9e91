"""The simulation judges the very functions that reports use: the same p, low and high."""

import numpy as np
import pytest

from benchmarks.intervals import seen_of
from benchmarks.simulation.adopted import adopted
from benchmarks.simulation.draws import draw
from benchmarks.simulation.scenarios import SCENARIOS, Scenario
from reports.statistics.intervals_and_tests import difference, mean_of

NAMES = (
    "plain, seed SD 0.01",
    "5 / 10 % of cases fail, seed SD 0",
    "10 % of patients missed",
    "unequal slices",
    "skewed",
)


@pytest.mark.parametrize(
    "scenario", [s for s in SCENARIOS if s.name in NAMES and s.patients == 10], ids=lambda s: s.name
)
def test_the_simulation_judges_these_very_functions(scenario: Scenario) -> None:
    studies = draw(scenario, 40, np.random.Generator(np.random.Philox(key=9)), shift=0.02)
    found, means = adopted()(seen_of(studies, "difference")), adopted()(seen_of(studies, "mean"))
    for b in range(40):
        sizes = studies.sizes[b]
        groups = np.repeat(np.arange(len(sizes)), sizes)
        real = np.arange(studies.arm.shape[-1]) < sizes[:, None]
        arm, baseline = studies.arm[b][:, real], studies.baseline[b][:, real]
        missed = tuple(np.repeat(studies.missed[k, b], sizes)[None].repeat(3, axis=0) for k in (0, 1))
        one = difference(arm, baseline, groups, missed=(missed[0], missed[1]))
        own = mean_of(arm, groups, missed=missed[0])
        assert one.p == pytest.approx(found.p[b], abs=1e-9)
        assert (one.low, one.high) == pytest.approx((found.low[b], found.high[b]), abs=1e-9)
        assert (own.low, own.high) == pytest.approx((means.low[b], means.high[b]), abs=1e-9)
