import dataclasses
from typing import Any

import numpy as np
import pytest

from reports.results.estimates import Cell, cell, mean_over, units
from reports.statistics.intervals_and_tests import Floats, group_effects, two_way_t

NAN = np.nan
GROUPS = np.array([0, 0, 1, 2])


def one_search(values: list[list[float]]) -> Floats:
    """`(1, 1, S, N)` from `(S, N)`."""
    return np.array(values)[None, None]


def figures(found: Cell) -> tuple[Any, ...]:
    assert found.estimate is not None
    return dataclasses.astuple(found.estimate)


def directly(values: list[list[float]], groups: Any) -> Any:
    return pytest.approx(dataclasses.astuple(two_way_t(group_effects(np.array(values), groups))))


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
    found = cell(one_search([[0.9, NAN, 0.7, 0.6], [0.8, NAN, 0.6, 0.6]]), GROUPS)
    assert figures(found) == directly([[0.9, 0.7, 0.6], [0.8, 0.6, 0.6]], np.array([0, 1, 2]))
    assert (found.cases, found.units) == (3, 2)


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
    naive = two_way_t(group_effects(values.reshape(9, 20), np.arange(20)))
    assert found is not None
    assert found.seeds == 3
    assert found.high is not None
    assert naive.high is not None
    assert found.high - found.mean > 3 * (naive.high - naive.mean)


def test_sign_flip_comes_with_a_p_only() -> None:
    random = np.random.default_rng(1)
    assert cell(one_search(random.normal(size=(2, 5)).tolist()), np.arange(5), sensitivity=True).sign_flip is None
    found = cell(one_search((1 + random.normal(0, 0.1, size=(2, 6))).tolist()), np.arange(6), sensitivity=True)
    assert found.sign_flip == 2 / 64  # all sums positive: two of 64 sign patterns are as far out


def test_mean_over_what_is_there() -> None:
    assert mean_over(np.array([[1.0, NAN], [3.0, NAN]]), 0)[0] == 2
    assert np.isnan(mean_over(np.array([[1.0, NAN], [3.0, NAN]]), 0)[1])
