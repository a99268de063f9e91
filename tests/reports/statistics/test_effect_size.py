"""The standardised difference, by hand."""

import numpy as np
import pytest

from reports.statistics.effect_size import standardised


def test_a_standardised_difference_by_hand() -> None:
    # Groups differ by 1, 2, 3, 6 (means over two seeds): mean 3, SD sqrt(14 / 3), J = 1 - 3 / 11.
    effects = np.array([[0.5, 2.0, 4.0, 6.0], [1.5, 2.0, 2.0, 6.0]])
    assert standardised(effects) == pytest.approx((1 - 3 / 11) * 3 / (14 / 3) ** 0.5)
    assert standardised(-effects) == pytest.approx(-(1 - 3 / 11) * 3 / (14 / 3) ** 0.5)


def test_no_standardised_difference_without_a_spread_or_with_two_groups() -> None:
    assert standardised(np.ones((2, 5))) is None
    assert standardised(np.array([[1.0, 2.0]])) is None
