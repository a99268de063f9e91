"""Syne Tune's JSON: rows that `config_space_to_json_dict` of syne-tune 0.16.0 wrote.

Syne Tune is no dependency of the tests: it brings CUDA packages with it.
"""

import json
import math

import pytest

from search_spaces.exchange.syne_tune import read, write
from search_spaces.grammar import Choice, Fixed, GrammarError, Range

LOG = {"sampler_cls": "LogUniform", "sampler_kwargs": {"base": math.e}}
EVEN = {"sampler_cls": "Uniform", "sampler_kwargs": {}}
WRITTEN = {
    "lr": {"domain_cls": "Float", "domain_kwargs": {"lower": 1e-05, "upper": 0.1}, **LOG},
    "n": {"domain_cls": "Integer", "domain_kwargs": {"lower": 1, "upper": 100}, **LOG},
    "m": {"domain_cls": "Integer", "domain_kwargs": {"lower": 1, "upper": 4}, **EVEN},
    "f": {"domain_cls": "Float", "domain_kwargs": {"lower": 0, "upper": 1}, **EVEN},
    "c": {"domain_cls": "Categorical", "domain_kwargs": {"categories": ["a", "b"]}, **EVEN},
    "k": 3,
    "fr": {
        "domain_cls": "FiniteRange",
        "domain_kwargs": {"lower": 0.1, "upper": 0.5, "log_scale": False, "cast_int": False, "size": 5},
    },
    "fi": {
        "domain_cls": "FiniteRange",
        "domain_kwargs": {"lower": 2, "upper": 8, "log_scale": False, "cast_int": True, "size": 4},
    },
}
SPACE = {
    "lr": Range(1e-5, 0.1, log=True),
    "n": Range(1, 100, log=True),
    "m": Range(1, 4),  # with its upper end, unlike Ray Tune's randint(1, 4)
    "f": Range(0.0, 1.0),
    "c": Choice(("a", "b")),
    "k": Fixed(3),
    "fr": Range(0.1, 0.5, step=0.1),
    "fi": Range(2, 8, step=2),
}


def domain(kind: str, **arguments: object) -> str:
    return json.dumps({"x": {"domain_cls": kind, "domain_kwargs": arguments}})


def test_both_ways() -> None:
    assert read(json.dumps(WRITTEN)).space == SPACE
    assert json.loads(write(SPACE).text) == WRITTEN


def test_log_steps_and_ordinals_become_choices() -> None:
    grid = {"lower": 0.001, "upper": 0.1, "log_scale": True, "cast_int": False, "size": 3}
    found = read(domain("FiniteRange", **grid)).space["x"]
    assert isinstance(found, Choice)
    assert found.values == pytest.approx((0.001, 0.01, 0.1))
    assert read(domain("FiniteRange", **grid | {"lower": 1, "upper": 100, "cast_int": True})).space["x"] == Choice(
        (1, 10, 100)
    )
    assert read(domain("OrdinalNearestNeighbor", categories=[1, 2, 4], log_scale=True)).space["x"] == Choice((1, 2, 4))


def test_thirds_become_a_choice() -> None:
    found = read(domain("FiniteRange", lower=0.0, upper=1.0, log_scale=False, cast_int=False, size=4))
    assert isinstance(found.space["x"], Choice)
    assert found.space["x"].values == pytest.approx((0, 1 / 3, 2 / 3, 1))
    assert "a choice" in found.notes[0]


def test_a_reverse_log_range_is_pointed_out_since_syne_tune_writes_it_as_a_log_range() -> None:
    row = {"x": {"domain_cls": "Float", "domain_kwargs": {"lower": 0.9, "upper": 0.99}, **LOG}}
    assert "reverseloguniform" in read(json.dumps(row)).notes[0]
    assert read(json.dumps({"lr": WRITTEN["lr"]})).notes == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the file: is no JSON"),
        ("[1]", "the file: expected an object"),
        ('{"x": {"domain_cls": "Function"}}', "x: is a Function; known are Float"),
        ('{"x": {"domain_cls": ["Float"], "domain_kwargs": {}}}', "x: is a "),
        (domain("Float", lower=2, upper=1), "x: the range is upside down"),
        (domain("Float", lower="a", upper=1), "x: lower is 'a'"),
        (domain("Integer", lower=0.5, upper=1), "x: lower is 0.5, expected a whole number"),
        (domain("FiniteRange", lower=0, upper=1, size=1), "x: has size 1"),
        (domain("FiniteRange", lower=0, upper=1, size=3, log_scale=True), "x: a log range must start above 0"),
        ('{"x": {"domain_cls": "Float", "domain_kwargs": {}, "sampler_cls": "Normal"}}', "x: is drawn by Normal"),
        ('{"x": [1]}', "x: expected a number, a word or a range"),
    ],
)
def test_what_a_study_file_cannot_say_is_one_line(text: str, said: str) -> None:
    with pytest.raises(GrammarError, match=said):
        read(text)
