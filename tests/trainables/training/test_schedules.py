"""Schedules worked by hand."""

import pytest

from trainables.training.schedules import SCHEDULES, step


def test_constant_and_polynomial() -> None:
    assert [SCHEDULES["constant"](i, 4) for i in range(4)] == [1, 1, 1, 1]
    expected = [1.0, 0.75**0.9, 0.5**0.9, 0.25**0.9]
    assert [SCHEDULES["polynomial"](i, 4) for i in range(4)] == pytest.approx(expected)


def test_steps_at_shares_and_iterations() -> None:
    rates = [step(i, 100, at=[0.57, 80], factor=0.1) for i in (0, 56, 57, 79, 80, 99)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])  # 0.57 * 100 is a little less than 57


def test_inverse_weighting_falls_at_epoch_80_of_100() -> None:
    assert [step(i, 10_000, at=[0.8]) for i in (7999, 8000, 9999)] == pytest.approx([1, 0.1, 0.1])


def test_matthews_falls_every_25_thousand() -> None:
    assert [step(i, 30_000, every=25_000) for i in (0, 24_999, 25_000, 29_999)] == pytest.approx([1, 1, 0.1, 0.1])
    assert step(50_000, 60_000, every=25_000, factor=0.5) == 0.25
