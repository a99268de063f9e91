"""Included study files on data in their data sets' layouts: check, preparation, some training."""

import math
import pathlib
from collections.abc import Callable, Mapping

import pytest
import torch
import yaml

from study.cases import prepare
from study.cases.prepare import FoundCases, find
from study.checking.check import Check, check
from study.checking.tables import facts_of
from study.design import PlannedTrial, TrialKey
from study.machines.admission import Node
from study.study_file import Study, load
from study.trial_specs import Data, trial_spec
from tests import layout_data
from tests.layout_data import Truth
from trainables.data.cache.cache import CaseRecord, Dataset
from trainables.data.cases.options import PreprocessOptions
from trainables.training.training import Training

KITS = {
    "name": "kits",
    "dataset": {
        "path": None,
        "labels": {"kidney": 1, "tumor": 2},
        "regions": {"kidney+tumor": ["kidney", "tumor"], "tumor": ["tumor"]},
        "split": {"validation": "case_00003..case_00003", "test": "case_00004..case_00005"},
    },
    "preprocess": {"spacing": [3.0, 1.2, 1.2], "clip": [-79, 304]},
    "patch": {"size": [16, 32, 32]},
    "models": {"unet3d": {"width": 2}},
    "losses": {"dice": None},
    "training": {"iterations": 20},
    "budget": {"trials_per_arm": 2, "cohort": 1},
}
"""A study of KiTS19 data under another name: the layout is recognised."""

DATA: dict[str, tuple[Callable[[pathlib.Path], Truth], dict[str, str], tuple[int, int, int]]] = {
    "kits": (layout_data.kits19, {"kidney": "1", "tumor": "2"}, (3, 1, 2)),
    "lits": (layout_data.lits, {"liver": "1", "tumor": "2"}, (2, 2, 3)),
    "promise12": (layout_data.promise12, {"prostate": "1"}, (5, 2, 3)),
    "brats15": (layout_data.brats15, {"necrosis": "1", "oedema": "2", "solid": "3", "enhancing": "4"}, (5, 2, 2)),
    "luna16": (layout_data.luna16, {"nodule": "2 3 4"}, (6, 2, 2)),
    "decathlon-hippocampus": (layout_data.decathlon_hippocampus, {"anterior": "1", "posterior": "2"}, (4, 2, 2)),
    "decathlon-brain": (
        layout_data.decathlon_brain,
        {"oedema": "1", "non_enhancing": "2", "enhancing": "3"},
        (6, 2, 2),
    ),
    "ms-lesions": (layout_data.ms_lesions, {"lesion": "1"}, (2, 2, 2)),
    "membrane": (layout_data.membrane, {"membrane": "0"}, (20, 4, 6)),
    "hippocampus": (layout_data.hippocampus, {"anterior": "1", "posterior": "2"}, (5, 1, 2)),
    "liver-slices": (layout_data.liver_slices, {"liver": "255"}, (6, 2, 4)),
}
"""Study → (writer of its data, label → values in files, numbers of training, validation and test cases in fold 0)."""
SMALL = ("patch.size=[16, 32, 32]", "patch.overlap=[4, 8, 8]", "models={unet3d: {width: 2}}")
FLAT = ("patch.size=[32, 32]", "patch.overlap=[8, 8]", "models={unet: {width: 2}}")
SHRUNK = {"hippocampus": SMALL, "liver-slices": FLAT}
"""Studies whose file has no `smoke` section, with settings that make them small."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[pathlib.Path, Truth]]:
    """Folders of data by study, written once."""
    known: dict[str, tuple[pathlib.Path, Truth]] = {}

    def write(name: str) -> tuple[pathlib.Path, Truth]:
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            known[name] = folder, DATA[name][0](folder)
        return known[name]

    return write


def opened(name: str, data: pathlib.Path, folder: pathlib.Path) -> Study:
    if name == "kits":
        (folder / "kits.yaml").write_text(yaml.safe_dump(KITS, sort_keys=False))
        return load(folder / "kits.yaml", data=data)
    return load(name, SHRUNK.get(name, ()), data=data, small=name not in SHRUNK)


@pytest.mark.parametrize("name", DATA)
def test_check_sees_what_was_written(
    name: str, written: Callable[[str], tuple[pathlib.Path, Truth]], tmp_path: pathlib.Path
) -> None:
    data, truth = written(name)
    found = check(opened(name, data, tmp_path), Node("here", 2, 0))
    labels, parts = DATA[name][1:]
    assert [fact.name for fact in found.facts] == sorted(truth.voxels)
    assert {fact.channels for fact in found.facts} == {truth.channels}
    assert {fact.shape for fact in found.facts} == {truth.shape}
    assert {fact.spacing for fact in found.facts} == {truth.spacing}
    for fact in found.facts:
        assert fact.voxels == {label: _sum(truth.voxels[fact.name], values) for label, values in labels.items()}
    assert tuple(_count(found, part) for part in ("train", "validation", "test")) == parts
    assert all(value is None or value > 0.8 for fact in found.facts for value in fact.ceilings.values())


def test_channels_are_called_as_the_study_calls_them(
    written: Callable[[str], tuple[pathlib.Path, Truth]], tmp_path: pathlib.Path
) -> None:
    found = check(opened("brats15", written("brats15")[0], tmp_path), Node("here", 2, 0))
    told = [what for what, _ in facts_of(found) if what.startswith("channel")]
    assert told == ["channel 0 (flair)", "channel 1 (t1)", "channel 2 (t1c)", "channel 3 (t2)"]


def _sum(voxels: Mapping[int, int], values: str) -> int:
    return sum(voxels.get(int(value), 0) for value in values.split())


def _count(found: Check, part: str) -> int:
    return sum(role == part for role in found.splits[0].values())


@pytest.mark.parametrize("name", DATA)
def test_prepared_and_trained_for_some_iterations(
    name: str,
    written: Callable[[str], tuple[pathlib.Path, Truth]],
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data, truth = written(name)
    study = check(opened(name, data, tmp_path), Node("here", 2, 0)).study
    monkeypatch.setattr(prepare, "_records", _records_here)
    made = find(study).prepare(tmp_path, lambda event: None, lambda: None)
    assert Dataset.open(made.index).channels == truth.channels
    for arm in study.arms[-1:]:  # every arm has the same data
        training = _trained(study, made, arm.index, iterations=3)
        case = made.named(0, "validation")[0]
        scores = training.evaluate([case]).scores
        dice = [score.value for score in scores if score.metric == "dice"]
        assert len(dice) == len(study.regions)
        assert all(value is None or (math.isfinite(value) and 0 <= value <= 1) for value in dice)
        training.close()


def _trained(study: Study, data: Data, arm: int, iterations: int) -> Training:
    chosen = study.arms[arm]
    plan = PlannedTrial(TrialKey("search", arm, 0, 0, 0), 0, 7, chosen.default)
    training = Training(trial_spec(study, chosen, plan, data, gpu=0.0))
    before = training.digest()
    training.advance(iterations)
    assert training.digest() != before
    return training


def _records_here(
    found: FoundCases, how: PreprocessOptions, folder: pathlib.Path, *_: object
) -> dict[str, CaseRecord | str]:
    """Do the work of `prepare._records` without Ray."""
    return {case.name: prepare._prepare(case, how, str(folder), found.group[case.name]) for case in found.files}
