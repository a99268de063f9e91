"""Which trainings and cases enter an estimate: by how a training ended, never by what it scored."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from reports.results.estimates import Cell, Sample, arm_cell, difference_cell, mean_over, units
from reports.statistics.intervals_and_tests import mean_of
from reports.statistics.missed_patients import Scale
from reports.statistics.variance_of_means import Floats

NAN = np.nan
GROUPS = np.array([0, 0, 1, 2])


def one_search(values: list[list[float]]) -> Floats:
    """`(1, 1, S, N)` from `(S, N)`."""
    return np.array(values)[None, None]


def cell(values: Floats, groups: Any, available: Any = None) -> Cell:
    """Samples of trainings that ended with scores where they have values, unless `available` says otherwise."""
    there = ~np.isnan(values) if available is None else np.broadcast_to(available, values.shape)
    return arm_cell(Sample(values, there, np.zeros(values.shape, dtype=bool)), groups, Scale())


def figures(found: Cell) -> tuple[Any, ...]:
    assert found.estimate is not None
    return dataclasses.astuple(found.estimate)


def directly(values: list[list[float]], groups: Any) -> Any:
    made = mean_of(np.array(values), groups, missed=np.zeros(np.shape(values), dtype=bool))
    return tuple(pytest.approx(value) if isinstance(value, float) else value for value in dataclasses.astuple(made))


def test_whole_values_are_estimated_as_they_are() -> None:
    values = [[0.9, 0.8, 0.7, 0.6], [0.8, 0.8, 0.6, 0.6]]
    found = cell(one_search(values), GROUPS)
    assert figures(found) == directly(values, GROUPS)
    assert (found.cases, found.units) == (4, 2)


def test_a_seed_lost_to_a_machine_is_left_out_whole() -> None:
    found = cell(one_search([[0.9, 0.8, 0.7, 0.6], [NAN, NAN, NAN, NAN], [0.7, 0.8, 0.9, 1.0]]), GROUPS)
    assert figures(found) == directly([[0.9, 0.8, 0.7, 0.6], [0.7, 0.8, 0.9, 1.0]], GROUPS)
    assert (found.cases, found.units) == (4, 2)


def test_a_seed_that_lacks_cases_never_takes_cases_from_the_others() -> None:
    found = cell(one_search([[0.9, NAN, 0.7, 0.6], [0.7, 0.8, 0.9, 1.0]]), GROUPS)
    assert found.mean == pytest.approx(0.85)
    assert (found.cases, found.units) == (4, 1)


def test_a_case_without_a_value_in_any_training_is_not_counted() -> None:
    found = cell(one_search([[0.9, NAN, 0.7, 0.6], [0.8, NAN, 0.6, 0.6]]), GROUPS, available=True)
    assert figures(found) == directly([[0.9, 0.7, 0.6], [0.8, 0.6, 0.6]], np.array([0, 1, 2]))
    assert (found.cases, found.units, found.support) == (3, 2, {0, 2, 3})
    assert not found.conditional


def test_a_value_that_exists_by_result_drops_no_training() -> None:
    # Dice of found lesions: the second training found less in all cases but has its say. By case: .85, .6, .4, none.
    found = cell(one_search([[0.9, 0.8, 0.4, NAN], [0.8, 0.4, NAN, NAN], [NAN] * 4]), GROUPS, available=True)
    assert found.conditional
    assert found.mean == pytest.approx((0.85 + 0.6 + 0.4) / 3)
    assert (found.cases, found.units, found.support) == (3, 3, {0, 1, 2})
    assert found.estimate is not None
    assert found.estimate.seeds == 1  # its interval is over patients alone
    assert found.unit_means == ()


def test_what_each_training_has_and_the_quartiles_of_cases() -> None:
    found = cell(one_search([[0.9, 0.8, 0.7, 0.6], [0.5, 0.4, 0.3, 0.2]]), np.arange(4))
    assert found.unit_means == pytest.approx((0.75, 0.35))
    assert found.units_differ is not None
    assert found.units_differ < 1e-6
    assert found.quartiles == pytest.approx((0.475, 0.55, 0.625))


def test_a_difference_is_over_what_both_have() -> None:
    arm, other = np.array([[0.9, 0.8, 0.7, 0.6], [NAN] * 4]), np.array([[0.7, 0.8, 0.8, NAN], [0.1] * 4])
    samples = [
        Sample(values[None, None], there[None, None], np.zeros((1, 1, 2, 4), dtype=bool))
        for values, there in ((arm, ~np.isnan(arm)), (other, np.ones((2, 4), dtype=bool)))
    ]
    found = difference_cell(samples[0], samples[1], GROUPS, Scale())
    assert found.mean == pytest.approx((0.2 + 0.0 - 0.1) / 3)
    assert (found.cases, found.units, found.support) == (3, 1, {0, 1, 2})


def test_nothing_scored_is_no_estimate() -> None:
    found = cell(one_search([[NAN] * 4] * 2), GROUPS)
    assert (found.estimate, found.mean, found.cases, found.units) == (None, None, 0, 0)


def test_folds_fill_one_another() -> None:
    # Fold 0 tests the first two cases, fold 1 the others; seed 1 of fold 1 was lost: seed 1 is incomplete.
    values = np.array([[[[0.9, 0.8, NAN, NAN], [0.7, 0.6, NAN, NAN]], [[NAN, NAN, 0.5, 0.4], [NAN, NAN, NAN, NAN]]]])
    found = cell(values, GROUPS)
    assert found.mean == pytest.approx((0.9 + 0.8 + 0.5 + 0.4) / 4)
    assert (found.cases, found.units) == (4, 1)


def test_folds_that_test_the_same_cases_are_averaged() -> None:
    values = np.array([[[[0.9, 0.8, 0.7, 0.6]], [[0.7, 0.6, 0.5, 0.4]]]])
    assert units(values) == pytest.approx(np.array([[0.8, 0.7, 0.6, 0.5]]))


def test_the_unit_is_a_seed_with_two_searches_and_a_search_with_three() -> None:
    values = np.arange(12.0).reshape(2, 1, 3, 2)
    assert units(values) == pytest.approx(values[:, 0].mean(axis=0))  # (3 seeds, 2 cases)
    values = np.arange(12.0).reshape(3, 1, 2, 2)
    assert units(values) == pytest.approx(values[:, 0].mean(axis=1))  # (3 searches, 2 cases)


def test_searches_that_differ_widen_the_interval() -> None:
    # Seeds of one search agree, searches do not: pairs (search, seed) taken as independent would hide it.
    offset = np.repeat([-0.03, 0.0, 0.03], 3).reshape(3, 1, 3, 1)
    values = 0.8 + offset + 0.001 * np.random.default_rng(0).normal(size=(3, 1, 3, 20))
    found = cell(values, np.arange(20)).estimate
    naive = mean_of(values.reshape(9, 20), np.arange(20))
    assert found is not None
    assert found.seeds == 3
    assert found.high is not None
    assert naive.high is not None
    assert found.high - found.mean > 3 * (naive.high - naive.mean)


@pytest.mark.parametrize(("groups", "p"), [(5, None), (6, 2 / 64)])
def test_sign_flip_comes_with_a_p_only(groups: int, p: float | None) -> None:
    values = 0.5 + np.random.default_rng(1).normal(0, 0.01, size=(1, 1, 2, groups))
    there = np.ones(values.shape, dtype=bool)
    samples = [Sample(part, there, ~there) for part in (values, np.full_like(values, 0.3))]
    found = difference_cell(samples[0], samples[1], np.arange(groups), Scale(), sensitivity=True)
    assert found.sign_flip == p  # all sums positive: two of 64 sign patterns are as far out


def test_mean_over_what_is_there() -> None:
    assert mean_over(np.array([[1.0, NAN], [3.0, NAN]]), 0)[0] == 2
    assert np.isnan(mean_over(np.array([[1.0, NAN], [3.0, NAN]]), 0)[1])
