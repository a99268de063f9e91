"""Cost of data loading: time of a training iteration over one of the same network on a resident batch; 3 minutes.

    python benchmarks/starved.py [--seconds 50] [--device cpu|cuda] [--only unet unet3d vnet] [--threads 2]

Real: `Training.advance`, which samples patches from the memory-mapped cache (on a GPU: from its memory), applies all
eight augmentations, sets the learning rate, takes an optimiser step, and records the training curve. Resident: forward,
loss, backward and a step of the same optimiser on one batch in memory, in a second network of the same initial weights.
Batches of 2; networks of 16 channels in their first stage, since the larger default of `unet` (64) would hide the data
loading behind ten times the arithmetic. Both run in turn and the first one alternates; on a GPU a turn is 20 iterations
between synchronisations.

The last line is `ratio starved_NETWORK=…`, medians over the turns. The exit status is 0 only if it is at most 1.05 for
patches of 80³ voxels and 1.10 for patches of 256² pixels.
"""

import argparse
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from parts.cases import in_the_cache
from patches import AUGMENT, SIZES

from trainables import random_streams
from trainables.data.cache import cache
from trainables.losses import LOSSES
from trainables.training.optimizers import OPTIMIZERS
from trainables.training.training import Training
from trainables.trial import TrialSpec

NETWORKS = {"unet": SIZES["2d-256"], "unet3d": SIZES["3d-80"], "vnet": SIZES["3d-80"]}
ALLOWED = {2: 1.10, 3: 1.05}
LAST = 10**6
FEWEST, WARM = 5, 2
SHAPES = {3: (128, 128, 128), 2: (384, 384)}


def cases(folder: pathlib.Path, dim: int) -> cache.Dataset:
    """Makes cases of balls in noise, without SciPy, which a GPU machine may lack; the content does not affect time."""
    made = []
    for number in range(4 if dim == 3 else 16):
        rng = random_streams.stream(0, "benchmark", number)
        axes = np.meshgrid(*(np.linspace(-1, 1, length) for length in SHAPES[dim]), indexing="ij", sparse=True)
        away = np.sqrt(sum((axis - rng.uniform(-0.3, 0.3)) ** 2 for axis in axes))
        labels = (away < 0.6).astype(np.uint8) + (away < 0.2)
        image = 100 * labels + rng.normal(0, 30, labels.shape)
        made.append((image.astype(np.float32), labels.astype(np.uint8)))
    return in_the_cache(folder, made, 1.0)


def spec_of(model: str, data: cache.Dataset, given: argparse.Namespace) -> TrialSpec:
    """Returns a trial that never ends."""
    dim = len(NETWORKS[model])
    return TrialSpec(
        key=f"starved-{model}",
        seed=1,
        data="",
        train=tuple(data.cases),
        evaluate=(),
        model=model,
        model_parameters={"width": 16, **({"norm": "batch"} if model == "unet" else {})},
        loss="dice",
        iterations=LAST,
        marks=(LAST,),
        patch_size=NETWORKS[model],
        patch_overlap=(0,) * dim,
        foreground=0.5,
        augment=AUGMENT,
        classes=("background", "organ", "lesion"),
        regions={"organ": (1,), "lesion": (2,)},
        threads=given.threads,
        gpu=float(given.device == "cuda"),
    )


def resident(model: str, data: cache.Dataset, given: argparse.Namespace) -> Callable[[], None]:
    """Returns a function that runs one iteration on a resident batch, and nothing else."""
    spec = spec_of(model, data, given)
    training = Training(spec, data)
    images, labels, _ = training._batch(0)
    images = images.contiguous(memory_format=torch.channels_last if images.ndim == 4 else torch.channels_last_3d)
    optimizer = OPTIMIZERS[spec.optimizer](
        training.network.parameters(), spec.learning_rate, spec.weight_decay, spec.momentum, spec.eps
    )
    loss = LOSSES[spec.loss]
    training.network.train()

    def step() -> None:
        value = loss(training.network(images), labels)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    return step


def timed(iterate: Callable[[], None], count: int, device: str) -> float:
    """Returns the seconds of `count` iterations."""
    start = time.perf_counter()
    for _ in range(count):
        iterate()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(model: str, data: cache.Dataset, given: argparse.Namespace) -> tuple[list[float], list[float]]:
    """Returns the seconds of each iteration: in a real training, and on the resident batch."""
    training = Training(spec_of(model, data, given), data)
    ways = (lambda: training.advance(training.iteration + 1), resident(model, data, given))
    count = 20 if given.device == "cuda" else 1
    found: tuple[list[float], list[float]] = ([], [])
    for iterate in ways:
        timed(iterate, WARM, given.device)  # warm-up: kernels are selected and memory is allocated
    start = time.perf_counter()
    while len(found[0]) < FEWEST or time.perf_counter() - start < given.seconds:
        for which in (0, 1) if len(found[0]) % 2 else (1, 0):
            found[which].append(timed(ways[which], count, given.device) / count)
    return found


def main() -> int:
    """Prints a table and the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=50.0, help="of each network")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=("cpu", "cuda"))
    parser.add_argument("--only", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    ratios, reached = {}, True
    with tempfile.TemporaryDirectory() as folder:
        for model in given.only:
            dim = len(NETWORKS[model])
            real, ready = measure(model, cases(pathlib.Path(folder), dim), given)
            ratios[model] = statistics.median(one / other for one, other in zip(real, ready, strict=True))
            reached = reached and ratios[model] <= ALLOWED[dim]
            size = "×".join(map(str, NETWORKS[model]))
            print(
                f"{model:7} {size:9} {statistics.median(real) * 1e3:9.1f} ms an iteration, "
                f"{statistics.median(ready) * 1e3:9.1f} on a resident batch, {len(real)} turns",
                flush=True,
            )
    print(f"{given.device}, {given.threads} threads, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}")
    print("ratio " + " ".join(f"starved_{model}={value:.3f}" for model, value in ratios.items()))
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
