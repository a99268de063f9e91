"""Everything a user can get wrong, through the command: one line, exit code 2, nothing started, nothing left behind."""

import pathlib
import re
from collections.abc import Callable
from typing import Any

import nibabel
import numpy as np
import pytest
import ray
import yaml

from study.cli import run_command
from study.ledger import Ledger
from study.ledger.rows import Case
from study.spec import Study
from tests.study.study_files import changed
from tests.trainables.data.files import affine, pair, save

SMALL = changed(
    {
        "dataset.labels": {"organ": 1, "lesion": 2},
        "dataset.split": {"validation": 0.25, "test": 0.25},
        "resources": {"cpu": 1, "gpu": 0},
        "budget.halving": {"eta": 2, "marks": [50, 100]},
    }
)
Break = Callable[[pathlib.Path], Any]
"""Given the dataset's folder, spoils it; what it returns is written in place of the study file, if anything."""


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """A dataset of eight good cases and a study file that is right."""
    for number in range(8):
        pair(tmp_path / "data", f"p{number // 2}_scan{number}", seed=number)
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(SMALL, sort_keys=False))
    return tmp_path


def _file(**changes: Any) -> Break:
    """A study file with other values: `budget__cohort=5`."""
    return lambda data: changed({key.replace("__", "."): value for key, value in changes.items()}, SMALL)


def _text(text: str) -> Break:
    return lambda data: text


def _image(data: pathlib.Path) -> pathlib.Path:
    return data / "imagesTr" / "p1_scan2_0000.nii.gz"


def _mask(data: pathlib.Path) -> pathlib.Path:
    return data / "labelsTr" / "p1_scan2.nii.gz"


def _array(path: pathlib.Path) -> np.ndarray:
    return np.asarray(nibabel.load(path).dataobj)


def _with_nan(data: pathlib.Path) -> None:
    array = _array(_image(data)).astype(np.float32)
    array[1, 2, 3] = np.nan
    save(_image(data), array)


def _shifted(data: pathlib.Path) -> None:
    save(_mask(data), _array(_mask(data)), affine(origin=(-18, 5, 40)))


def _truncated(data: pathlib.Path) -> None:
    _image(data).write_bytes(_image(data).read_bytes()[:-200])


def _empty(data: pathlib.Path) -> None:
    for file in [*data.glob("*/*")]:
        file.unlink()


