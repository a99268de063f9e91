"""Losses and networks of the user's own: refused without leave, tried before anything starts, the same after a cut."""

import pathlib
import re
import subprocess
import sys
from typing import Any

import pytest
import torch
import yaml

from study.command.cli import run_command
from study.study_file import Study, trial_fields
from tests.study.command.test_cli_run import COMMAND, PATIENCE, STUDY
from tests.study.study_files import changed
from tests.trainables import tiny
from trainables.data.phantom.phantom import generate
from trainables.training.training import Training
from trainables.trial import TrialSpec

OWN = """
import torch
from torch import nn
from trainables.losses import dice_loss


class Net(nn.Module):
    def __init__(self, in_channels, out_channels, dim, *, width=2):
        super().__init__()
        convolution = nn.Conv2d if dim == 2 else nn.Conv3d
        self.body = nn.Sequential(convolution(in_channels, width, 3, padding=1), nn.ReLU())
        self.head = convolution(width, out_channels, 1)

    def forward(self, x):
        return self.head(self.body(x))


def power(logits, target, *, exponent=1.0, weight=None, ignore=None):
    return dice_loss(logits, target, weight=weight, ignore=ignore) ** exponent


def vector(logits, target):
    return logits.mean((0, 2, 3))


def narrow(logits, target, *, exponent):
    raise RuntimeError("two\\nlines")


def mapless(logits, target):
    return dice_loss(logits, target)


def dead(logits, target):
    return logits.detach().mean() + 0 * logits.sum() / 0


def list_of(in_channels, out_channels, dim):
    return []
"""
MINE = {"code": "own_of_a_test:power", "exponent": {"low": 1.0, "high": 2.0}}
NET = {"code": "own_of_a_test:Net", "width": [2, 3]}


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A working directory with the user's module, data, and a study file; the module is on no path."""
    (tmp_path / "own_of_a_test.py").write_text(OWN)
    generate(tmp_path / "data", 6, dim=2, seed=1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("own_of_a_test", None)
    return tmp_path


def write(folder: pathlib.Path, **changes: Any) -> str:
    study = {**STUDY, "models": {"net": NET}, "losses": {"dice": None, "mine": MINE}, **changes}
    study["budget"] = {**study["budget"], "trials_per_arm": 2, "cohort": 2, "sampler": "random"}
    (folder / "own.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    return "own.yaml"


@pytest.mark.parametrize("command", ["check", "run"])
def test_without_leave_it_is_refused_and_not_imported(
    command: str, folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command([command, write(folder)]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "Error: own.yaml: 2 things to put right"
    assert re.fullmatch(
        r"  models\.net \(line \d+\): own_of_a_test:Net is code of your own: allow it to run by --allow-code\.", said[1]
    )
    assert re.match(r"  losses\.mine \(line \d+\): own_of_a_test:power is code of your own", said[2])
    assert "own_of_a_test" not in sys.modules
    assert not (folder / "runs").exists()


def test_with_leave_it_is_tried(folder: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["check", write(folder), "--allow-code"]) == 0
    assert "net+mine" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"losses": {"mine": "own_of_a_test:vector"}}, "losses.mine: own_of_a_test:vector gives tensor"),
        (
            {"losses": {"mine": {"code": "own_of_a_test:narrow", "exponent": 2}}},
            "losses.mine: own_of_a_test:narrow fails on logits (2, 3, 8, 8), labels (2, 8, 8): RuntimeError: two",
        ),
        ({"losses": {"mine": "own_of_a_test:narrow"}}, "losses.mine: own_of_a_test:narrow fails on logits"),
        (
            {"losses": {"mine": "own_of_a_test:mapless"}, "weighting": ["none", "inverse"]},
            "losses.mine: own_of_a_test:mapless fails on logits (2, 3, 8, 8), labels (2, 8, 8), weight: TypeError: ",
        ),
        (
            {"losses": {"mine": "own_of_a_test:mapless"}, "dataset": {**STUDY["dataset"], "ignore": [7]}},
            "losses.mine: own_of_a_test:mapless fails on logits (2, 3, 8, 8), labels (2, 8, 8), ignore: TypeError: ",
        ),
        ({"losses": {"mine": "own_of_a_test:dead"}}, "losses.mine: own_of_a_test:dead gives tensor(nan"),
        (
            {"losses": {"mine": "own_of_a_test:nothing"}},
            "losses.mine: own_of_a_test:nothing: own_of_a_test has no 'nothing'",
        ),
        (
            {"models": {"net": "no_module_of_a_test:Net"}},
            "models.net: no_module_of_a_test:Net: no_module_of_a_test cannot ",
        ),
        (
            {"models": {"net": {"code": "own_of_a_test:Net", "depth": 3}}},
            "models.net: own_of_a_test:Net cannot be called as (in_channels, out_channels, dim, depth): got an",
        ),
    ],
)
def test_what_does_not_work_is_one_line(
    changes: dict[str, Any], line: str, folder: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["check", write(folder, **changes), "--allow-code"]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"Error: tiny: {line}")


def trial(**chosen: Any) -> TrialSpec:
    study = Study.from_plain(changed({"models": {"net": NET}, "losses": {"mine": MINE}, "patch.size": [32, 32]}))
    (arm,) = study.arms
    fields = trial_fields(study, arm, {**arm.default, **chosen})
    keep = ("model", "model_parameters", "loss", "loss_parameters")
    return tiny.spec(2, **{name: fields[name] for name in keep}, iterations=6, marks=(6,), augment=())


def test_a_trial_runs_it_with_its_parameters_and_a_cut_changes_nothing(folder: pathlib.Path) -> None:
    data = tiny.dataset((40, 37))
    spec = TrialSpec.from_json(trial().to_json())
    whole, cut, other, wide = (
        Training(given, data) for given in (spec, spec, trial(**{"loss.exponent": 2.0}), trial(**{"model.width": 3}))
    )
    for learner in (whole, other, wide):
        learner.advance(6)
    cut.advance(3)
    later = Training(spec, data)
    later.load_state_dict(cut.state_dict())
    later.advance(6)
    assert later.digest() == whole.digest()
    assert whole.digest() != other.digest()
    assert wide.network.head.in_channels == 3  # type: ignore[union-attr]
    first, second = (Training(trial(), data).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_a_builder_that_builds_no_network_fails_its_trial(folder: pathlib.Path) -> None:
    from trainables.errors import InputError
    from trainables.models import build

    with pytest.raises(InputError, match=r"models.net: own_of_a_test:list_of gives no torch.nn.Module but a list"):
        build("net", in_channels=1, out_channels=2, dim=2, parameters={"code": "own_of_a_test:list_of"}, seed=0)


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_workers_run_it_and_the_study_goes_on(folder: pathlib.Path) -> None:
    def segstudy(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], cwd=folder, capture_output=True, encoding="utf-8", timeout=PATIENCE
        )

    write(folder)
    first = segstudy("run", "own.yaml", "--allow-code")
    assert first.returncode == 0, first.stdout + first.stderr
    assert re.search(r"^net\+mine +[01]\.\d\d\d", first.stdout, re.MULTILINE)
    assert segstudy("run", "own.yaml", "--set", "budget.final_seeds=2").returncode == 2
    again = segstudy("run", "own.yaml", "--set", "budget.final_seeds=2", "--allow-code")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "net+mine: final seed 1 finished" in again.stdout
