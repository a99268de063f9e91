"""Training on a GPU with PyTorch and NumPy alone: numerics, waiting for data, arithmetic rate, trials that share it.

    python benchmarks/gpu.py [--device cuda|cpu] [--seconds 20] [--quick]

Needs this repository, Python, PyTorch and NumPy; about five minutes on a GPU. `--device cpu --quick` is a small run of
all parts, as a check of the script. Four parts:

1. Numerics: networks and losses in bfloat16 against float32, and on the device against the CPU (`parts/rounding.py`).
2. Starved: for `unet` 256², `unet3d` 80³ and `vnet` 80³ in bfloat16, seconds an iteration of a real training (patches,
   eight augmentations, curve) over those of the same step on one resident batch; patches a second, peak memory, and
   FLOP/s of the step (`torch.utils.flop_counter`) beside those of a large bfloat16 matrix product.
3. The same training in float32, with deterministic kernels, and compiled: seconds an iteration over those of part 2.
4. Packed: 1, 2, 4 and 8 processes with a small trial each (`unet3d` of 8 channels, 32³) on one device.

The last line is `ratio starved_NETWORK=… rate_NETWORK=… packed_COUNT=…`: seconds over seconds as in part 2, shares of
the matrix product's rate, and iterations a second of all trials over those of one. The exit status is 0 only if part 1
is within its limits and part 2 within 1.05 in 3D and 1.10 in 2D.
"""

import argparse
import dataclasses
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import starved
from parts import packed, rounding

from trainables.data.cache.cache import Dataset
from trainables.errors import InputError
from trainables.training.training import Training
from trainables.trial import TrialSpec

COUNTS = (1, 2, 4, 8)
TURN = {"cuda": 20, "cpu": 1}
"""Iterations between synchronisations."""
WAYS: dict[str, dict[str, object]] = {
    "float32": {"precision": "float32"},
    "deterministic": {"deterministic": True},
    "compiled": {"compile": "always"},
}


def timed(step: Callable[[], object], count: int, device: str) -> float:
    """Returns the mean seconds of a call over `count` calls."""
    _wait(device)
    start = time.perf_counter()
    for _ in range(count):
        step()
    _wait(device)
    return (time.perf_counter() - start) / count


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def matrix_rate(device: str, side: int) -> float:
    """Returns TFLOP/s of a square matrix product in bfloat16, the best of ten."""
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    timed(lambda: a @ b, 3, device)
    return 2 * side**3 / min(timed(lambda: a @ b, 3, device) for _ in range(10)) / 1e12


@dataclasses.dataclass(frozen=True)
class Measured:
    """One network's training.

    Attributes:
        real: Seconds of an iteration.
        resident: Seconds of the step alone.
        ratio: Median over the turns.
        teraflops: Floating-point operations of the step, times 1e12.
        peak: Peak of device memory in bytes; 0 on the CPU.
    """

    real: float
    resident: float
    ratio: float
    teraflops: float
    peak: int


def step_of(spec: TrialSpec, data: Dataset) -> Callable[[], object]:
    """Returns a training's step on a resident batch."""
    training = Training(spec, data)
    images, labels, maps = training._batch(0)
    training.network.train()
    return lambda: training._learn(images, labels, maps)


def arithmetic(spec: TrialSpec, data: Dataset) -> float:
    """Counts the floating-point operations of convolutions and products in one step, forward and backward."""
    step = step_of(spec, data)
    with FlopCounterMode(display=False) as counter:
        step()
    return float(counter.get_total_flops())


def measure(spec: TrialSpec, data: Dataset, device: str, seconds: float) -> Measured:
    """Times the real training and its step alone, in turn."""
    teraflops = arithmetic(spec, data) / 1e12
    training, step = Training(spec, data), step_of(spec, data)
    ways: tuple[Callable[[], object], ...] = (lambda: training.advance(training.iteration + 1), step)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    timed(ways[0], 3, device)
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else 0
    timed(ways[1], 3, device)
    turns: tuple[list[float], list[float]] = ([], [])
    start = time.perf_counter()
    while len(turns[0]) < 3 or time.perf_counter() - start < seconds:
        for which in (0, 1) if len(turns[0]) % 2 else (1, 0):
            turns[which].append(timed(ways[which], TURN[device], device))
    ratio = statistics.median(one / other for one, other in zip(*turns, strict=True))
    return Measured(statistics.median(turns[0]), statistics.median(turns[1]), ratio, teraflops, peak)


def specs(folder: pathlib.Path, given: argparse.Namespace) -> dict[str, tuple[TrialSpec, Dataset]]:
    """Returns each network's trial and cases."""
    sizes = {"unet": (64, 64), "unet3d": (32, 32, 32), "vnet": (32, 32, 32)} if given.quick else starved.NETWORKS
    data = {dim: starved.cases(folder / str(dim), dim) for dim in (2, 3)}
    return {
        name: (
            dataclasses.replace(starved.spec_of(name, data[len(size)], given), patch_size=size, precision="bfloat16"),
            data[len(size)],
        )
        for name, size in sizes.items()
    }