TABLE: dict[str, tuple[Break, str]] = {
    # the study file
    "no such file": (lambda data: (data.parent / "study.yaml").unlink(), r"study.yaml: no such study file"),
    "no YAML": (_text("name: [small"), r"study.yaml: line 1: not readable as YAML"),
    "not a mapping": (_text("- small\n"), r"study.yaml: expected a study file"),
    "nothing in it": (_text(""), r"study.yaml: expected a study file .*, found nothing"),
    "a tag": (_text("name: !!python/object/apply:os.system ['true']\n"), r"line 1: YAML tags such as .* are refused"),
    "a key twice": (_text("name: a\nname: b\n"), r"line 2: the key 'name' is there twice"),
    "unknown key": (_file(budget__trails_per_arm=4), r"budget.trails_per_arm .*Did you mean 'trials_per_arm'\?"),
    "unknown network": (
        _file(models={"unet3": {}}),
        r"models.unet3 .*there is no model 'unet3'. Did you mean 'unet3d'\?",
    ),
    "unknown loss": (_file(losses={"dise": None}), r"losses.dise .*there is no loss 'dise'. Did you mean 'dice'\?"),
    "unknown metric": (_file(objective__metric="dicee"), r"objective.metric.*Did you mean 'dice'\?"),
    "range upside down": (_file(losses={"focal": {"gamma": {"low": 4, "high": 1}}}), r"losses.focal.gamma .*low"),
    "network of another dimension": (_file(models={"unet": {}}), r"models.unet .*2D.*unet3d"),
    "trials no multiple of cohort": (
        _file(budget__trials_per_arm=10),
        r"10 is no multiple of cohort \(4\): give 8 or 12",
    ),
    "TPE that never models": (_file(budget__trials_per_arm=4), r"would never model: give 8 or more"),
    "marks that end early": (
        _file(budget__halving={"eta": 2, "marks": [10, 50]}),
        r"the last is 50 and training.iterations is 100",
    ),
    # the data
    "no such folder": (_file(dataset__path="dota"), r"dataset.path: no folder .*dota.*Did you mean 'data'\?"),
    "no known layout": (_file(dataset__path="data/imagesTr"), r"has none of the known layouts"),
    "no cases": (_empty, r"no cases in imagesTr and labelsTr"),
    "image without mask": (
        lambda data: _mask(data).unlink(),
        r"imagesTr/p1_scan2_0000.nii.gz: there is no mask for it",
    ),
    "mask without image": (lambda data: _image(data).unlink(), r"labelsTr/p1_scan2.nii.gz: there is no image for it"),
    "excluded case that is not there": (_file(dataset__exclude=["p9*"]), r"dataset.exclude: no case 'p9\*'"),
    "shapes differ": (
        lambda data: save(_mask(data), _array(_mask(data))[:, :, :-1]),
        r"p1_scan2.nii.gz: shape 6x8x9",
    ),
    "affines differ": (_shifted, r"labelsTr/p1_scan2.nii.gz: lies 1.3 voxels away from its image"),
    "a value without a label": (
        _file(dataset__labels={"organ": 1}),
        r"labelsTr/p0_scan0.nii.gz and 7 more: value 2 is covered by no label",
    ),
    "a label that no mask has": (
        _file(dataset__labels__vein=3),
        r"dataset.labels: 'vein' \(==3\) occurs in no case's mask",
    ),
    "NaN voxels": (_with_nan, r"imagesTr/p1_scan2_0000.nii.gz: 1 voxel is NaN or infinite"),
    "truncated gzip": (_truncated, r"imagesTr/p1_scan2_0000.nii.gz: .*"),
    "not an image at all": (lambda data: _image(data).write_text("hello"), r"imagesTr/p1_scan2_0000.nii.gz: .*"),
    "empty split": (
        _file(dataset__split={"validation": "p0_scan0..p3_scan6", "test": ["p3_scan7"]}),
        r"dataset.split: no case is left for train",
    ),
    "a case in two splits": (
        _file(dataset__split={"validation": ["p0_scan0"], "test": ["p0_scan0"]}),
        r"case 'p0_scan0' is in validation and in test",
    ),
    "a group in two splits": (
        _file(dataset__group=r"^(p\d)_", dataset__split={"validation": ["p0_scan0"], "test": ["p0_scan1"]}),
        r"group 'p0'",
    ),
    "a pattern that finds no group": (_file(dataset__group=r"^(q\d)_"), r"dataset.group: .* finds no group in"),
    "too few groups": (
        _file(dataset__group=r"^(p)", dataset__split={"validation": 0.2, "test": 0.2}),
        r"dataset.split",
    ),
    # the machine
    "more cores than there are": (
        _file(resources={"cpu": 9999, "gpu": 0}),
        r"resources: a trial needs 9999 CPUs and 0 GPUs",
    ),
    "more GPUs than there are": (_file(resources={"cpu": 1, "gpu": 60}), r"resources: a trial needs 1 CPU and 60 GPUs"),
}


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize("name", TABLE)
def test_one_line_and_nothing_started(
    name: str, command: str, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, expected = TABLE[name]
    written = spoil(folder / "data")
    if isinstance(written, dict):
        (folder / "study.yaml").write_text(yaml.safe_dump(written, sort_keys=False))
    elif isinstance(written, str):
        (folder / "study.yaml").write_text(written)
    monkeypatch.chdir(folder)
    before = _listing(folder)

    code = run_command([command, "study.yaml"])

    said = capsys.readouterr()
    assert code == 2, said
    assert said.out == ""
    assert re.fullmatch(r"Error: [^\n]*\n", said.err), said.err
    assert re.search(expected, said.err), said.err
    assert "Traceback" not in said.err
    assert not ray.is_initialized()
    assert _listing(folder) == before


def _listing(folder: pathlib.Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_what_is_right_passes(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    before = _listing(folder)
    assert run_command(["check", "study.yaml"]) == 0
    assert capsys.readouterr().out.startswith("small: 2 arms on 8 cases, 3D\n")
    after = _listing(folder)
    assert before.items() <= after.items()
    assert {pathlib.Path(name).parts[:3] for name in after.keys() - before.keys()} <= {
        ("runs",),
        ("runs", "cache"),
        ("runs", "cache", "facts"),
        ("runs", "cache", "digests"),
    }


def test_everything_wrong_is_said_at_once(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    _with_nan(folder / "data")
    save(folder / "data" / "labelsTr" / "p2_scan4.nii.gz", np.zeros((2, 2, 2), np.uint8))
    plain = changed({"dataset.split": {"validation": ["nobody"], "test": 0.2}, "resources.cpu": 9999}, SMALL)
    (folder / "study.yaml").write_text(yaml.safe_dump(plain))
    assert run_command(["check", str(folder / "study.yaml")]) == 2
    error = capsys.readouterr().err
    for part in (
        "4 things to put right",
        "nobody",
        "9999 CPUs",
        "p1_scan2_0000.nii.gz: 1 voxel",
        "p2_scan4.nii.gz: shape",
    ):
        assert part in error


COMMAND_LINES: dict[str, tuple[list[str], str]] = {
    "no such command": (["chekc"], r"No such command 'chekc'"),
    "no such option": (["check", "study.yaml", "--dato", "x"], r"No such option: --dato"),
    "no file named": (["check"], r"Missing argument 'FILE'"),
    "a setting without value": (["check", "study.yaml", "--set", "budget"], r"--set budget: expected key=value"),
    "a setting that does not exist": (["check", "study.yaml", "--set", "budget.x=1"], r"budget.x \(--set\)"),
    "data that are not there": (["run", "study.yaml", "--data", "nowhere"], r"no folder"),
    "no ledger": (["status", "small"], r"ledger 'runs/ledger.db' does not exist; `segstudy run` makes it"),
    "no ledger to list": (["list"], r"ledger 'runs/ledger.db' does not exist"),
    "no ledger to stop in": (["stop", "small"], r"ledger 'runs/ledger.db' does not exist"),
    "no ledger to report from": (["report", "small"], r"ledger 'runs/ledger.db' does not exist"),
    "a ledger that is none": (["status", "small", "--ledger", "study.yaml"], r"study.yaml"),
    "a ledger of an unknown kind": (["list", "--ledger", "mysql://host/x"], r"expected a path or postgresql"),
    "no MLflow": (["ui"], r"no folder runs: nothing was run there yet"),
    "a folder that has something in it": (["phantom", "data"], r"'data' is not empty. Give a new folder"),
    "no such dimension": (["phantom", "new", "--dim", "4"], r"--dim: expected 2 or 3, found 4"),
    "no cases": (["phantom", "new", "--cases", "0"], r"--cases: expected at least 1, found 0"),
    "a home that is a file": (
        ["run", "study.yaml", "--home", "study.yaml"],
        r"--home study.yaml: cannot be made",
    ),
    "storage that is a file": (
        ["run", "study.yaml", "--home", "data", "--storage", "study.yaml/here"],
        r"--storage study.yaml/here: cannot be made a folder \(Not a directory\). Name another",
    ),
    "a folder in a file": (["phantom", "study.yaml/here"], r"study.yaml/here: cannot be written"),
    "not a number": (["phantom", "new", "--cases", "many"], r"'--cases': .*integer"),
}


@pytest.mark.parametrize("name", COMMAND_LINES)
def test_command_lines(
    name: str, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = COMMAND_LINES[name]
    monkeypatch.chdir(folder)
    monkeypatch.delenv("SEGSTUDY_HOME", raising=False)
    before = _listing(folder)
    code = run_command(arguments)
    said = capsys.readouterr()
    assert code == 2, said
    assert re.fullmatch(r"Error: [^\n]*\n", said.err), said.err
    assert re.search(expected, said.err), said.err
    assert _listing(folder) == before


@pytest.fixture
def known(folder: pathlib.Path) -> pathlib.Path:
    """A ledger that has the study already."""
    study = Study.from_plain(SMALL)
    cases = [Case("p0_scan0", "p0_scan0", ("train",))]
    with Ledger.open(folder / "runs" / "ledger.db") as ledger:
        ledger.create_study(study.name, study.plain(), study.design(), cases, "d" * 64, {})
    return folder


def test_the_name_of_another_study_is_refused_with_the_difference(
    known: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(known)
    before = set(_listing(known))
    assert run_command(["run", "study.yaml", "--set", "patch.size=[48, 48, 48]", "--set", "seed=4"]) == 2
    said = capsys.readouterr()
    assert "study 'small' is in runs/ledger.db with another file" in said.err
    assert "patch.size: [32, 32, 32] in the ledger, [48, 48, 48] in the file" in said.err
    assert "seed: 0 in the ledger, 4 in the file" in said.err
    assert not ray.is_initialized()
    assert set(_listing(known)) - before <= {"runs/ledger.db-wal", "runs/ledger.db-shm"}


def test_a_near_name_is_suggested(
    known: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(known)
    for command in ("status", "stop", "report"):
        assert run_command([command, "smal"]) == 2
        assert capsys.readouterr().err == (
            "Error: no study named 'smal' in runs/ledger.db (1 study). Did you mean 'small'?\n"
        )
