"""Probe: a few iterations at a trial's size, to measure its memory and speed before a study starts.

It trains with `Training` itself, on prepared cases and on the trial's device, so it measures what a trial does.
"""

import contextlib
import dataclasses
import math
import os
import resource
import socket
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from trainables.data.cache.cache import Dataset
from trainables.data.patches.windows import starts
from trainables.evaluation import inference
from trainables.training import device
from trainables.training.footprint import CPU, Footprint
from trainables.training.learner import Diverged
from trainables.training.training import Training
from trainables.trial import TrialSpec

STEPS = 3  # iterations that are measured, after one that is not: the first finds its kernels and makes its buffers
LONGEST = 20.0  # seconds that a whole case may take to be scored, else its windows alone are counted
NO_SHARE = 1e-6
"""Share of a GPU's memory into which no cases fit (`data.patches.residence`)."""


def probe(specs: Sequence[TrialSpec], largest: Sequence[int], dataset: Dataset | None = None) -> Footprint:
    """Measure a network, in a process that used little memory before.

    Args:
        specs: The network's trials to measure, at least one: their greatest memory and median time count. They share
            network, patch and batch, and differ in what the loss costs.
        largest: Voxels of the largest case on the training grid: it goes through inference whole on a GPU; on a CPU
            one window does, since memory is not what decides there.
        dataset: The prepared cases; None opens the trials' own.

    Raises:
        torch.OutOfMemoryError: It does not fit, though it is alone.
        InputError: Something in the trials does not exist or fit.
    """
    first = specs[0]
    device.claim(first, first.gpu)
    _forget_peak()
    seconds: list[float] = []
    window = rest = 0.0
    data = Dataset.open(first.data, first.scales) if dataset is None else dataset
    for number, spec in enumerate(map(_short, specs)):
        training = Training(spec, data)
        try:
            seconds += _iterations(training)
            if number == 0:
                window, rest = _evaluation(training, data, largest)
        finally:
            training.close()
            device.release()
    return Footprint(
        device=device_of(first),
        seconds=statistics.median(seconds),
        window_seconds=window,
        voxel_seconds=rest,
        peak_bytes=int(torch.cuda.max_memory_reserved()) if first.gpu else _peak_of_process(),
        total_bytes=memory_of(first),
    )


def device_of(spec: TrialSpec) -> str:
    """Return the name of this machine's device in a footprint of the trial."""
    return device.name(spec) if spec.gpu else f"{CPU}{socket.gethostname()}"


def memory_of(spec: TrialSpec) -> int:
    """Return the bytes of the GPU that this process sees, or of the machine."""
    if spec.gpu:
        return int(torch.cuda.get_device_properties(0).total_memory)
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def windows(shape: Sequence[int], spec: TrialSpec) -> int:
    """Count the inference windows of an image.

    Args:
        shape: Voxels on the training grid; a volume under a window of two sides is seen slice by slice.
        spec: Window and overlap.
    """
    slices = math.prod(shape[: len(shape) - len(spec.patch_size)])
    sides = shape[len(shape) - len(spec.patch_size) :]
    along = zip(sides, spec.patch_size, spec.patch_overlap, strict=True)
    return slices * math.prod(len(starts(max(side, own), own, overlap)) for side, own, overlap in along)


def _short(spec: TrialSpec) -> TrialSpec:
    """The trial without what it does between iterations, and without its cases on the GPU, where they are a choice."""
    quiet = dataclasses.replace(spec, schedule="constant", step={}, plateau={}, early_stopping={})
    return dataclasses.replace(quiet, checkpoint="last", evaluate_every=0, gpu=spec.gpu and NO_SHARE)


def _iterations(training: Training) -> list[float]:
    """Return the seconds of each iteration; a diverged training has been measured by then."""
    found = []
    with contextlib.suppress(Diverged):
        for iteration in range(1, min(STEPS + 1, training.spec.iterations) + 1):
            found.append(_timed(training, lambda to=iteration: training.advance(to)))  # type: ignore[misc]
    return found[1:] or found


def _evaluation(training: Training, data: Dataset, largest: Sequence[int]) -> tuple[float, float]:
    """Return the seconds of a window, and of the rest of the smallest case's evaluation per voxel."""
    spec = training.spec
    one = (*((1,) if spec.context else ()), *spec.patch_size)  # a slice has neighbours in a volume alone
    shape = tuple(largest) if spec.gpu else one
    training.network.eval()

    def network(images: Tensor) -> Tensor:
        with torch.autocast(training.device.type, dtype=torch.bfloat16, enabled=spec.precision == "bfloat16"):
            return training.network(images)  # type: ignore[no-any-return]

    def look(at: Sequence[int]) -> None:
        inference.predict(
            network,
            _pattern((data.channels, *at), training.device),
            window=spec.patch_size,
            overlap=spec.patch_overlap,
            blend=spec.blend,
            average=spec.average,
            mirror=spec.mirror,
            context=spec.context,
        )

    look(one)
    each = _timed(training, lambda: look(shape)) / windows(shape, spec)
    case = min((data.cases[name] for name in spec.train), key=lambda case: case.reference.size)
    count = windows(case.image.shape[1:], spec)
    if count * each > LONGEST:
        return each, 0.0
    with contextlib.suppress(Diverged):
        taken = _timed(training, lambda: training.evaluate((case.name,)))
        return each, max(0.0, taken - count * each) / case.reference.size
    return each, 0.0


def _pattern(shape: Sequence[int], where: torch.device) -> Tensor:
    """Return an image without constant windows, which inference would predict only once."""
    return torch.arange(math.prod(shape), device=where).remainder(7).float().reshape(*shape)


def _timed(training: Training, work: Callable[[], object]) -> float:
    """Return the seconds until the device has finished the work."""
    began = time.monotonic()
    work()
    if training.device.type == "cuda":
        torch.cuda.synchronize()
    return time.monotonic() - began


def _forget_peak() -> None:
    """Reset the process's peak memory to the present one; possible on Linux only."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_of_process() -> int:
    """Return the peak memory of this process in bytes. On Linux `getrusage` would include a parent's peak."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
