import math
from typing import Any

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.distributions import distributions
from search_spaces.grammar import Choice, Fixed, Parameter, Range
from search_spaces.values import first_of, from_unit, grid_points, grid_values, nearest
from tests.search_spaces.parameters import contains, parameters, ranges, scalars

units = st.floats(0, 1, exclude_max=True)
ALMOST_ONE = math.nextafter(1, 0)


@given(parameters, units)
def test_a_point_of_the_unit_interval_is_allowed(parameter: Parameter, u: float) -> None:
    for point in (u, 0.0, ALMOST_ONE):
        assert contains(parameter, from_unit(parameter, point))


@given(ranges, units, units)
def test_a_greater_point_is_no_smaller_value(parameter: Range, u: float, v: float) -> None:
    low, high = sorted((u, v))
    assert from_unit(parameter, low) <= from_unit(parameter, high)  # type: ignore[operator]


@given(parameters, scalars)
def test_the_nearest_value_is_allowed_and_an_allowed_one_stays(parameter: Parameter, value: Any) -> None:
    found = nearest(parameter, value)
    assert contains(parameter, found)
    assert nearest(parameter, found) == found


def test_the_middle_of_a_log_range_is_geometric() -> None:
    assert from_unit(Range(1e-5, 1e-1, log=True), 0.5) == pytest.approx(1e-3)
    assert from_unit(Range(0.0, 8.0), 0.25) == 2.0


def test_whole_numbers_share_the_interval_equally() -> None:
    parameter = Range(3, 6)
    assert [from_unit(parameter, u) for u in (0, 0.249, 0.25, 0.5, 0.75, ALMOST_ONE)] == [3, 3, 4, 5, 6, 6]
    assert all(isinstance(from_unit(parameter, u), int) for u in (0.0, 0.6))


def test_each_whole_number_of_a_log_range_has_a_stretch() -> None:
    drawn = [from_unit(Range(1, 8, log=True), u / 1000) for u in range(1000)]
    assert set(drawn) == set(range(1, 9))
    assert drawn.count(1) > 3 * drawn.count(8)


def test_steps_do_not_drift() -> None:
    parameter = Range(0.1, 0.9, step=0.1)
    assert grid_values(parameter) == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert nearest(parameter, 0.31) == 0.3
    assert from_unit(parameter, 0.25) == 0.3
    assert contains(parameter, 0.1 + 2 * 0.1)
    assert not contains(parameter, 0.35)


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        (Range(1e-4, 1e-2, log=True), 0.5, 1e-2),
        (Range(8, 32, step=8), 19, 16),
        (Range(8, 32, step=8), 100, 32),
        (Range(1, 9), 4.6, 5),
        (Range(1e-4, 1e-2, log=True), None, 1e-3),
        (Choice((1, 2, 8)), 6, 8),
        (Choice((1.0, 2.0)), 2, 2.0),
        (Choice(("adam", "sgd")), "rprop", "adam"),
        (Choice((None, 0.5)), 0.7, 0.5),
        (Choice((0.5, None)), None, None),
        (Choice((True, False)), 0, True),
        (Fixed(3), 7, 3),
    ],
)
def test_nearest(parameter: Parameter, value: Any, expected: Any) -> None:
    found = nearest(parameter, value)
    assert found == pytest.approx(expected) if isinstance(expected, float) else found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("u", [-0.1, 1.0, 2.0, float("nan")])
def test_a_point_outside_is_refused(u: float) -> None:
    with pytest.raises(ValueError, match=r"expected a number in \[0, 1\)"):
        from_unit(Range(0.0, 1.0), u)


def test_a_grid_counts_its_points() -> None:
    space = {"a": Choice((1, 2, 3)), "b": Range(1, 4), "c": Range(0.1, 0.9, step=0.2), "d": Fixed(1)}
    assert grid_points(space) == 3 * 4 * 5
    assert grid_points(space | {"e": Range(0.0, 1.0)}) is None
    assert grid_points({}) == 1


@given(parameters)
def test_a_grid_lists_what_it_counts(parameter: Parameter) -> None:
    count = grid_points({"x": parameter})
    if count is None:
        with pytest.raises(ValueError, match="no finite grid"):
            grid_values(parameter)
        return
    values = grid_values(parameter)
    assert len(values) == count
    assert all(contains(parameter, value) for value in values)
    assert all(nearest(parameter, value) == value and nearest(parameter, value) in values for value in values)


@given(ranges, units)
def test_optuna_takes_every_value_and_draws_only_allowed_ones(parameter: Range, u: float) -> None:
    distribution = distributions({"x": parameter, "y": Fixed(1)})
    assert list(distribution) == ["x"]
    value = from_unit(parameter, u)
    trial = optuna.trial.create_trial(params={"x": value}, distributions=distribution, value=0.0)
    assert trial.params == {"x": value}
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=int(u * 1000)))
    assert contains(parameter, study.ask(fixed_distributions=distribution).params["x"])


def test_distributions_keep_log_step_and_kind() -> None:
    found = distributions(
        {"a": Range(1, 9, step=2), "b": Range(1e-3, 1.0, log=True), "c": Choice(("x", None)), "d": Fixed(1)}
    )
    assert found == {
        "a": optuna.distributions.IntDistribution(1, 9, step=2),
        "b": optuna.distributions.FloatDistribution(1e-3, 1.0, log=True),
        "c": optuna.distributions.CategoricalDistribution(("x", None)),
    }


def test_the_first_trial_is_where_the_range_says_else_nearest_to_the_usual_value() -> None:
    assert first_of(Range(1e-5, 1e-2, log=True, first=1e-4), 1.0) == 1e-4
    assert first_of(Range(1e-5, 1e-2, log=True), 1.0) == 1e-2
    assert first_of(Choice((1, 2)), 2) == 2
