"""On a Ray with a GPU that is a number: probes, each in a process that ends with it, and trials that share the GPU."""

import os
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import ray
import torch

from study.admission import Shape
from study.ledger import Ledger
from study.ray_probes import answer, on_ray
from study.ray_session import settings
from study.solitude import TOLD
from study.stopping import Stopped
from tests.study.numbers import Numbers, NumbersSegmenter
from tests.study.numbers_study import numbers_study, run_numbers
from tests.trainables import tiny
from tests.trainables.data.files import options, picture
from trainables import device
from trainables.data import cache
from trainables.data.layouts import CaseFiles
from trainables.errors import InputError
from trainables.failures import OUT_OF
from trainables.trial import TrialSpec

pytestmark = pytest.mark.ray
ONE = Shape(1)


@pytest.fixture(scope="module")
def started() -> Iterator[None]:
    with settings():
        ray.init(address="local", num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


def prepared(folder: pathlib.Path) -> str:
    """Two pictures in a cache; its index."""
    how, records = options(dim=2), []
    for number in range(2):
        mask = np.zeros((40, 40), np.uint8)
        mask[5:30, 8:28], mask[10:15, 10:15] = 1, 2
        image = picture(folder / f"image{number}.png", mask * 80 + np.uint8(number))
        files = CaseFiles(f"case{number}", (image,), picture(folder / f"mask{number}.png", mask))
        records.append(cache.prepare_case(files, how, folder / "cache"))
    return str(cache.write_index(folder / "cache", records, how))


def go_on() -> None:
    pass


def test_a_network_is_measured_where_trials_run(tmp_path: pathlib.Path, started: None) -> None:
    spec = tiny.spec(2, data=prepared(tmp_path), train=("case0", "case1"), evaluate=(), augment=())
    found = on_ray(ONE, go_on)([spec], (40, 40))
    assert found is not None
    assert found.device.startswith("cpu of ")
    assert 0 < found.seconds < 60
    assert found.window_seconds > 0
    assert found.voxel_seconds > 0


def refuse() -> None:
    raise InputError(f"process {os.getpid()} with GPU {ray.get_runtime_context().get_accelerator_ids()['GPU']}")


def test_bad_input_comes_as_it_was_raised_from_a_worker_with_the_gpu(started: None) -> None:
    with pytest.raises(InputError, match=r"^process \d+ with GPU \['0'\]$"):
        answer(refuse, Shape(1, 1.0), (), go_on)


def sleep() -> None:
    time.sleep(60)


def test_a_stop_is_heard_meanwhile(started: None) -> None:
    def stop() -> None:
        raise Stopped

    began = time.monotonic()
    with pytest.raises(Stopped):
        answer(sleep, ONE, (), stop)
    assert time.monotonic() - began < 30


def die() -> None:
    os._exit(1)


def test_a_worker_that_dies_again_and_again_is_one_line(started: None) -> None:
    with pytest.raises(InputError, match=r"^a probe's worker was lost \(WorkerCrashedError\); with numbers"):
        answer(die, ONE, (), go_on)


@pytest.mark.skipif(torch.cuda.is_available(), reason="shows what happens without a GPU")
def test_a_gpu_that_pytorch_cannot_use_is_said_before_anything_is_trained(
    tmp_path: pathlib.Path, started: None
) -> None:
    study = numbers_study(resources={"cpu": 1, "gpu": "auto"})
    with pytest.raises(InputError, match=r"^Ray has a GPU and PyTorch finds none there; install PyTorch with CUDA"):
        run_numbers(tmp_path, study)
    with Ledger.open(tmp_path / "ledger.db", read_only=True) as ledger:
        assert ledger.attempts(1) == []


class Hungry(NumbersSegmenter):
    """Runs out of a GPU's memory unless it has all of it; trial 1 even then."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        device.claim = lambda spec, gpu: None  # there is no GPU
        self.share = new_config["gpu"]
        return super().reset_config(new_config)

    def build(self, spec: TrialSpec) -> Numbers:
        if self.share < 1 or spec.key == "search-a00-r0-f0-n001":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super().build(spec)


def test_out_of_memory_beside_others_is_tried_again_with_the_whole_gpu(tmp_path: pathlib.Path, started: None) -> None:
    study = numbers_study(
        budget={"trials_per_arm": 2, "cohort": 2, "sampler": "random", "final_seeds": 1},
        training={"learning_rate": {"low": 1e-4, "high": 0.2, "log": True}, "iterations": 8},
        losses={"dice": None},
        resources={"cpu": 1, "gpu": 0.5},
    )
    ended = run_numbers(tmp_path, study, trainable=Hungry)
    assert (ended.complete, ended.finished, ended.failed, ended.lost) == (True, 2, 1, 0)
    with Ledger.open(tmp_path / "ledger.db", read_only=True) as ledger:
        (failed,) = [trial for trial in ledger.trials(1) if trial.status == "failed"]
        assert (str(failed.key), failed.reason) == ("search-a00-r0-f0-n001", OUT_OF["device"])
        told = [attempt.reason for attempt in ledger.attempts(1)]
    assert told.count(TOLD) == 3  # each trial once, the winner's final training too
