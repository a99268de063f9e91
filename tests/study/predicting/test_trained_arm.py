"""The networks of an arm: which are found, that they predict as they were evaluated, and what is refused."""

import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import torch

from study.ledger import Ledger
from study.predicting.ensemble import Averaged, Ensemble, entropy
from study.predicting.mask_values import label_values
from study.predicting.outputs import Outputs
from study.predicting.predict import Order, at_once
from study.predicting.trained_arm import TrainedArm, trained_arm
from tests import layout_data
from tests.study.predicting.trained import NAME, file, trained
from tests.trainables.data import formats
from tests.trainables.data.files import affine
from trainables import host_memory
from trainables.data.cache.cache import Dataset
from trainables.data.cases.label_values import parse_all
from trainables.data.cases.unlabelled import ImageFiles, read_unlabelled
from trainables.data.preparing.new_image import prepare_new
from trainables.errors import InputError


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    root = tmp_path_factory.mktemp("trained")
    for number in range(5):
        image, mask = layout_data.scan((22, 26, 18), number, (0.7,), low=-80, values=(1,))
        for folder, array in (("images", image), ("masks", mask)):
            formats.write(root / "data" / folder / f"c{number}.nii.gz", array, affine((0.8, 0.8, 2.5)))
    changes = {
        "preprocess": {"spacing": [2.0, 1.0, 1.0], "normalize": "zscore_training"},
        "losses": {"dice": None, "cross_entropy": None},
    }
    with pytest.MonkeyPatch.context() as patch:
        trained(file(root / "data", changes), root / "home", patch)
    return root / "home"


def arm_of(home: pathlib.Path, arm: str | None = "unet3d+dice", **which: object) -> TrainedArm:
    with Ledger.open(home / "ledger.db", read_only=True) as ledger:
        return trained_arm(ledger, str(home), NAME, arm, **which)  # type: ignore[arg-type]


def test_one_network_finds_what_its_evaluation_found_and_two_the_mean(home: pathlib.Path) -> None:
    torch.set_num_threads(1)
    arm = arm_of(home)
    assert [str(network.trial) for network in arm.networks] == ["final-a00-r0-f0-n000", "final-a00-r0-f0-n001"]
    assert (arm.values, arm.channels) == ((0.0, 1.0), 1)
    name = arm.spec.evaluate[0]
    files = ImageFiles(name, (home.parent / "data" / "images" / f"{name}.nii.gz",))
    image = prepare_new(name, read_unlabelled(files, arm.options), arm.options, classes=2)
    cached = Dataset.open(arm.spec.data, arm.spec.scales).cases[name]
    np.testing.assert_array_equal(image.image, np.load(cached.folder / "image.npy"))
    singles = [
        Ensemble(arm_of(home, seeds=[seed]), torch.device("cpu")).average(image).probabilities for seed in (0, 1)
    ]
    both = Ensemble(arm, torch.device("cpu")).average(image, entropies=True)
    torch.testing.assert_close(both.probabilities, (singles[0] + singles[1]) / 2)
    assert not torch.equal(singles[0], singles[1])
    total, disagreement = both.uncertainty(overlapping=False)
    assert total.shape == disagreement.shape == (1, *image.image.shape[1:])
    assert float(disagreement.max()) > 0
    own = image.stored.classes(image.restore(both.probabilities).numpy())
    assert own.shape == (22, 26, 18)
    values = image.restore_values(total, (0.0,))
    assert values.shape == (1, 18, 26, 22)
    assert set(arm.seen.values()) == {"c0", "c3", "c4"}  # c0 validates
    assert arm.file.name == NAME


