"""The adapter to Ray: one process runs segment after segment and keeps nothing of the last one."""

import dataclasses
import gc
import pathlib
import resource
import sys
import types
import weakref
from typing import Any

import pytest
import torch

from tests.study.numbers import Numbers, NumbersSegmenter, spec
from tests.trainables import tiny
from trainables import segmenter
from trainables.failures import BROKEN_DEVICE
from trainables.segment import Assignment, Report, driver_file
from trainables.storage.folder import Storage
from trainables.training.training import Training
from trainables.trial import Outcome, Point, TrialSpec

FOLDER = "trials/s/search-a00-r0-f0-n000"
LEARNERS: list[weakref.ref[Numbers]] = []


class Large(Numbers):
    """A network that holds 8 MB, with a reference cycle as in real ones."""

    def __init__(self, spec: TrialSpec) -> None:
        super().__init__(spec)
        self.weights = torch.zeros(2_000_000)
        self.itself = self
        LEARNERS.append(weakref.ref(self))


class LargeSegmenter(NumbersSegmenter):
    def build(self, spec: TrialSpec) -> Large:
        return Large(spec)


@pytest.fixture
def config(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    storage = Storage(tmp_path)
    storage.write("trials/s/driver.json", driver_file(1))
    storage.write(f"{FOLDER}/spec.json", spec().to_json().encode())
    runtime = types.SimpleNamespace(get_node_id=lambda: "node-1")
    monkeypatch.setattr(segmenter.ray, "get_runtime_context", lambda: runtime)
    LEARNERS.clear()
    assignment = Assignment(
        storage=storage.root,
        folder=FOLDER,
        start=0,
        stop=10,
        resume=None,
        attempt=1,
        driver="trials/s/driver.json",
        fence=1,
        slice_seconds=0.0,
    )
    return {**dataclasses.asdict(assignment), "cpu": 1.0, "gpu": 0.0}  # what Tune adds is not the segment's


def made(kind: type = LargeSegmenter) -> Any:
    """Makes a Segmenter outside of an actor."""
    return kind.__new__(kind)


def run(worker: Any) -> dict[str, Any]:
    while not (result := worker.step())["done"]:
        pass
    return dict(result)


def test_a_result_is_a_report_with_the_node(config: dict[str, Any]) -> None:
    worker = made()
    worker.setup(config)
    result = worker.step()
    assert result["node"] == "node-1"
    assert result.keys() - {"node"} == {field.name for field in dataclasses.fields(Report)}
    assert (result["progress"], result["done"]) == (1, False)
    last = run(worker)
    assert Outcome.from_json(last["outcome"]).checkpoint == f"{FOLDER}/10-1"


def test_an_actor_is_reused_and_gives_the_same(config: dict[str, Any]) -> None:
    worker = made()
    worker.setup(config)
    first = Outcome.from_json(run(worker)["outcome"])
    assert worker.reset_config({**config, "attempt": 2})
    second = Outcome.from_json(run(worker)["outcome"])
    assert (second.weights, second.scores, second.curve) == (first.weights, first.scores, first.curve)
    assert second.checkpoint == f"{FOLDER}/10-2"


def test_nothing_of_a_segment_is_left(config: dict[str, Any]) -> None:
    worker = made()
    worker.setup(config)
    run(worker)
    assert LEARNERS[-1]() is None  # when it has ended, though it refers to itself
    worker.reset_config({**config, "attempt": 2})
    worker.step()
    assert LEARNERS[-1]() is not None
    worker.reset_config({**config, "attempt": 3})  # in the middle, too
    assert LEARNERS[-1]() is None
    worker.step()
    worker.cleanup()
    assert LEARNERS[-1]() is None
    worker.cleanup()  # twice is fine


def test_memory_does_not_grow_over_200_segments(config: dict[str, Any]) -> None:
    worker = made()
    worker.setup(config)
    for attempt in range(2, 202):
        worker.reset_config({**config, "attempt": attempt, "slice_seconds": 9.0})
        run(worker)
        if attempt == 20:
            gc.collect()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KB on Linux
    assert grown < 16_000, f"{grown} KB more at the peak"  # one learner that stays each time: 1,600,000


CASES = tiny.dataset((40, 36), 3)
TRIALS = (
    {"model": "unet", "loss": "dice"},
    {"model": "vnet", "loss": "focal"},
    {"model": "unet", "loss": "tversky", "model_parameters": {"width": 4}},
)
"""Trials that one actor trains in turn, with different networks, sizes and losses."""


class Trainer(NumbersSegmenter):
    """Trains real networks on tiny cases."""

    def build(self, spec: TrialSpec) -> Training:  # type: ignore[override]
        return Training(spec, CASES)


def in_use() -> int:
    """Returns the bytes that this process holds."""
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def on_the_gpu() -> tuple[int, int]:
    """Returns the bytes that PyTorch uses and reserves on the GPU; (0, 0) without one."""
    return (torch.cuda.memory_allocated(), torch.cuda.memory_reserved()) if torch.cuda.is_available() else (0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what a process holds")
@pytest.mark.parametrize("segments", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_segments_of_real_networks_leave_nothing(config: dict[str, Any], segments: int) -> None:
    gpu = 1.0 if torch.cuda.is_available() else 0.0
    given = {"iterations": 1, "marks": (1,), "evaluate": ("case2",), "metrics": ("dice",), "augment": (), "gpu": gpu}
    for number, changes in enumerate(TRIALS):
        one = tiny.spec(2, **{**given, **changes})
        Storage(config["storage"]).write(f"{FOLDER[:-1]}{number}/spec.json", one.to_json().encode())
    worker = made(Trainer)
    base, before = (0, 0), 0
    for attempt in range(1, segments + 1):
        folder = f"{FOLDER[:-1]}{attempt % len(TRIALS)}"
        worker.reset_config(
            {**config, "folder": folder, "stop": 1, "attempt": attempt, "slice_seconds": 9.0, "gpu": gpu}
        )
        assert Outcome.from_json(run(worker)["outcome"]).failed is None
        if attempt == 12:
            base, before = on_the_gpu(), in_use()
    grown = in_use() - before
    assert grown < 100e6, f"{grown / 1e6:.1f} MB more after {segments} segments"
    assert on_the_gpu() == base


def test_a_network_is_what_it_builds_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainables.training import training

    monkeypatch.setattr(training, "Training", lambda spec: ("a training of", spec.key))
    assert made(segmenter.Segmenter).build(spec()) == ("a training of", "search-a00-r0-f0-n000")


class Asserting(Numbers):
    """A learner whose kernel fails an assertion, after which the device cannot release memory."""

    def advance(self, to: int, *, seconds: float | None = None) -> tuple[Point, ...]:
        raise RuntimeError("CUDA error: device-side assert triggered")

    def close(self) -> None:
        raise RuntimeError("CUDA error: device-side assert triggered")


def test_an_assertion_in_a_kernel_is_the_trials_and_ends_its_process(
    config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = made(NumbersSegmenter)
    monkeypatch.setattr(NumbersSegmenter, "build", lambda self, spec: Asserting(spec))
    worker.reset_config(config)
    outcome = Outcome.from_json(run(worker)["outcome"])
    assert outcome.failed == "RuntimeError: CUDA error: device-side assert triggered"
    with pytest.raises(RuntimeError, match=BROKEN_DEVICE):
        worker.reset_config(config)
