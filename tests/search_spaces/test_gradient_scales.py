"""Gradient scales: one for every loss, sums by their factors, and the range of sgd's learning rate."""

import pytest

from search_spaces.defaults import LOSSES
from search_spaces.gradient_scales import GRADIENT_SCALES, gradient_scale, sgd_learning_rate
from search_spaces.grammar import Choice, Fixed, Range


def test_every_loss_has_a_scale_with_a_reason() -> None:
    assert set(GRADIENT_SCALES) == set(LOSSES)
    assert all(scale > 0 and len(reason) > 5 for scale, reason in GRADIENT_SCALES.values())


def test_scale_of_a_sum_is_that_of_its_parts_times_their_factors() -> None:
    parts = {
        "dice.eps": Fixed(1e-5),
        "dice.factor": Fixed(10.0),
        "hausdorff.factor": Fixed(0.1),
        "hausdorff.power": Fixed(2.0),
    }
    assert gradient_scale("mine", parts) == pytest.approx(((10 * 0.3) ** 2 + (0.1 * 30) ** 2) ** 0.5)
    assert gradient_scale("mine", {"dice.eps": Fixed(1e-5)}) == pytest.approx(0.3)  # a factor of 1
    assert gradient_scale("mine", {"focal.factor": Range(0.01, 4.0, log=True)}) == pytest.approx(0.2)
    assert gradient_scale("mine", {"focal.factor": Choice((0.5, 2.0))}) == pytest.approx(0.5)


def test_the_users_own_loss_has_that_of_cross_entropy() -> None:
    assert gradient_scale("mine", {"code": Fixed("a:b"), "alpha": Fixed(3.0)}) == 1


def test_lesion_weights_make_it_larger() -> None:
    assert gradient_scale("dice", {}, "inverse") == pytest.approx(0.9)


def test_the_range_moves_against_the_scale() -> None:
    assert sgd_learning_rate(1.0).search == Range(1e-3, 1e-1, log=True)
    found = sgd_learning_rate(0.3)
    assert (found.value, found.search) == (0.033, Range(0.0033, 0.33, log=True))
    assert sgd_learning_rate(30.0).search == Range(3.3e-5, 3.3e-3, log=True)
