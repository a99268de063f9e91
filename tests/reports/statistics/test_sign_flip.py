"""The sign-flip test, by hand and by SciPy."""

import numpy as np
import pytest
from scipy import stats

from reports.statistics.sign_flip import group_sums, sign_flip

VALUES = np.array([[1.0, 3, 2], [2, 4, 6]])
GROUPS = np.array([0, 0, 1])


def test_sign_flip_by_hand() -> None:
    # Sums 3, 1, 2: of the eight sign patterns only +++ and --- reach 6.
    assert sign_flip(np.array([[3.0, 1, 2]])) == 2 / 8
    # Sums 3, 1, -2 (total 2): |total| >= 2 for all but (+ + +) -> 2 ... eight patterns give 2 0 6 4 and their negatives
    assert sign_flip(np.array([[3.0, 1, -2]])) == 6 / 8
    # Two seeds are averaged: sums 3, 1, 2 again.
    assert sign_flip(np.array([[2.0, 0, 3], [4, 2, 1]])) == 2 / 8


def test_sign_flip_by_draws_agrees_with_scipy() -> None:
    sums = np.random.default_rng(3).normal(0.4, 1, (1, 20))
    drawn = sign_flip(sums)
    expected = stats.permutation_test(
        (sums[0], np.zeros(20)), lambda a, b: np.sum(a - b), permutation_type="samples", n_resamples=20_000, rng=0
    )
    assert drawn == pytest.approx(expected.pvalue, abs=0.02)
    assert drawn == sign_flip(sums)  # the draws are seeded
    assert sign_flip(np.full((1, 20), 1.0)) == pytest.approx(1 / 10_001, abs=1e-9)  # never 0


def test_group_sums() -> None:
    assert group_sums(VALUES, GROUPS) == pytest.approx(np.array([[4, 2], [6, 6]]))


def test_where_patients_weigh_the_same_it_is_their_means() -> None:
    assert group_sums(VALUES, GROUPS, "patients").tolist() == [[2, 2], [3, 6]]
