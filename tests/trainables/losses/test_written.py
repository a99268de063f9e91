"""Losses as a study file writes them: sums, log cosh of any, the user's own; what they share is computed once."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainables import tiny
from tests.trainables.losses import formulas, formulas_overlap
from trainables.errors import InputError
from trainables.losses import LOSSES
from trainables.losses.conformance import check, example
from trainables.losses.parts.voxels import Voxels, read, read_once
from trainables.losses.written import written_loss
from trainables.training.training import Training

torch.set_num_threads(1)
PARTS = {"dice": {"factor": 0.5, "eps": 1.0}, "focal": {"factor": 2.0, "gamma": 3.0}}


def value(name: str, parameters: dict[str, Any]) -> float:
    return written_loss(name, parameters, LOSSES)(*example(3)).item()


def test_a_sum_is_its_parts_times_their_factors() -> None:
    arrays = [tensor.numpy() for tensor in example(3)]
    expected = 0.5 * formulas.dice(*arrays, eps=1.0) + 2 * formulas.focal(*arrays, gamma=3.0)
    assert value("mine", PARTS) == pytest.approx(expected, rel=1e-9)
    assert value("mine", {"dice": {}}) == pytest.approx(formulas.dice(*arrays), rel=1e-9)  # 1 where nothing is said


@pytest.mark.parametrize("name", ["tversky", "wasserstein_dice", "cross_entropy"])
def test_log_cosh_of_any_loss(name: str) -> None:
    plain = value(name, {})
    assert value(name, {"log_cosh": True}) == pytest.approx(math.log(math.cosh(plain)), rel=1e-9)
    assert value(name, {"log_cosh": False}) == plain
    assert value("mine", {**PARTS, "log_cosh": True}) == pytest.approx(math.log(math.cosh(value("mine", PARTS))))


def test_log_cosh_of_a_loss_is_the_loss_of_that_name() -> None:
    given = {"exponent": 0.5, "reduction": "sum"}
    written = value("focal_tversky", {**given, "log_cosh": True})
    assert written == pytest.approx(value("log_cosh_focal_tversky", given), rel=1e-12)


def test_a_sum_keeps_what_every_loss_keeps() -> None:
    def mine(logits: Any, target: Any, *, weight: Any = None, ignore: Any = None) -> Any:
        return written_loss("mine", {**PARTS, "log_cosh": True}, LOSSES)(logits, target, weight=weight, ignore=ignore)

    assert check(mine) == []


def test_what_a_sum_shares_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    softmax, calls = torch.softmax, []

    def counted(*arguments: Any, **others: Any) -> torch.Tensor:
        calls.append(arguments)
        return softmax(*arguments, **others)

    monkeypatch.setattr(torch, "softmax", counted)
    parts = {name: {} for name in ("dice", "tversky", "asl_sq", "gdl_iw", "matthews")}
    value("mine", parts)
    assert len(calls) == 1
    written_loss("dice", {}, LOSSES)(*example(3))
    written_loss("dice", {}, LOSSES)(*example(3))
    assert len(calls) == 3  # and no batch is kept for the next


def test_other_maps_are_other_voxels() -> None:
    logits, target = example(3)
    ignore = torch.zeros(target.shape, dtype=torch.bool)
    with read_once(logits, target):
        first, again, other = read(logits, target), read(logits, target), read(logits, target, ignore=ignore)
    assert isinstance(first, Voxels)
    assert first is again
    assert first is not other
    assert read(logits, target) is not first


def test_weights_and_a_matrix_reach_the_parts() -> None:
    logits, target = example(3)
    matrix = "[[0, 1, 1], [1, 0, 0.25], [1, 0.25, 0]]"
    parts = {"weighted_dice": {"weights": [1.0, 2.0, 8.0]}, "wasserstein_dice": {"matrix": matrix, "factor": 0.5}}
    arrays = logits.numpy(), target.numpy()
    expected = formulas_overlap.weighted_dice(*arrays, weights=[1.0, 2.0, 8.0])
    rows = [[0, 1, 1], [1, 0, 0.25], [1, 0.25, 0]]
    expected += 0.5 * formulas_overlap.wasserstein_dice(*arrays, matrix=rows)
    assert value("mine", parts) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("parameters", [{}, {"gamma": 2}, {"dise": {}}, {"dice": 0.5}, {"log_cosh": True}])
def test_a_name_that_nothing_stands_behind_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no loss named 'mine'; there are cross_entropy"):
        written_loss("mine", parameters, LOSSES)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in the working directory, which is on no path."""
    folder = tmp_path / "own_losses_of_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from trainables.losses import dice_loss\nCONSTANT = 3\n"
        "def mine(logits, target, *, power=1.0, weight=None, ignore=None):\n"
        "    return dice_loss(logits, target, weight=weight, ignore=ignore) ** power\n"
    )
    (folder / "broken.py").write_text("raise RuntimeError('two\\nlines')\n")
    monkeypatch.chdir(tmp_path)
    return folder


def test_the_users_own_is_imported_from_the_working_directory(package: Path) -> None:
    parameters = {"code": "own_losses_of_a_test:mine", "power": 2.0}
    assert value("mine", parameters) == pytest.approx(value("dice", {}) ** 2, rel=1e-12)
    assert value("mine", {**parameters, "log_cosh": True}) == pytest.approx(
        math.log(math.cosh(value("dice", {}) ** 2)), rel=1e-9
    )


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("own_losses_of_a_test", "expected package.module:name"),
        ("own_losses_of_a_test:", "expected package.module:name"),
        ("own_losses_of_a_test:1", "expected package.module:name"),
        ("own_losses_of_a_test:yours", "own_losses_of_a_test has no 'yours'"),
        ("own_losses_of_a_test:CONSTANT", "expected a function or class, found int"),
        ("own_losses_of_a_test.broken:mine", r"cannot be imported \(RuntimeError: two lines\)$"),
        ("no_such_package_of_a_test:mine", "cannot be imported .ModuleNotFoundError"),
    ],
)
def test_code_that_cannot_be_used_is_one_line(package: Path, path: str, said: str) -> None:
    with pytest.raises(InputError, match=f"^{path}: .*{said}"):
        written_loss("mine", {"code": path}, LOSSES)


def test_dice_with_a_little_hausdorff_learns() -> None:
    parts = {"dice": {}, "hausdorff": {"factor": 0.01}}
    spec = tiny.spec(
        2,
        loss="both",
        loss_parameters=parts,
        iterations=60,
        marks=(60,),
        learning_rate=1e-2,
        model_parameters={"width": 4},
        augment=("mirror",),
    )
    learner = Training(spec, tiny.dataset((40, 37)))
    learner.advance(60)
    scores = learner.evaluate(spec.evaluate).scores
    assert min(s.value or 0.0 for s in scores if s.metric == "dice" and s.region == "both") > 0.9