def right(given: argparse.Namespace) -> bool:
    """Runs part 1: prints the greatest difference of each kind; tells whether all are within their limits."""
    by_kind: dict[str, list[rounding.Found]] = {}
    for one in rounding.found(given.device, 32):
        by_kind.setdefault(one.what, []).append(one)
    print(f"{'greatest difference':22}{'found':>10}{'allowed':>10}  of")
    for what, several in by_kind.items():
        worst = max(several, key=lambda one: one.value)
        print(f"{what:22}{worst.value:10.2g}{rounding.LIMITS[what]:10.2g}  {worst.name} ({len(several)} compared)")
    return all(one.good for several in by_kind.values() for one in several)


def fed(trials: dict[str, tuple[TrialSpec, Dataset]], rate: float, given: argparse.Namespace) -> dict[str, Measured]:
    """Runs part 2: prints a row for each network."""
    print(
        f"\n{'bfloat16':10}{'patch':>10}{'real ms':>10}{'step ms':>10}{'ratio':>8}{'patches/s':>11}"
        f"{'TFLOP/s':>9}{'of rate':>9}{'peak MB':>9}"
    )
    found = {}
    for name, (spec, data) in trials.items():
        found[name] = one = measure(spec, data, given.device, given.seconds)
        size = "×".join(map(str, spec.patch_size))
        print(
            f"{name:10}{size:>10}{one.real * 1e3:10.1f}{one.resident * 1e3:10.1f}{one.ratio:8.3f}"
            f"{spec.batch_size / one.real:11.1f}{one.teraflops / one.real:9.2f}"
            f"{one.teraflops / one.real / rate:9.1%}{one.peak / 2**20:9.0f}",
            flush=True,
        )
    return found


def otherwise(spec: TrialSpec, data: Dataset, usual: float, given: argparse.Namespace) -> None:
    """Runs part 3: prints the seconds of the other modes of training."""
    print(f"\n{spec.model} otherwise{'':14}{'ms':>10}{'over bfloat16':>15}")
    for way, changes in WAYS.items():
        try:
            training = Training(dataclasses.replace(spec, **changes), data)  # type: ignore[arg-type]
            start = time.perf_counter()
            training.advance(3)
            first = time.perf_counter() - start
        except InputError as error:
            print(f"  {way:22} refused: {error}")
            continue
        taken = statistics.median(
            timed(lambda: training.advance(training.iteration + 1), TURN[given.device], given.device)  # noqa: B023
            for _ in range(3)
        )
        ready = f"   ({first:.0f} s until the third iteration)" if way == "compiled" else ""
        print(f"  {way:22}{taken * 1e3:10.1f}{taken / usual:15.2f}{ready}", flush=True)


def beside(folder: pathlib.Path, given: argparse.Namespace) -> dict[int, float]:
    """Runs part 4: prints iterations a second for each number of trials; returns the gains over one trial."""
    seconds = 2.0 if given.quick else given.seconds
    rates = {count: packed.together(count, folder / "packed", given.device, seconds) for count in given.packed}
    one = rates[min(rates)]
    print(f"\n{'trials beside each other':26}{'iterations/s':>14}{'gain':>7}")
    for count, rate in rates.items():
        print(f"{count:<26}{rate:14.1f}{rate / one:7.2f}", flush=True)
    return {count: rate / one for count, rate in rates.items()}


def main() -> int:
    """Runs all four parts and prints the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=("cpu", "cuda"))
    parser.add_argument("--seconds", type=float, default=20.0, help="of each measurement")
    parser.add_argument("--quick", action="store_true", help="small patches and few turns")
    parser.add_argument("--packed", type=int, nargs="+", default=list(COUNTS), help="how many trials beside each other")
    given = parser.parse_args()
    given.threads = 1 if given.quick else torch.get_num_threads()
    torch.set_num_threads(given.threads)
    if given.quick:
        given.seconds = 1.0
    card = torch.cuda.get_device_name() if given.device == "cuda" else "cpu"
    rate = matrix_rate(given.device, 8192 if given.device == "cuda" else 1024)
    print(f"{card}, torch {torch.__version__}: {rate:.2f} TFLOP/s of a matrix product in bfloat16\n")
    correct = right(given)
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        trials = specs(folder, given)
        found = fed(trials, rate, given)
        otherwise(*trials["unet3d"], found["unet3d"].real, given)
        gains = beside(folder, given)
    parts = [f"starved_{name}={one.ratio:.3f}" for name, one in found.items()]
    parts += [f"rate_{name}={one.teraflops / one.real / rate:.3f}" for name, one in found.items()]
    print("ratio " + " ".join([*parts, *(f"packed_{count}={gain:.2f}" for count, gain in gains.items())]))
    waited = any(one.ratio > starved.ALLOWED[len(trials[name][0].patch_size)] for name, one in found.items())
    return 0 if correct and not waited else 1


if __name__ == "__main__":
    sys.exit(main())
