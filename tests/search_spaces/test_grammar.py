import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.grammar import (
    Choice,
    Fixed,
    GrammarError,
    Parameter,
    Range,
    flatten,
    from_plain,
    parse,
    to_plain,
    written,
)
from tests.search_spaces.parameters import parameters


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, Fixed(3)),
        ("adam", Fixed("adam")),
        (None, Fixed(None)),
        (True, Fixed(True)),
        ([0.25, 0.5], Choice((0.25, 0.5))),
        ([16], Fixed(16)),
        ({"low": 1, "high": 5}, Range(1, 5)),
        ({"low": 1, "high": 2.5}, Range(1.0, 2.5)),
        ({"low": 1e-5, "high": 1e-3, "log": True}, Range(1e-5, 1e-3, log=True)),
        ({"low": 0.1, "high": 0.9, "step": 0.1}, Range(0.1, 0.9, step=0.1)),
        ({"low": 8, "high": 32, "step": 8}, Range(8, 32, step=8)),
        ({"low": 0, "high": 1, "step": 0.25}, Range(0.0, 1.0, step=0.25)),
    ],
)
def test_what_a_file_says(value: object, expected: Parameter) -> None:
    parsed = parse(value, "x")
    assert parsed == expected
    if isinstance(parsed, Range):
        assert parsed.whole == expected.whole  # type: ignore[union-attr]
        assert type(parsed.low) is type(expected.low)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"low": 5, "high": 1}, "x: the range is upside down: low 5 is above high 1"),
        ({"low": 1, "high": 1}, "both 1"),
        ({"low": 0, "high": 1, "log": True}, "must start above 0, found low 0"),
        ({"low": -1.0, "high": 1.0, "log": True}, "must start above 0"),
        ({"low": 0.0, "high": 1.0, "step": 0.3}, "step 0.3 does not lead from low 0.0 to high 1.0"),
        ({"low": 1, "high": 10, "step": 4}, "does not lead"),
        ({"low": 1, "high": 5, "step": 0}, "step must be above 0"),
        ({"low": 1, "high": 5, "step": -2}, "step must be above 0"),
        ({"low": 1.0, "high": 5.0, "step": 1.0, "log": True}, "cannot have a step"),
        ({"low": 1, "high": 5, "first": 6}, "first must lie between low 1 and high 5, found 6"),
        ({"low": 1, "high": 5, "first": 2.5}, "first must be a whole number, as low and high are, found 2.5"),
        (
            {"low": 0.0, "high": 1.0, "step": 0.25, "first": 0.3},
            "first 0.3 is not among the steps of 0.25 from low 0.0",
        ),
        ({"low": 1, "high": 5, "first": "2"}, "x.first: expected a number, found '2'"),
        ({"low": 1}, "x: a range needs `high`"),
        ({}, "a range needs `low`"),
        ({"low": 1, "high": None}, "a range needs `high`"),
        ({"low": 1, "high": 2, "stepp": 1}, "x.stepp: a range has only"),
        ({"low": "1", "high": 2}, "x.low: expected a number, found '1'"),
        ({"low": True, "high": 2}, "x.low: expected a number, found True"),
        ({"low": float("nan"), "high": 2}, "x.low: expected a number, found nan"),
        ({"low": 0, "high": float("inf")}, "x.high: expected a number, found inf"),
        ({"low": 1, "high": 2, "log": "yes"}, "x.log: expected true or false, found 'yes'"),
        ([], "the list is empty"),
        ([1, 2, 1], "1 is listed twice"),
        ([1, 1.0], "listed twice"),
        ([True, 1], "listed twice"),
        ([[1], 2], r"expected a number, a word or a range, found \[1\]"),
        ([1.0, float("nan")], "expected a finite number"),
        (float("inf"), "expected a finite number"),
        ({1, 2}, "expected a number, a word or a range"),
    ],
)
def test_what_it_must_not_say(value: object, problem: str) -> None:
    with pytest.raises(GrammarError, match=problem):
        parse(value, "x")


def test_a_step_of_tenths_divides_although_floats_do_not() -> None:
    assert (0.7 - 0.1) % 0.1 > 0.05  # what arithmetic on floats would say
    assert parse({"low": 0.1, "high": 0.7, "step": 0.1}, "x") == Range(0.1, 0.7, step=0.1)


def test_nested_names_are_joined_by_dots() -> None:
    space = flatten(
        {"weights": {"background": 1, "kidney": {"low": 0.5, "high": 8.0, "log": True}}, "gamma": [1, 2]}, "loss"
    )
    assert space == {
        "loss.weights.background": Fixed(1),
        "loss.weights.kidney": Range(0.5, 8.0, log=True),
        "loss.gamma": Choice((1, 2)),
    }


def test_every_problem_of_a_mapping_is_said() -> None:
    with pytest.raises(GrammarError) as caught:
        flatten({"a": {"low": 2, "high": 1}, "b": 3, "c": {"d": []}})
    assert [key for key, _ in caught.value.problems] == ["a", "c.d"]


@given(parameters)
def test_the_ledgers_form_reads_back_through_json(parameter: Parameter) -> None:
    again = from_plain(json.loads(json.dumps(to_plain(parameter), allow_nan=False)))
    assert again == parameter
    assert repr(again) == repr(parameter)  # 1 stays an int, 1.0 a float


@given(parameters)
def test_the_files_form_reads_back(parameter: Parameter) -> None:
    again = parse(json.loads(json.dumps(written(parameter))), "x")
    assert repr(again) == repr(parameter)


plain_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["low", "high", "log", "step", "other"]), inner, max_size=4),
    ),
    max_leaves=8,
)


@given(plain_values)
def test_nothing_but_a_grammar_error_comes_of_any_value(value: object) -> None:
    with contextlib.suppress(GrammarError):
        assert isinstance(parse(value, "x"), Fixed | Choice | Range)


def test_where_an_arm_begins_is_kept_where_it_was_said() -> None:
    parsed = parse({"low": 1, "high": 3.5, "first": 2}, "x")
    assert parsed == Range(1.0, 3.5, first=2.0)
    assert to_plain(parsed) == written(parsed) == {"low": 1.0, "high": 3.5, "log": False, "step": None, "first": 2.0}
    assert from_plain(to_plain(parsed)) == parsed
    assert "first" not in to_plain(Range(1.0, 3.5))
