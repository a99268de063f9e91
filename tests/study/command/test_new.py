"""`segstudy new` as a command: it writes one new file, and refuses what it cannot do in one line."""

import pathlib

import pytest

from study.command.cli import run_command
from tests.study.proposing import layouts


@pytest.fixture
def data(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    layouts.tiff(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def test_a_study_file_that_check_passes(data: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["new", "data", "--no-probe"]) == 0
    assert "next: segstudy check study.yaml" in capsys.readouterr().out
    assert run_command(["check", "study.yaml"]) == 0
    assert {path.name for path in data.parent.iterdir()} == {"data", "study.yaml", "runs"}


def test_a_file_is_never_replaced(data: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data.parent / "study.yaml").write_text("mine")
    assert run_command(["new", "data"]) == 2
    assert "study.yaml: is there already" in capsys.readouterr().err
    assert (data.parent / "study.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["new", "dota"], "no folder 'dota'. Did you mean 'data'?"),
        (["new", "data", "--gpus", "99"], "--gpus 99: this machine has"),
        (["new", "data", "--hours", "0"], "--hours 0: expected a time above 0"),
        (["new", "data", "--out", "far/study.yaml"], "no folder 'far'"),
        (["check", "data"], "write one for its images with `segstudy new data`"),
    ],
)
def test_wrong_input_is_one_line(
    data: pathlib.Path, capsys: pytest.CaptureFixture[str], arguments: list[str], line: str
) -> None:
    assert run_command(arguments) == 2
    said = capsys.readouterr().err.strip()
    assert line in said
    assert "\n" not in said
    assert {path.name for path in data.parent.iterdir()} == {"data"}
