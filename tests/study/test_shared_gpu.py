"""Ray with a nominal GPU: probes, each in a process of its own, and trials that share the GPU."""

import dataclasses
import os
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import ray
import torch

from study.dispatch.out_of_memory import TOLD
from study.errors import Stopped
from study.events import Event, Step
from study.ledger import Ledger
from study.machines.admission import Shape
from study.machines.ray_session import settings
from study.probing import on_ray as ray_probes
from study.probing.on_ray import answer, on_ray
from study.trial_specs import Data
from tests.study.numbers import Numbers, NumbersSegmenter
from tests.study.numbers_study import NoData, numbers_study, run_numbers
from tests.trainables import tiny
from tests.trainables.data.files import options, picture
from trainables.data.cache import cache
from trainables.data.finding.layouts import CaseFiles
from trainables.errors import InputError
from trainables.training import device
from trainables.training.footprint import Footprint
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
    """Prepares two pictures in a cache; returns its index."""
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
    time.sleep(20)


def test_a_stop_is_heard_meanwhile(started: None) -> None:
    def stop() -> None:
        raise Stopped

    began = time.monotonic()
    with pytest.raises(Stopped):
        answer(sleep, ONE, (), stop)
    assert time.monotonic() - began < 15


def die() -> None:
    os._exit(1)


@pytest.mark.slow
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
    """A trainable that runs out of GPU memory in a search, unless it has the whole GPU."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        device.claim = lambda spec, gpu: None  # there is no GPU
        self.share = new_config["gpu"]
        return super().reset_config(new_config)

    def build(self, spec: TrialSpec) -> Numbers:
        if self.share < 1 and spec.key.startswith("search"):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return super().build(spec)


class Shapes(NoData):
    """Cases of known size that are never opened."""

    def prepare(self, *given: Any) -> Data:
        data = super().prepare(*given)
        sizes = {"channels": 1, "prepared_shape": [9, 9]}
        return dataclasses.replace(data, cases=tuple(dataclasses.replace(case, facts=sizes) for case in data.cases))


def probed(work: Any, shape: Shape, given: tuple[Any, ...], stopping: Any) -> Any:
    """Returns the probe result of a GPU of 16 GB, on which two trials fit."""
    assert shape == Shape(1, 1.0)
    return Footprint("Card 16", 0.1, 0.01, 1e-7, 5 * 2**30, 16 * 2**30) if given else "Card 16"


def test_trials_share_a_gpu_as_measured_and_have_it_alone_out_of_memory(
    tmp_path: pathlib.Path, started: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_probes, "answer", probed)
    study = numbers_study(
        budget={"trials_per_arm": 1, "cohort": 1, "sampler": "random", "final_seeds": 1},
        training={"learning_rate": {"low": 1e-4, "high": 0.2, "log": True}, "iterations": 8},
        losses={"dice": None},
        resources={"cpu": 1, "gpu": "auto"},
    )
    events: list[Event] = []
    ended = run_numbers(tmp_path, study, trainable=Hungry, source=Shapes(), on_event=events.append)
    assert Step("trials on a GPU at once: 2 of unet") in events
    spec = TrialSpec.from_json((tmp_path / "trials/numbers/search-a00-r0-f0-n000/spec.json").read_text())
    assert spec.gpu == 0.5
    assert (ended.complete, ended.finished, ended.failed, ended.lost) == (True, 2, 0, 0)
    with Ledger.open(tmp_path / "ledger.db", read_only=True) as ledger:
        told = [(str(each.trial)[:6], each.result, each.reason) for each in ledger.attempts(1)]
    assert told == [("search", "stopped", TOLD), ("search", "done", None), ("final-", "done", None)]
