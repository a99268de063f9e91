"""Lists and cards of losses and networks: everything that there is has one, and it says what the code does."""

import json
import re

import pytest

from search_spaces import defaults, network_sizes
from study.command.cli import run_command
from study.console import cards
from trainables.losses import FACTS, LOSSES
from trainables.models import MODELS
from trainables.models.facts import TRAPS


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_a_card(name: str) -> None:
    shown = cards.card("losses", name)
    assert len(shown.formula) > 20
    assert shown.source == FACTS[name].source
    assert [parameter.name for parameter in shown.parameters] == list(defaults.LOSSES[name])
    assert all(parameter.meaning and parameter.reason and parameter.allowed for parameter in shown.parameters)
    assert re.match(r"Scalar", shown.facts["Returns"])
    assert all(fact for fact in shown.facts.values())


@pytest.mark.parametrize("name", MODELS)
def test_every_network_has_a_card(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "_count", lambda name, dim: 12_345)  # counted in tests/trainables/models
    shown = cards.card("models", name)
    assert "https://" in shown.source
    assert [parameter.name for parameter in shown.parameters] == list(defaults.MODELS[name])
    assert all(parameter.meaning and parameter.reason for parameter in shown.parameters)
    assert shown.trap
    assert shown.facts["Images"] == " or ".join(f"{dim}D" for dim in network_sizes.DIMS[name])
    assert str(network_sizes.DIVISORS[name]) in shown.facts["Patches"]
    assert "12,345" in shown.facts["Trainable parameters"]


def test_no_network_is_forgotten() -> None:
    assert set(TRAPS) == set(MODELS)


def test_parameters_are_counted_at_the_defaults() -> None:
    shown = cards.card("models", "unet3d")
    assert shown.facts["Trainable parameters"] == "5,646,402 in 3D (defaults, 1 channel, 2 classes)"


def test_the_card_of_a_loss(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["losses", "matthews"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("matthews\n\n  One minus the Matthews correlation coefficient of soft counts")
    assert "form: sample; sample or batch or micro_all" in said
    assert "Empty reference: 1 where nothing is predicted either; false positives have next to no gradient" in said
    assert "Trap: The poster's formula as printed, `micro_all`, is soft accuracy." in said
    assert max(map(len, said.splitlines())) <= 100


def test_ranges_and_special_parameters_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["losses", "weighted_dice"]) == 0
    said = capsys.readouterr().out
    assert "ratio: 2.0; searched 1 to 4 (log); a number above 0" in said
    assert "weights: {background: 1" in said


def test_the_card_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["losses", "focal", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    gamma = {parameter["name"]: parameter for parameter in plain["parameters"]}["gamma"]
    assert gamma["default"] == 2.0
    assert gamma["search"] == {"low": 0.5, "high": 5.0, "log": False, "step": None}


@pytest.mark.parametrize(("kind", "registry"), [("losses", LOSSES), ("models", MODELS)])
def test_lists(kind: str, registry: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command([kind]) == 0
    said = capsys.readouterr().out
    assert re.findall(r"^(\w+)  ", said, re.MULTILINE) == list(registry)
    assert run_command([kind, "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == list(registry)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["losses", "focall"], "no loss named 'focall'. Did you mean 'focal'?"),
        (["models", "unet3"], "no model named 'unet3'. Did you mean 'unet3d'?"),
        (["losses", "focal", "other"], "only `segstudy losses check package.module:loss` takes a path and its options"),
        (["losses", "check"], "segstudy losses check: which? Give the import path of your loss, package.module:loss"),
        (["losses", "check", "mine:loss"], "mine:loss is code of your own: allow it to run by --allow-code"),
        (["losses", "check", "mine", "--allow-code"], "mine: expected package.module:name"),
        (["losses", "check", "own_kit:kept", "--classes", "1", "--allow-code"], "--classes 1: expected at least 2, "),
        (["losses", "check", "own_kit:kept", "--set", "power", "--allow-code"], "--set power: expected key=value"),
        (
            ["losses", "check", "own_kit:kept", "--set", "power=[1, 2]", "--allow-code"],
            "--set power=[1, 2]: expected one",
        ),
        (["losses", "check", "own_kit:declared", "--allow-code"], "own_kit:declared: its attribute facts is a str, "),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: list[str], said: str, own: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"Error: {said}")


OWN = """
import numpy as np
from trainables.losses import Facts, dice_loss


def kept(logits, target, *, power=1.0, weight=None, ignore=None):
    return dice_loss(logits, target, weight=weight, ignore=ignore) ** power


kept.facts = Facts("all", "sample", 0.0, True, "a test")


def formula(logits, target, *, power=1.0):
    p = np.exp(logits - logits.max(1, keepdims=True))
    p = (p / p.sum(1, keepdims=True)).reshape(*logits.shape[:2], -1)
    g = np.stack([target == c for c in range(logits.shape[1])], 1).reshape(p.shape)
    dice = (2 * (p * g).sum(2) + 1e-5) / (p.sum(2) + g.sum(2) + 1e-5)
    return (1 - dice.mean()) ** power


def blind(logits, target):
    return (logits.softmax(1)[:, 1] - (target == 1).float()).abs().mean()


def declared(logits, target, *, weight=None, ignore=None):
    return dice_loss(logits, target, weight=weight, ignore=ignore)


declared.facts = "dice's"
"""


@pytest.fixture
def own(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    import pathlib
    import sys

    assert isinstance(tmp_path, pathlib.Path)
    (tmp_path / "own_kit.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    sys.modules.pop("own_kit", None)


def test_a_loss_of_ones_own_that_keeps_all(own: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["losses", "check", "own_kit:kept", "--formula", "own_kit:formula", "--allow-code"]) == 0
    assert capsys.readouterr().out == "own_kit:kept: keeps all\n"


def test_what_a_loss_of_ones_own_does_not_keep(own: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["losses", "check", "own_kit:blind", "--allow-code"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "own_kit:blind: takes no keyword argument 'weight'" in lines
    assert any("raises TypeError" in line for line in lines)
    assert run_command(["losses", "check", "own_kit:blind", "--allow-code", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["failures"][-1] == "takes no keyword argument 'ignore'"


def test_settings_formula_and_facts_are_tried(own: None, capsys: pytest.CaptureFixture[str]) -> None:
    with_power = ["losses", "check", "own_kit:kept", "--set", "power=2", "--classes", "2", "--allow-code"]
    assert run_command([*with_power, "--formula", "own_kit:formula"]) == 1  # squared, a batch is not its samples' mean
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("own_kit:kept: declared: aggregation by sample, and a batch is not its samples' mean")
    assert run_command(["losses", "check", "own_kit:kept", "--oracle", "own_kit:blind", "--allow-code"]) == 1
    assert "the oracle gives" in capsys.readouterr().out
