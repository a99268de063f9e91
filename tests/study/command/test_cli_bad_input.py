"""Everything a user can get wrong, through the command: one line, exit code 2, nothing started, nothing left behind."""

import pathlib
import re
import shutil

import numpy as np
import pytest
import ray
import yaml

from study.command.cli import run_command
from study.ledger import Ledger
from study.ledger.rows import Case
from study.study_file import Study
from tests.study.bad_data import IMAGES, MASKS, PLACES, with_nan
from tests.study.bad_studies import AS_TEXT, CASES, KEYS, MACHINES, SMALL, SPLITS
from tests.study.study_files import changed
from tests.trainables.data.files import pair, save

TABLE = AS_TEXT | KEYS | SPLITS | MACHINES | PLACES | IMAGES | MASKS


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A dataset of eight good cases and a study file that is right."""
    folder = tmp_path_factory.mktemp("good")
    for number, name in enumerate(CASES):
        pair(folder / "data", name, seed=number)
    (folder / "study.yaml").write_text(yaml.safe_dump(SMALL, sort_keys=False))
    return folder


@pytest.fixture
def folder(good: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A copy to spoil."""
    return shutil.copytree(good, tmp_path, dirs_exist_ok=True)


@pytest.mark.parametrize("name", TABLE)
def test_one_line_and_nothing_started(
    name: str, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, expected = TABLE[name]
    written = spoil(folder / "data")
    if isinstance(written, dict):
        (folder / "study.yaml").write_text(yaml.safe_dump(written, sort_keys=False))
    elif isinstance(written, str | bytes):
        (folder / "study.yaml").write_bytes(written.encode() if isinstance(written, str) else written)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("SEGSTUDY_HOME", raising=False)
    before = _listing(folder)
    for command in ("check", "run"):
        code = run_command([command, "study.yaml"])
        said = capsys.readouterr()
        assert code == 2, said
        assert said.out == ""
        assert re.fullmatch(r"Error: [^\n]*\n", said.err), said.err
        assert re.search(expected, said.err), said.err
        assert "Traceback" not in said.err
        assert not ray.is_initialized()
        assert _listing(folder) == before


def test_the_table_is_long_and_says_different_things() -> None:
    assert len(TABLE) == sum(map(len, (AS_TEXT, KEYS, SPLITS, MACHINES, PLACES, IMAGES, MASKS))) >= 100


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
    with_nan(folder / "data")
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
        r"ledger 'study.yaml/ledger.db' cannot be opened: Not a directory; name another",
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
