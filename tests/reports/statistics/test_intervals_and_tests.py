"""Mean, interval and p: values by hand, and what each refuses."""

import math

import numpy as np
import pytest
from scipy import stats

from reports.statistics.intervals_and_tests import Estimate, close_to_best, difference, mean_of
from reports.statistics.missed_patients import Scale, share_bounds
from reports.statistics.variance_of_means import Spread, hall, shared_training_factor

MM = Scale(0.0, math.inf, 300.0)


def test_one_case_a_patient_and_one_seed_is_the_paired_t() -> None:
    d = np.array([0.02, -0.03, 0.05, 0.04, 0.01, 0.06, -0.01])
    baseline = np.full((1, 7), 0.7)
    found = difference(baseline + d, baseline, np.arange(7), scale=Scale(-math.inf, math.inf))
    expected = stats.ttest_1samp(d, 0)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.freedom == pytest.approx(6)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_one_diverged_seed_stays_on_the_scale_and_has_no_p() -> None:
    random = np.random.Generator(np.random.Philox(key=3))
    baseline = 0.9 + random.normal(0, 0.02, (3, 12))
    arm = baseline + random.normal(0.01, 0.01, (3, 12))
    arm[1] = 0.0
    row, found = mean_of(arm, np.arange(12)), difference(arm, baseline, np.arange(12), diverged=1)
    assert row.low is not None
    assert row.high is not None
    assert 0 < row.low < row.mean < row.high < 1
    assert found.p is None
    assert "1 of 6 trainings diverged" in str(found.refused)
    assert not close_to_best(found, 0.05)
    distances = np.where(arm == 0, 300.0, 5.0 + random.normal(0, 1, (3, 12)))
    row = mean_of(distances, np.arange(12), scale=MM)
    assert row.low is not None
    assert 0 < row.low < row.mean


def test_factor_of_five_folds_widens_by_half() -> None:
    assert shared_training_factor(5) == pytest.approx(2.25)
    assert shared_training_factor(1) == 1
    random = np.random.Generator(np.random.Philox(key=4))
    baseline, d = np.full((1, 20), 0.7), random.normal(0.02, 0.05, (1, 20))
    free = Scale(-math.inf, math.inf)
    apart = difference(baseline + d, baseline, np.arange(20), scale=free)
    shared = difference(baseline + d, baseline, np.arange(20), scale=free, folds=5)
    assert apart.high is not None
    assert shared.high is not None
    assert (shared.high - shared.mean) / (apart.high - apart.mean) == pytest.approx(1.5)


