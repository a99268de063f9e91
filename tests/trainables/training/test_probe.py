"""The probe on tiny cases: what it measures, and that it leaves a trial as it is."""

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Sequence

import pytest
import torch

from tests.trainables import tiny
from trainables.data.cache.cache import Dataset
from trainables.training import probe
from trainables.training.footprint import Footprint
from trainables.training.training import Training

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def cases() -> Dataset:
    return tiny.dataset()


def test_it_measures_what_a_trial_does(cases: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, score = Training.advance, Training.evaluate

    def advance(self: Training, to: int, *, seconds: float | None = None) -> object:
        time.sleep(0.1)
        return slow(self, to, seconds=seconds)

    def evaluate(self: Training, cases: Sequence[str]) -> object:
        time.sleep(0.3)  # more than windows differ by chance
        return score(self, cases)

    monkeypatch.setattr(Training, "advance", advance)
    monkeypatch.setattr(Training, "evaluate", evaluate)
    found = probe.probe([tiny.spec()], (20, 18, 19), cases)
    assert 0.1 <= found.seconds < 2
    assert 0 < found.window_seconds < 2
    assert 0.1 <= found.voxel_seconds * 20 * 18 * 19 < 2
    assert found.device.startswith("cpu of ")
    assert not found.on_gpu
    assert 50e6 < found.peak_bytes < found.total_bytes  # PyTorch alone is more


GROWING = """
import dataclasses, json, torch
from tests.trainables import tiny
from trainables.training import probe
torch.set_num_threads(1)
spec = tiny.spec(augment=(), patch_size=(32, 32, 32), patch_overlap=(0, 0, 0), batch_size=2)
cases = tiny.dataset()
for width in (2, 16):
    one = dataclasses.replace(spec, model_parameters={"width": width})
    print(json.dumps(dataclasses.asdict(probe.probe([one], (20, 18, 19), cases))))
"""
"""Run by a process of its own, as probes are: in one that has freed much memory nothing grows."""


def test_greater_networks_take_more_memory_and_time() -> None:
    done = subprocess.run([sys.executable, "-c", GROWING], capture_output=True, encoding="utf-8", timeout=100)
    assert done.returncode == 0, done.stderr
    small, large = (Footprint(**json.loads(line)) for line in done.stdout.splitlines())
    assert large.seconds > small.seconds
    assert large.window_seconds > small.window_seconds
    assert large.peak_bytes > small.peak_bytes + 10e6  # 2 x 32³ voxels of 16 channels in float32 are 4 MB, many times


def test_every_loss_is_tried_and_nothing_else_of_a_trial(cases: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = Training.__init__

    def init(self: Training, spec: object, dataset: object = None) -> None:
        made.append(spec.loss)  # type: ignore[attr-defined]
        real(self, spec, dataset)  # type: ignore[arg-type]

    monkeypatch.setattr(Training, "__init__", init)
    watched = tiny.spec(
        early_stopping={"patience": 1, "monitor": "validation"},
        checkpoint="best",
        evaluate_every=1,
        validate=("case2",),
        objective={"metric": "dice", "regions": ["lesion"], "maximize": True},
    )
    probe.probe([watched, dataclasses.replace(watched, loss="focal")], (20, 18, 19), cases)
    assert made == ["dice", "focal"]


def test_a_network_that_diverges_is_measured_all_the_same(cases: Dataset) -> None:
    found = probe.probe([tiny.spec(learning_rate=1e30, optimizer="sgd")], (20, 18, 19), cases)
    assert found.seconds > 0


def test_out_of_memory_is_told(cases: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Training, to: int, *, seconds: float | None = None) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(Training, "advance", full)
    with pytest.raises(torch.OutOfMemoryError):
        probe.probe([tiny.spec()], (20, 18, 19), cases)


@pytest.mark.parametrize(
    ("shape", "patch", "overlap", "count"),
    [
        ((20, 18, 19), (16, 16, 16), (8, 8, 8), 2 * 2 * 2),
        ((5, 40, 40), (20, 20), (10, 10), 5 * 3 * 3),  # slice by slice
        ((8, 8), (16, 16), (8, 8), 1),  # padded
    ],
)
def test_windows_are_counted(
    shape: tuple[int, ...], patch: tuple[int, ...], overlap: tuple[int, ...], count: int
) -> None:
    spec = tiny.spec(patch_size=patch, patch_overlap=overlap)
    assert probe.windows(shape, spec) == count
    seen: list[int] = []

    def network(images: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return images

    probe.inference.predict(network, probe._pattern((1, *shape), torch.device("cpu")), window=patch, overlap=overlap)
    assert sum(seen) == count


def test_slices_with_neighbours() -> None:
    flat = tiny.spec(2, context=1, augment=())
    volumes = tiny.dataset((6, 40, 36))
    volumes.options = dataclasses.replace(volumes.options, dim=2)
    assert probe.probe([flat], (6, 40, 36), volumes).window_seconds > 0


def test_cases_are_counted_by_windows_and_voxels() -> None:
    found = Footprint("cpu of here", 1.0, 0.5, 0.001, 1, 2)
    assert found.case_seconds(4, 1000) == 3.0
