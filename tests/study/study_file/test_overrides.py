from pathlib import Path

import pytest

from study.study_file import SpecError, load

FILE = """\
name: whole
dataset:
  path: kits
  labels: {kidney: 1, tumor: 2}
  split: {validation: "case_0..case_3", test: [case_4]}
patch: {size: [80, 80, 80]}
models: [unet3d, vnet]
losses: {focal: {gamma: 2.0}}
training: {iterations: 3000, optimizer: sgd}
budget: {trials_per_arm: 12, cohort: 6}
smoke:
  dataset: {split: {validation: 0.25, test: 0.5}}
  patch: {size: [16, 16, 32]}
  models: {unet3d: {width: 4}}
  training: {iterations: 20}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_unasked_it_changes_nothing(file: Path) -> None:
    study = load(file)
    assert (study.name, study.patch.size, study.training.iterations) == ("whole", (80, 80, 80), 3000)
    assert "smoke" not in study.plain()


def test_asked_it_replaces_leaves_and_lists_and_nothing_else(file: Path) -> None:
    study = load(file, small=True)
    assert study.name == "whole-smoke"
    assert study.patch.size == (16, 16, 32)
    assert (study.dataset.split.validation, study.dataset.split.test) == (0.25, 0.5)
    assert study.training.iterations == 20
    assert {arm.default.get("model.width") for arm in study.arms} == {4, 16}, "vnet keeps its own"
    assert {arm.default["training.optimizer"] for arm in study.arms} == {"sgd"}
    assert study.budget.trials_per_arm == 12


def test_the_command_line_has_the_last_word(file: Path) -> None:
    study = load(file, ["training.iterations=7", "name=mine"], small=True)
    assert (study.training.iterations, study.name) == (7, "mine")


def test_what_is_wrong_in_it_is_found_with_its_line(file: Path) -> None:
    file.write_text(FILE.replace("iterations: 20", "iterations: -1"), encoding="utf-8")
    assert load(file).training.iterations == 3000
    with pytest.raises(SpecError, match=r"line 15.*training\.iterations|training\.iterations.*line 15"):
        load(file, small=True)


@pytest.mark.parametrize(
    ("section", "said"), [("", "the file has no `smoke` section"), ("smoke: [1]", "expected keys of the study file")]
)
def test_without_a_section_it_is_refused(file: Path, section: str, said: str) -> None:
    file.write_text(FILE[: FILE.index("smoke:")] + section, encoding="utf-8")
    with pytest.raises(SpecError, match=said):
        load(file, small=True)
