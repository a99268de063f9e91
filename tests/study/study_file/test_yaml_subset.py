import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from study.study_file.yaml_subset import MOST_VALUES, read, read_value
from trainables.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1.5e+3", 1500.0),
        (".5", 0.5),
        ("-3", -3),
        ("+3", 3),
        ("3.", 3.0),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01"),
        ("no", "no"),
        ("off", "off"),
        ("yes", "yes"),
        ("y", "y"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("''", ""),
        ("'1e-4'", "1e-4"),
        ('"true"', "true"),
        ("='x'", "='x'"),
        (">127", None),  # a folded block of text: rules need quotes, and an error says so
        ("'>127'", ">127"),
        ("[1, 2.0, a]", [1, 2.0, "a"]),
        ("{low: 1, high: 1e3}", {"low": 1, "high": 1000.0}),
        ("case_1..case_9", "case_1..case_9"),
    ],
)
def test_what_words_mean(text: str, value: object) -> None:
    if text == ">127":
        with pytest.raises(InputError, match="line 1: not readable as YAML"):
            read_value(text)
        return
    found = read_value(text)
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text() -> None:
    assert read_value("no: 1\n1: 2\ntrue: 3\n1e3: 4\n~: 5") == {"no": 1, "1": 2, "true": 3, "1e3": 4, "~": 5}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: the key 'a' is there twice"),
        ("{a: {b: 1, b: 2}}", "the key 'b' is there twice"),
        (
            "a: !!python/object/apply:os.system ['echo']",
            "YAML tags such as 'tag:yaml.org,2002:python/object/apply:os.system'",
        ),
        ("a: !!int 3", "YAML tags"),
        ("!study\na: 1", "YAML tags"),
        ("- !x [1]", "YAML tags"),
        ("a: ! 3", "YAML tags"),
        ("? [1]\n: 2", "line 1: a key must be a word"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "line 3: merge keys"),
        ("a: .inf", "line 1: expected a finite number, found .inf"),
        ("a: -.INF", "expected a finite number"),
        ("a: .nan", "expected a finite number"),
        ("a: 1e999", "expected a finite number, found 1e999"),
        ("a: 99999999999999999999", "too large"),
        ("a: " + "9" * 6000, "too large"),
        ("a: &x [*x]", "an alias of itself"),
        ("a: *x", "undefined alias"),
        ("[" * 40 + "]" * 40, "nested more than 20 levels"),
        ("--- 1\n--- 2", "another document"),
        ("a: b: c", "line 1: not readable as YAML"),
        ("a: [1\n", "line 2: not readable as YAML"),
        ("\ta: 1", "not readable as YAML"),
        ("a\x00b", "not readable as YAML"),
        ("a: '\x07'", "not readable as YAML"),
        ("x" * 1_000_001, "1000001 letters long"),
    ],
)
def test_what_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_anchors_work_but_do_not_explode() -> None:
    assert read_value("a: &x {low: 1}\nb: *x") == {"a": {"low": 1}, "b": {"low": 1}}
    laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
    laughs += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    with pytest.raises(InputError, match=f"more than {MOST_VALUES}"):
        read(laughs)


def test_wide_is_not_deep() -> None:
    assert len(read_value("[" + "[1], " * 500 + "]")) == 500
    with pytest.raises(InputError, match="nested more than 20 levels"):
        read("[" + "[1], " * 50 + "[" * 25 + "]" * 25 + "]")
    assert read_value("[" * 21 + "]" * 21)


def test_numbers_up_to_63_bits() -> None:
    assert read_value(f"[{2**63 - 1}, {-(2**63) + 1}]") == [2**63 - 1, -(2**63) + 1]
    with pytest.raises(InputError, match="too large"):
        read_value(str(2**63))


def test_every_key_has_its_line() -> None:
    lines = read("a: 1\nb:\n  c: 2\n  d:\n    - 1\n    - x: 3\n").lines
    assert lines["a",] == "line 1"
    assert lines["b", "c"] == "line 3"
    assert lines["b", "d", 1, "x"] == "line 6"


values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**63) + 1, 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("abc_", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(values)
def test_what_json_writes_is_read(value: Any) -> None:
    found = read_value(json.dumps(value))
    assert found == value
    assert repr(found) == repr(value)


@given(
    st.dictionaries(
        st.text("abc_", min_size=1, max_size=4), st.one_of(st.floats(1e-8, 1e8), st.text("ab1", max_size=3))
    )
)
def test_what_pyyaml_writes_is_read(value: Any) -> None:
    assert read_value(yaml.safe_dump(value)) == value


PIECES = [
    "a",
    "b: ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "\n",
    "  ",
    "!",
    "!!int ",
    "&x ",
    "*x",
    "|",
    ">",
    "'",
    '"',
    "#",
    "%",
    "---",
    "...",
    "?",
    "1e5",
    "~",
    "<<: ",
    "\t",
    "\\",
    "@",
    "`",
]


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map("".join)))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with contextlib.suppress(InputError):
        json.dumps(read(text).value, allow_nan=False)
