"""Variance, degrees of freedom, scales and skewness, by hand."""

import math

import numpy as np
import pytest
from scipy import special

from reports.statistics.variance_of_means import (
    Spread,
    cluster_variance,
    hall,
    on_scale,
    seeds_differ,
    weighed,
    weighing,
)


def test_variance_and_freedom_of_unequal_groups_by_hand() -> None:
    # h = (1/4, 3/4), effects (3, 1) about 2: V = (1/4) (1/(3/4) + 1/(1/4)) = 4/3; two groups leave one degree.
    variance, freedom = cluster_variance(np.array([3.0, 1.0]), np.array([1.0, 3.0]))
    assert variance == pytest.approx(4 / 3)
    assert freedom == pytest.approx(1)


def test_freedom_falls_where_one_patient_has_most_cases() -> None:
    even = cluster_variance(np.arange(8.0), np.full(8, 2.0))[1]
    uneven = cluster_variance(np.arange(8.0), np.array([9.0, 1, 1, 1, 1, 1, 1, 1]))[1]
    assert even == pytest.approx(7)
    assert uneven < 3


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([1, 1, 1], "cases"), ([1, 2, 3], "cases"), ([1, 1, 6], "patients"), ([5, 5, 5], "patients")],
)
def test_who_weighs_the_same(sizes: list[int], expected: str) -> None:
    assert weighing(np.repeat(np.arange(3), sizes)) == expected


def test_patients_weigh_the_same_where_one_has_most_slices() -> None:
    groups = np.array([0, 1, 2, 2, 2, 2, 2, 2])
    effects, sizes = weighed(np.array([[0.9, 0.6, *[0.3] * 6]]), groups)
    assert effects.mean() == pytest.approx(0.6)  # over cases it would be 0.4125
    assert list(sizes) == [1, 1, 1]


def test_logit_interval_by_hand() -> None:
    found = Spread(0.8, 0.04, 9.0, 0.0, 10)
    arm = special.stdtrit(9, 0.975) * 0.04 / (0.8 * 0.2)
    low, high = on_scale(found, 0.0, 1.0)
    assert low == pytest.approx(1 / (1 + math.exp(arm) / 4))
    assert high == pytest.approx(1 / (1 + math.exp(-arm) / 4))
    assert 0.8 - low > high - 0.8


def test_log_interval_by_hand() -> None:
    low, high = on_scale(Spread(6.0, 3.0, 2.0, 0.0, 10), 0.0, math.inf)
    assert low * high == pytest.approx(36)
    assert high == pytest.approx(6 * math.exp(special.stdtrit(2, 0.975) / 2))


def test_hall_is_its_own_inverse_and_leans_to_the_tail() -> None:
    found = Spread(0.05, 0.04, 9.0, 1.2, 10)
    low, high, p = hall(found)
    assert high - 0.05 > 0.05 - low
    for end in (low, high):  # a mean of 0 at an end of the interval has p .05
        assert hall(Spread(found.mean - end, 0.04, 9.0, 1.2, 10))[2] == pytest.approx(0.05)
    assert p != pytest.approx(float(2 * special.stdtr(9, -0.05 / 0.04)))


def test_seeds_differ_by_more_than_cases_explain() -> None:
    random = np.random.Generator(np.random.Philox(key=8))
    effects = random.normal(0.7, 0.02, (3, 20))
    alike = seeds_differ(effects)
    apart = seeds_differ(effects + np.array([[0.0], [0.0], [0.05]]))
    assert alike is not None
    assert apart is not None
    assert apart < 1e-6 < alike
    assert seeds_differ(effects[:1]) is None
