"""`segstudy space`, as a user runs it."""

import json
import pathlib
import subprocess
import sys

import pytest
import yaml

from study.cli import run_command
from study.study_file import load


def test_an_arms_space_for_optuna_and_back(capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path) -> None:
    there = tmp_path / "space.json"
    assert run_command(["space", "demo", "--arm", "unet+dice", "--to", "optuna", "--output", str(there)]) == 0
    found = json.loads(there.read_text())
    assert found["training.learning_rate"]["attributes"] == {"low": 0.001, "high": 0.01, "log": True, "step": None}
    assert run_command(["space", str(there), "--from", "optuna"]) == 0
    lines = yaml.safe_load(capsys.readouterr().out)
    assert lines["training"]["learning_rate"] == {"low": 0.001, "high": 0.01, "log": True}
    assert lines["training"]["batch_size"] == 4


@pytest.mark.parametrize("program", ["ray", "optuna", "configspace", "synetune"])
def test_every_arm_of_a_shipped_study_comes_back_as_it_went(
    program: str, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    from search_spaces.exchange.programs import READERS, WRITERS
    from search_spaces.grammar import Parameter, Range

    def without_first(parameter: Parameter) -> Parameter:
        if not isinstance(parameter, Range):
            return parameter
        return Range(parameter.low, parameter.high, parameter.log, parameter.step)

    for arm in load("kits19", data=".").arms:
        back = READERS[program](WRITERS[program](arm.space, arm.default).text).space
        assert {name: without_first(each) for name, each in back.items()} == {
            name: without_first(each) for name, each in arm.space.items()
        }, arm.name


def test_a_python_file_is_not_run(capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path) -> None:
    made = tmp_path / "made"
    (tmp_path / "space.py").write_text(
        f"open({str(made)!r}, 'w')\nspace = {{'lr': tune.loguniform(1e-4, 1e-2), 'n': tune.randint(1, 4)}}\n"
    )
    assert run_command(["space", str(tmp_path / "space.py"), "--from", "ray"]) == 0
    assert capsys.readouterr().out == "lr: {low: 0.0001, high: 0.01, log: true}\nn: {low: 1, high: 3}\n"
    assert not made.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["demo"], "give either --to or --from"),
        (["demo", "--to", "ray", "--from", "ray"], "give either --to or --from"),
        (["demo", "--to", "ray"], "--arm: spaces differ; name one of unet+cross_entropy"),
        (["demo", "--to", "ray", "--arm", "unet+dise"], "--arm unet+dise: the study has unet+cross_entropy"),
        (["nothing.json", "--from", "optuna"], "nothing.json: cannot be read (No such file or directory)"),
        ([".", "--from", "optuna"], "cannot be read (Is a directory)"),
        (["{clash}", "--from", "optuna"], "a.b: a study file cannot have a value for a and one inside it"),
        (["{binary}", "--from", "ray"], "is no text"),
        (["{clash}", "--from", "ray"], "the file: has no dictionaries"),
        (["{clash}", "--from", "configspace"], "is no JSON of ConfigSpace"),
        (["demo", "--to", "ray", "--arm", "unet+dice", "--output", "missing/space.py"], "--output missing/space.py"),
    ],
)
def test_wrong_input_is_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path
) -> None:
    clash, binary = tmp_path / "clash.json", tmp_path / "binary.py"
    one = {"name": "IntDistribution", "attributes": {"low": 1, "high": 4}}
    clash.write_text(json.dumps({"a": one, "a.b": one}))
    binary.write_bytes(b"\xff\xfe\x00\x80")
    given = [each.format(clash=clash, binary=binary) for each in arguments]
    assert run_command(["space", *given]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_file_without_end_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["space", "/dev/zero", "--from", "ray"]) == 2
    assert "more than 10 MB" in capsys.readouterr().err


def test_neither_ray_nor_pytorch_is_loaded_to_read_a_space(tmp_path: pathlib.Path) -> None:
    (tmp_path / "space.py").write_text("space = {'lr': tune.uniform(0, 1)}")
    code = (
        "import sys; from study.cli import run_command; "
        f"run_command(['space', {str(tmp_path / 'space.py')!r}, '--from', 'ray']); "
        "print([name for name in ('ray', 'torch', 'mlflow') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "[]"
