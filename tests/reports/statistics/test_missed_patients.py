"""Patients missed wholly, and bounds of their share."""

import numpy as np
import pytest
from scipy import stats

from reports.statistics.missed_patients import share_bounds, wholly_missed


def test_a_patient_is_missed_where_most_trainings_find_nothing_in_any_case() -> None:
    groups = np.array([4, 4, 9, 7])
    missed = np.array([[True, True, True, False], [True, True, False, True], [True, False, True, False]])
    assert list(wholly_missed(missed, groups)) == [True, False, True]  # 4 (2 of 3), 7 (1 of 3), 9 (2 of 3)


def test_share_bounds_are_clopper_and_pearsons() -> None:
    assert share_bounds(0, 10) == pytest.approx((0, 1 - 0.025**0.1))
    found = stats.binomtest(3, 11).proportion_ci()
    assert share_bounds(3, 11) == pytest.approx((found.low, found.high))
    assert share_bounds(6, 6)[1] == 1
