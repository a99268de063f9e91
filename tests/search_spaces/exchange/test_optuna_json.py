"""Optuna's distributions as JSON, read by Optuna itself."""

import json

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution, json_to_distribution

from search_spaces.exchange.optuna_json import read, write
from search_spaces.grammar import Choice, Fixed, GrammarError, Range

SPACE = {
    "training.learning_rate": Range(1e-4, 0.1, log=True),
    "loss.gamma": Range(0.0, 1.0, step=0.25),
    "model.width": Range(8, 32, step=8),
    "model.depth": Range(1, 64, log=True),
    "model.norm": Choice(("batch", None, True)),
    "training.batch_size": Fixed(4),
}


def test_optuna_reads_what_is_written() -> None:
    plain = json.loads(write(SPACE).text)
    found = {name: json_to_distribution(json.dumps(each)) for name, each in plain.items()}
    assert found == {
        "training.learning_rate": FloatDistribution(1e-4, 0.1, log=True),
        "loss.gamma": FloatDistribution(0.0, 1.0, step=0.25),
        "model.width": IntDistribution(8, 32, step=8),
        "model.depth": IntDistribution(1, 64, log=True),
        "model.norm": CategoricalDistribution(("batch", None, True)),
        "training.batch_size": CategoricalDistribution((4,)),
    }
    assert read(write(SPACE).text).space == SPACE


def test_texts_of_a_storage_and_names_of_optuna_2_are_read() -> None:
    old = json.dumps({"x": '{"name": "LogUniformDistribution", "attributes": {"low": 0.0001, "high": 0.1}}'})
    assert read(old).space == {"x": Range(1e-4, 0.1, log=True)}
    whole = json.dumps({"x": {"name": "IntUniformDistribution", "attributes": {"low": 1, "high": 9, "step": 2}}})
    assert read(whole).space == {"x": Range(1, 9, step=2)}


def test_a_high_that_no_step_reaches_is_lowered_as_optuna_does_and_said() -> None:
    given = {"x": {"name": "FloatDistribution", "attributes": {"low": 0, "high": 1, "step": 0.3, "log": False}}}
    found = read(json.dumps(given))
    assert found.space == {"x": Range(0.0, 0.9, step=0.3)}
    assert found.notes == ("x: Optuna lowers high from 1 to 0.9, the last of its steps",)


def test_the_first_trial_is_said_without_what_is_fixed() -> None:
    assert write(SPACE, dict.fromkeys(SPACE, 1)).notes[0].endswith('"model.depth": 1, "model.norm": 1}')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "the file: is no JSON"),
        ("[]", "the file: expected an object"),
        ("{}", "the file: expected an object"),
        ('{"x": 3}', "x: Optuna does not read it"),
        ('{"x": {"name": "NormalDistribution", "attributes": {}}}', "x: Optuna does not read it"),
        ('{"x": {"name": "FloatDistribution", "attributes": {"low": 2, "high": 1}}}', "x: Optuna does not read it"),
        ('{"x": {"name": "CategoricalDistribution", "attributes": {"choices": [1, 1]}}}', "x: 1 is listed twice"),
    ],
)
def test_what_optuna_or_a_study_file_refuses_is_one_line(text: str, said: str) -> None:
    with pytest.raises(GrammarError, match=said):
        read(text)
