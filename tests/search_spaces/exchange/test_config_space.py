"""ConfigSpace's JSON, read and written by ConfigSpace itself."""

import json
import pathlib

import pytest
from ConfigSpace import (
    Categorical,
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    Float,
    Integer,
    NormalFloatHyperparameter,
    OrdinalHyperparameter,
)

from search_spaces.exchange.config_space import read, write
from search_spaces.grammar import Choice, Fixed, GrammarError, Range

SPACE = {
    "training.learning_rate": Range(1e-5, 0.1, log=True),
    "loss.gamma": Range(0.0, 1.0, step=0.25),
    "model.width": Range(8, 32, step=8),
    "model.depth": Range(1, 4),
    "model.norm": Choice(("batch", "instance")),
    "training.batch_size": Fixed(4),
}
FIRST = {
    "training.learning_rate": 1e-4,
    "loss.gamma": 0.5,
    "model.width": 16,
    "model.depth": 4,
    "model.norm": "instance",
    "training.batch_size": 4,
}


def peer(*parameters: object, folder: pathlib.Path) -> str:
    made = ConfigurationSpace(seed=1)
    made.add(*parameters)
    made.to_json(folder / "space.json")
    return (folder / "space.json").read_text()


def test_configspace_reads_what_is_written_with_the_first_trial_as_default(tmp_path: pathlib.Path) -> None:
    (tmp_path / "space.json").write_text(write(SPACE, FIRST).text)
    there = ConfigurationSpace.from_json(tmp_path / "space.json")
    assert dict(there.get_default_configuration()) == FIRST
    drawn = {(row["loss.gamma"], row["model.width"], row["model.depth"]) for row in there.sample_configuration(3000)}
    assert {width for _, width, _ in drawn} == {8, 16, 24, 32}
    assert {depth for _, _, depth in drawn} == {1, 2, 3, 4}
    assert {gamma for gamma, _, _ in drawn} == {0.0, 0.25, 0.5, 0.75, 1.0}


def test_what_configspace_writes_is_read_and_its_default_comes_first(tmp_path: pathlib.Path) -> None:
    text = peer(
        Float("lr", (1e-5, 1e-1), log=True),
        Integer("n", (1, 100), log=True),
        Integer("m", (1, 4)),
        Categorical("c", ["a", "b"]),
        Constant("k", 3),
        OrdinalHyperparameter("even", [1, 3, 5], default_value=3),
        OrdinalHyperparameter("odd", [1, 2, 4]),
        folder=tmp_path,
    )
    found = read(text)
    assert found.space == {
        "lr": Range(1e-5, 0.1, log=True, first=0.001),  # the geometric middle
        "n": Range(1, 100, log=True, first=10),  # not 50
        "m": Range(1, 4, first=2),
        "c": Choice(("a", "b")),
        "k": Fixed(3),
        "even": Range(1, 5, step=2, first=3),
        "odd": Choice((1, 2, 4)),
    }
    assert [note.partition(":")[0] for note in found.notes] == ["n", "odd"]


def test_what_a_study_file_cannot_say_is_one_line(tmp_path: pathlib.Path) -> None:
    weighted = CategoricalHyperparameter("w", ["a", "b"], weights=[1, 3])
    with pytest.raises(GrammarError, match="w: has weights"):
        read(peer(weighted, folder=tmp_path))
    with pytest.raises(GrammarError, match="x: is of type 'normal_float'"):
        read(peer(NormalFloatHyperparameter("x", mu=0, sigma=1, lower=-3, upper=3), folder=tmp_path))
    plain = json.loads(write(SPACE).text)
    with pytest.raises(GrammarError, match="the file: has conditions"):
        read(json.dumps(plain | {"conditions": [{"child": "a"}]}))
    with pytest.raises(GrammarError, match=r"hyperparameters\[0\]: has no name"):
        read(json.dumps(plain | {"hyperparameters": [3]}))
    for text in ("{", "[]", "{}", "3"):
        with pytest.raises(GrammarError, match="the file: is no JSON of ConfigSpace"):
            read(text)


def test_a_default_outside_the_range_is_refused() -> None:
    row = {"type": "uniform_int", "name": "x", "lower": 1, "upper": 4, "default_value": 9, "log": False}
    with pytest.raises(GrammarError, match="x: first must lie between"):
        read(json.dumps({"hyperparameters": [row]}))