def _pair(groups: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.Generator(np.random.Philox(key=6))
    baseline = 0.75 + random.normal(0, 0.05, (3, groups))
    return baseline + 0.06 + random.normal(0, 0.03, (3, groups)), baseline


def test_without_misses_p_stands_and_says_what_was_not_seen() -> None:
    arm, baseline = _pair(10)
    nobody = np.zeros((3, 10), dtype=bool)
    found = difference(arm, baseline, np.arange(10), missed=(nobody, nobody))
    assert found.p == difference(arm, baseline, np.arange(10)).p
    rate = found.mean / arm.mean()
    assert f"{100 * rate:.1f} % would cost" in str(found.caveat)
    assert f"probability {(1 - rate) ** 10:.2f}" in str(found.caveat)
    assert "up to 26 %" in str(found.caveat)
    assert found.overall is not None
    p, low, high = found.overall
    assert p == pytest.approx((1 - rate) ** 10)
    most = 1 - 0.025**0.1
    assert (low, high) == pytest.approx((found.mean - most * arm.mean(), found.mean + most * baseline.mean()))


def test_misses_that_were_not_seen_raise_p_once_arms_differ_in_misses() -> None:
    arm, baseline = _pair(40)
    missed, nobody = np.zeros((3, 40), dtype=bool), np.zeros((3, 40), dtype=bool)
    missed[:, 5] = True
    baseline[:, 5] = 0.0
    found = difference(arm, baseline, np.arange(40), missed=(nobody, missed))
    blind = difference(arm, baseline, np.arange(40))
    assert blind.p is not None
    assert found.p == pytest.approx((1 - found.mean / arm.mean()) ** 40)
    assert found.p > blind.p
    assert found.low == pytest.approx(found.mean - (1 - 0.025 ** (1 / 40)) * arm.mean())
    assert found.caveat is None
    assert found.overall == (found.p, found.low, found.high)
    # the other way round it is the same arm that is ahead
    turned = difference(baseline, arm, np.arange(40), missed=(missed, nobody))
    assert turned.p == pytest.approx(found.p)
    assert turned.low == pytest.approx(-found.high if found.high is not None else math.nan)


def test_misses_of_distances_raise_them() -> None:
    baseline = np.linspace(4, 9, 12)[None].repeat(2, axis=0)
    arm, lost = baseline - 1.0 + np.array([[0.1], [-0.1]]), np.zeros((2, 12), dtype=bool)
    arm, missed = arm.copy(), lost.copy()
    arm[:, 0], missed[:, 0] = 300.0, True
    row = mean_of(arm, np.arange(12), missed=missed, scale=MM)
    cost = 300 - arm[:, 1:].mean()
    assert row.high is not None
    assert row.high >= row.mean + (share_bounds(1, 12)[1] - 1 / 12) * cost - 1e-9
    assert row.low is not None
    assert row.low > 0


def test_an_arm_that_misses_every_patient() -> None:
    row = mean_of(np.zeros((3, 9)), np.arange(9), missed=np.ones((3, 9), dtype=bool))
    assert (row.low, row.high) == pytest.approx((0.0, 1 - 0.025 ** (1 / 9)))


def test_degenerate_differences() -> None:
    baseline = np.full((2, 8), 0.5)
    same = difference(baseline, baseline, np.arange(8))
    assert (same.low, same.high, same.p) == (0, 0, 1)
    shifted = difference(baseline + 0.1, baseline, np.arange(8))
    assert shifted.p is None
    assert "same amount" in str(shifted.refused)
    alone = difference(baseline, baseline - 0.1, np.zeros(8, dtype=int))
    assert alone.low is None
    few = difference(baseline[:, :5] + np.arange(5) / 50, baseline[:, :5], np.arange(5))
    assert few.p is None
    assert few.low is not None
    with pytest.raises(ValueError, match="missing ones"):
        mean_of(np.array([[0.1, math.nan]]), np.arange(2))


def test_only_a_narrow_interval_is_a_likeness() -> None:
    def row(low: float, high: float) -> Estimate:
        return Estimate((low + high) / 2, low, high, 0.4, 9.0, 10, 3, "cases")

    assert close_to_best(row(-0.009, 0.03), 0.01)
    assert not close_to_best(row(-0.4, 0.3), 0.01)
    assert not close_to_best(row(-0.009, 0.03), None)
    assert not close_to_best(row(-0.009, 0.03), 0.01, greater_is_better=False)


def test_a_higher_level_is_wider() -> None:
    arm, baseline = _pair(10)
    usual, wide = (difference(arm, baseline, np.arange(10), level=level) for level in (0.95, 0.99))
    assert wide.low < usual.low < usual.high < wide.high  # type: ignore[operator]
    assert usual.error == wide.error


def test_a_higher_level_is_wider_for_misses_too() -> None:
    arm, baseline = _pair(10)
    missed, nobody = np.zeros((3, 10), dtype=bool), np.zeros((3, 10), dtype=bool)
    missed[:, 5] = True
    baseline[:, 5] = 0.0
    found = difference(arm, baseline, np.arange(10), missed=(nobody, missed), level=0.99)
    assert found.low == pytest.approx(found.mean - (1 - 0.005**0.1) * arm.mean())
    assert found.p == difference(arm, baseline, np.arange(10), missed=(nobody, missed)).p


def test_skewness_counts_from_six_tenths_on() -> None:
    # from .8 on, .061 of 20,000 simulated studies of ten patients with one skewed arm came out below .05
    d = np.array([0.03, -0.01, 0.02, 0.04, 0.0, 0.01, 0.05, 0.02, 0.01, 0.075]) - 0.05
    effects = d - d.mean()
    skewness = float((effects**3).mean() / (effects**2).mean() ** 1.5)
    assert 0.6 < skewness < 0.8
    found = difference(np.full((1, 10), 0.7) + d, np.full((1, 10), 0.7), np.arange(10), scale=Scale(-math.inf))
    plain = stats.ttest_1samp(d, 0)
    _, high, p = hall(Spread(float(d.mean()), float(stats.sem(d)), 9.0, skewness, 10))
    assert p > plain.pvalue + 0.005
    assert (found.low, found.high) == pytest.approx((plain.confidence_interval().low, high))
    assert found.p == pytest.approx(p)


def test_a_mean_of_distances_does_not_exceed_the_data() -> None:
    values = np.array([[2.0, 2, 2, 290], [3.0, 2, 1, 280]])
    assert mean_of(values, np.arange(4), scale=MM).high > 300  # type: ignore[operator]
    assert mean_of(values, np.arange(4), scale=Scale(0.0, math.inf, 300.0, 300.0)).high == 300
