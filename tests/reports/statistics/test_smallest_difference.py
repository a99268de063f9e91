"""The smallest detectable difference: by hand, and by simulation of what it promises."""

import numpy as np
import pytest
from scipy import stats

from reports.statistics.intervals_and_tests import Estimate, difference
from reports.statistics.smallest_difference import detectable, planned


def of(values: list[float]) -> Estimate:
    """One seed and one case a patient, whose differences are these."""
    arm = np.array([values]) / 10
    return difference(arm, np.zeros_like(arm), np.arange(len(values)))


def test_by_hand() -> None:
    # Ten groups, SD 2 between them: the standard error is 2 / sqrt(10). Four comparisons: t at 1 - .05 / 8.
    random = np.random.default_rng(0).normal(0, 1, 10)
    values = 2 * (random - random.mean()) / random.std(ddof=1) + 5
    reach = stats.t.ppf(1 - 0.05 / 8, 9) + stats.t.ppf(0.8, 9)
    assert detectable(of(values.tolist()), 4) == pytest.approx(reach * 0.2 / np.sqrt(10))
    assert planned(10, 4) * 2 == pytest.approx(reach * 2 / np.sqrt(10))


def test_more_comparisons_and_more_power_take_more() -> None:
    estimate = of([0.1, 0.3, 0.2, 0.6, 0.4, 0.1, 0.5])
    one, ten = detectable(estimate, 1), detectable(estimate, 10)
    assert one is not None
    assert ten is not None
    assert one < ten
    assert detectable(estimate, 1, power=0.9) > one  # type: ignore[operator]
    assert planned(6, 1) > planned(12, 1)


def test_nothing_without_an_interval() -> None:
    assert detectable(Estimate(0.5, None, None, None, None, 1, 3, "cases"), 2) is None


def test_a_difference_of_that_size_is_found_in_four_studies_of_five() -> None:
    random = np.random.default_rng(5)
    true = planned(12, 1)  # in SDs between groups
    found = stats.ttest_1samp(random.normal(true, 1, (4000, 12)), 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.03)


def test_more_comparisons_by_hand() -> None:
    estimate = Estimate(0.01, -0.02, 0.04, 0.4, 9.0, 10, 1, "cases", error=0.013)
    assert detectable(estimate, 5) == pytest.approx((stats.t.ppf(0.995, 9) + stats.t.ppf(0.8, 9)) * 0.013)
