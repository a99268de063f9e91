import pytest

from reports.results import number_format
from reports.statistics.intervals_and_tests import Estimate


def test_minus_is_a_minus_and_zero_has_none() -> None:
    assert [number_format.fixed(value, 2) for value in (-1.234, 1.235, -0.001, None)] == ["−1.23", "1.24", "0.00", "–"]
    assert [number_format.signed(value, 2) for value in (0.5, -0.5, 0.001, -0.001)] == [
        "+0.50",
        "−0.50",
        "0.00",
        "0.00",
    ]


def test_intervals() -> None:
    estimate = Estimate(0.1, -0.05, 0.25, None, 4, 5, 1, "cases")
    assert number_format.interval(estimate, 3) == "[−0.050, 0.250]"
    assert number_format.interval(estimate, 3, difference=True) == "[−0.050, +0.250]"
    assert number_format.interval(Estimate(0.1, None, None, None, None, 1, 1, "cases"), 3) == ""


@pytest.mark.parametrize(
    ("p", "text"), [(None, "–"), (0.0, "<0.001"), (0.00099, "<0.001"), (0.0123, "0.012"), (1.0, "1.000")]
)
def test_p_values(p: float | None, text: str) -> None:
    assert number_format.p_value(p) == text


def test_parameters_have_short_names_where_these_are_clear() -> None:
    chosen = {"training.learning_rate": 0.00031234, "loss.gamma": 2, "loss.weights.kidney": 1.5, "model.mirror": True}
    assert number_format.parameters(chosen) == "learning_rate 0.000312, gamma 2, kidney 1.5, mirror yes"
    assert number_format.parameters({"loss.alpha": 1, "model.alpha": None}) == "loss.alpha 1, model.alpha none"


def test_iterations_and_hours_and_counts() -> None:
    assert [number_format.iteration(mark) for mark in (250, 1500, 5000, 30000)] == ["250", "1500", "5k", "30k"]
    assert [number_format.hours(value) for value in (0.042, 3.21, 120.4)] == ["0.04", "3.2", "120"]
    assert (number_format.count(1, "case"), number_format.count(2, "loss", "losses")) == ("1 case", "2 losses")