def test_uncertainty_by_hand() -> None:
    # Two networks say (0.9, 0.1) and (0.5, 0.5): H((0.7, 0.3)) = 0.6109, mean of 0.3251 and 0.6931 = 0.5091.
    one, two = torch.tensor([[0.9], [0.1]]), torch.tensor([[0.5], [0.5]])
    mean = (entropy(one, overlapping=False) + entropy(two, overlapping=False)) / 2
    total, disagreement = Averaged((one + two) / 2, mean).uncertainty(overlapping=False)
    assert total.item() == pytest.approx(0.6109, abs=1e-4)
    assert disagreement.item() == pytest.approx(0.6109 - 0.5091, abs=1e-4)
    region = entropy(torch.tensor([[0.9], [0.5]]), overlapping=True)
    assert region.flatten().tolist() == pytest.approx([0.3251, 0.6931], abs=1e-4)


def test_what_is_not_there_is_one_line(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match=r"2 arms \(unet3d\+dice, unet3d\+cross_entropy\): name one"):
        arm_of(home, None)
    with pytest.raises(InputError, match="no arm 'vnet'"):
        arm_of(home, "vnet")
    with pytest.raises(InputError, match="no seed 5: expected of 0, 1"):
        arm_of(home, seeds=[0, 5])
    with pytest.raises(InputError, match="no fold 1: expected of 0 "):
        arm_of(home, folds=[1])
    moved = tmp_path / "moved"
    shutil.copytree(home, moved)
    arm = arm_of(moved)
    (state,) = (moved / arm.networks[0].checkpoint).glob("*.pt")
    state.write_bytes(state.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match="weights cannot be read"):
        Ensemble(arm, torch.device("cpu"))
    shutil.rmtree(moved / arm.networks[0].checkpoint)
    with pytest.raises(InputError, match="weights cannot be read"):
        Ensemble(arm, torch.device("cpu"))
    spec = moved / "trials" / NAME / "final-a00-r0-f0-n001" / "spec.json"
    spec.write_text(json.dumps({**json.loads(spec.read_text()), "later": 1}), encoding="utf-8")
    with pytest.raises(InputError, match="another version"):
        arm_of(moved)
    shutil.rmtree(moved / "trials")
    with pytest.raises(InputError, match="not here"):
        arm_of(moved)


def test_images_at_once_need_threads_and_memory(home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order = Order(arm_of(home), Outputs(home / "out"), threads=3)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    assert at_once(order) == 5
    # A case of 18 x 26 x 22 voxels: 6 bytes each of its own grid; on the training grid of 23 x 21 x 18, one channel and
    # twice two outputs of four bytes, and a label: 6 * 10,296 + 21 * 8,694 = 244,350 bytes, and room for two of each.
    for limit, most in ((4 * 244_350, 2), (4 * 244_350 - 1, 1)):
        monkeypatch.setattr(host_memory, "limit", lambda limit=limit: limit)
        assert at_once(order) == most
    monkeypatch.setattr(host_memory, "limit", lambda: 1)
    assert at_once(order) == 1


def test_values_of_masks() -> None:
    assert label_values(parse_all({"a": 3, "b": 1}), []) == (0, 3, 1)
    assert label_values(parse_all({"a": ">127"}), [{"mask_values": [255.0]}]) == (0, 255)
    assert label_values(parse_all({"a": ">0"}), [{"mask_values": [1.0]}, {"mask_values": []}]) == (0, 1)
    assert label_values(parse_all({"a": ">300"}), []) == (0, 301)
    assert label_values(parse_all({"membrane": "<1"}), []) == (255, 0)
    with pytest.raises(InputError, match="stands for"):
        label_values(parse_all({"a": "<2", "b": ">=2"}), [])


def test_an_exported_ledger_has_no_weights_and_says_so(home: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with Ledger.open(home / "ledger.db") as ledger:
        ledger.export(ledger.study(NAME).id, tmp_path / "tiny.sqlite")
    with (
        Ledger.open(tmp_path / "tiny.sqlite", read_only=True) as archive,
        pytest.raises(InputError, match=r"An exported ledger has numbers only: give the home in which the study ran"),
    ):
        trained_arm(archive, str(home), NAME, "unet3d+dice")
