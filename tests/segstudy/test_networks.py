"""Networks from Python: masks equal to the command's, and a module that gives the logits."""

import pathlib

import numpy as np
import pytest
import torch

import segstudy
from study.command.cli import run_command
from tests.study.predicting.test_predict_command import file, values, write
from tests.study.predicting.trained import NAME, trained


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    root = tmp_path_factory.mktemp("networks")
    for number in range(5):
        write(root / "data", f"c{number}", number)
    changes = {
        "dataset": {"labels": {"blob": 3}},
        "patch": {"size": [18, 20, 20]},
        "preprocess": {"normalize": "zscore"},
    }
    with pytest.MonkeyPatch.context() as patch:
        trained(file(root / "data", changes), root / "home", patch)
    write(root / "new", "n1", 11)
    return root


def test_masks_are_those_of_the_command(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    new, threads = root / "new" / "images", torch.get_num_threads()
    found = segstudy.predict(NAME, new, tmp_path / "python", home=root / "home", device="cpu")
    assert found.image.tolist() == ["n1"]
    assert found.problem.isna().all()
    assert torch.get_num_threads() == threads
    places = ["--home", str(root / "home"), "--output", str(tmp_path / "command"), "--device", "cpu"]
    assert run_command(["predict", NAME, str(new), *places]) == 0
    np.testing.assert_array_equal(values(tmp_path / "python" / "n1.nii.gz"), values(tmp_path / "command" / "n1.nii.gz"))
    again = segstudy.predict(NAME, [new], tmp_path / "python", home=root / "home", device="cpu")
    assert again.was_done.all()


def test_a_network_is_ready_to_predict(root: pathlib.Path) -> None:
    first, second = (segstudy.load_network(NAME, seed=seed, home=root / "home", device="cpu") for seed in (0, 1))
    assert not first.training
    image = torch.zeros(2, 1, 32, 32, 32)
    image[1, 0, 4:12, 4:12, 4:12] = 1.0
    with torch.inference_mode():
        logits = first(image)
        assert logits.shape == (2, 2, 32, 32, 32)
        assert not torch.equal(logits, second(image))


def test_a_seed_that_was_not_trained_is_one_line(root: pathlib.Path) -> None:
    with pytest.raises(segstudy.InputError, match="seed 7"):
        segstudy.load_network(NAME, seed=7, home=root / "home")
