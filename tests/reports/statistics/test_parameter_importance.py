"""Hyperparameter importance, by hand and by SciPy."""

import numpy as np
import pytest
from scipy import stats

from reports.statistics.parameter_importance import importance, parts


def test_importance_by_hand() -> None:
    # Ranks 1 to 9 in thirds: means 2, 5, 8, between 3 (9 + 0 + 9) = 54 of 60; H = 8 54 / 60 = 7.2; (7.2 - 2) / 6.
    column = [1e-4, 2e-4, 3e-4, 4e-4, 5e-4, 6e-4, 7e-4, 8e-4, 9e-4]
    values = np.arange(9.0) ** 3
    assert parts(column).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert importance(column, values) == pytest.approx(5.2 / 6)
    assert importance(column, -values) == pytest.approx(5.2 / 6)
    assert stats.kruskal(values[:3], values[3:6], values[6:]).statistic == pytest.approx(7.2)


def test_importance_is_that_of_kruskal_and_wallis_with_ties() -> None:
    random = np.random.default_rng(3)
    column = [*("batch",) * 5, *("instance",) * 9, *("none",) * 4]
    values = random.integers(0, 6, 18) + np.array([0.0] * 5 + [1.0] * 9 + [2.0] * 4)
    statistic = stats.kruskal(values[:5], values[5:14], values[14:]).statistic
    assert importance(column, values) == pytest.approx((statistic - 2) / 15)


def test_what_says_nothing() -> None:
    values = np.array([3.0, 1.0, 2.0] * 4)
    assert importance([0.5] * 12, values) is None  # never varied
    assert importance([1, 2, 3] * 2, values[:6]) is None  # six trials
    assert importance([True, False] * 6, np.zeros(12)) == 0.0  # nothing differs
    assert importance([True] * 3 + [False] * 3 + [True] * 3 + [False] * 3, values) == 0.0  # less than chance
    assert importance(list(range(12)), np.r_[np.arange(11.0), -1e9]) == importance(
        list(range(12)), np.r_[np.arange(11.0), -1]
    )


def test_equal_numbers_stay_together_and_few_values_are_choices() -> None:
    assert parts([1, 1, 1, 1, 1, 2, 3, 4, 5]).tolist() == [1, 1, 1, 1, 1, 1, 2, 2, 2]
    assert parts([8, 16, 8, 32]).tolist() == [2, 0, 2, 1]  # by their text: three values, three parts
    assert parts([None, "a", True]).tolist() == [1, 0, 2]
