"""Losses beside MONAI's: time and peak memory of forward and backward of every loss that both have, values compared.

    python benchmarks/losses.py [--rounds 7] [--size 80] [--device cpu|cuda] [--only dice …]

Logits `(2, 3, 80, 80, 80)` in float32 and class indices in int64, as training has them: a large and a small structure,
predicted nearly right. MONAI gets the arguments that make it the same function (`peers`); where it takes a mean over
classes and we do not, its value is multiplied by 3, and a loss that MONAI lacks is the sum of two of its own. Its soft
clDice and unified focal loss are other functions than ours and are left out; cross-entropy is PyTorch's.

Time: processor time of one thread from the logits to their gradient, ours and MONAI's in turn in one process; the first
one alternates. Wall time is printed beside it. On a GPU it is wall time between synchronisations.

Memory: peak during forward and backward above the level before, the gradient included, logits and target excluded. On
the CPU that is the kernel's peak of resident memory (`VmHWM` of `/proc/self/status`, reset by `/proc/self/clear_refs`)
of a process whose allocator returns freed memory at once, so that NumPy's and SciPy's arrays count too. On a GPU it is
`torch.cuda.max_memory_allocated`.

The last line is `ratio losses_time=… losses_memory=… worst_time=… worst_memory=…`: geometric means over the losses and
the worst loss, ours over MONAI's. The exit status is 0 only if both means are at most 0.7, no ratio is above 1.05 and
all values are equal.
"""

import argparse
import dataclasses
import functools
import gc
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from trainables.losses import LOSSES

NEEDED, WORST = 0.7, 1.05
EQUAL = 2e-5
"""Greatest relative difference from MONAI's value; some of MONAI's sums are in float32 too."""
CLASSES = 3
CONFUSIONS = ((0.0, 1.0, 1.0), (1.0, 0.0, 0.5), (1.0, 0.5, 0.0))
OURS: dict[str, dict[str, Any]] = {"wasserstein_dice": {"matrix": CONFUSIONS}}
"""Parameters of losses that are not compared with their defaults."""
EMPTY_AT_ONCE = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
MEGABYTE = 2**20

Value = Callable[[Tensor, Tensor], Tensor]


@dataclasses.dataclass(frozen=True)
class Cost:
    """Processor seconds and wall seconds of one forward and backward."""

    used: float
    wall: float


def peers() -> dict[str, Value]:
    """Returns MONAI's function for each of ours: logits `(N, 3, *spatial)`, class indices `(N, *spatial)` → value."""
    from monai import losses

    all_classes: dict[str, Any] = {"softmax": True, "to_onehot_y": True}
    foreground = {**all_classes, "include_background": False}
    focal = functools.partial(losses.FocalLoss, use_softmax=True, to_onehot_y=True)
    tversky = functools.partial(losses.TverskyLoss, smooth_nr=1e-6, smooth_dr=1e-6)
    doubling = torch.tensor([1.0, 2.0, 4.0])
    parts: dict[str, list[tuple[float, Any]]] = {
        "balanced": [(CLASSES, focal(gamma=0.0, alpha=0.25))],
        "focal": [(CLASSES, focal(gamma=2.0))],
        "dice": [(1, losses.DiceLoss(**all_classes))],
        "dice_sq": [(1, losses.DiceLoss(**foreground, squared_pred=True, smooth_nr=0, smooth_dr=1e-7))],
        "dice_lin": [(1, losses.DiceLoss(**foreground))],
        "dice_flat_s1": [(1, losses.DiceLoss(**foreground, batch=True, smooth_nr=1, smooth_dr=1))],
        "weighted_dice": [(1, losses.DiceLoss(**all_classes, weight=doubling * CLASSES / doubling.sum()))],
        "gdl_sudre": [
            (1, losses.GeneralizedDiceLoss(**all_classes, w_type="square", smooth_nr=0, smooth_dr=0)),
        ],
        "tversky": [(1, tversky(**foreground, alpha=0.3, beta=0.7))],
        "asl_lin": [
            (1, losses.TverskyLoss(**foreground, alpha=1 / 3.25, beta=2.25 / 3.25, smooth_nr=0, smooth_dr=1e-7))
        ],
        "matthews": [(1, losses.MCCLoss(**foreground))],
        "wasserstein_dice": [
            (1, losses.GeneralizedWassersteinDiceLoss(torch.tensor(CONFUSIONS), weighting_mode="default"))
        ],
        "dice_cross_entropy": [(1, losses.DiceCELoss(**all_classes))],
        "dice_focal": [(1, losses.DiceLoss(**all_classes)), (CLASSES, focal(gamma=2.0))],
        "custom": [(0.7 * CLASSES, focal(gamma=4.0, alpha=0.25)), (0.3, losses.DiceLoss(**foreground))],
        "hausdorff": [(1, losses.HausdorffDTLoss(**all_classes, alpha=2.0))],
    }
    values = {name: functools.partial(_summed, several) for name, several in parts.items()}
    by_class = tversky(**all_classes, alpha=0.3, beta=0.7, reduction="none")
    return {**values, "focal_tversky": lambda logits, target: by_class(logits, target[:, None]).pow(0.75).mean()}


def _summed(parts: list[tuple[float, Any]], logits: Tensor, target: Tensor) -> Tensor:
    """Returns the sum of MONAI's losses, each times its factor."""
    values = [factor * loss(logits, target[:, None]) for factor, loss in parts]
    return sum(values[1:], values[0])


def example(size: int, device: str) -> tuple[Tensor, Tensor]:
    """Returns logits `(2, 3, size³)` that require a gradient, and class indices `(2, size³)`: two balls, shifted."""
    axis = torch.linspace(-1, 1, size)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")

    def balls(shift: float) -> Tensor:
        organ = x**2 + (y - shift) ** 2 + z**2 < 0.6**2
        lesion = (x - 0.3) ** 2 + (y - 0.1 - shift) ** 2 + z**2 < 0.2**2
        return organ.long() + (organ & lesion).long()

    target = torch.stack([balls(0.0), balls(0.2)])
    near = torch.stack([balls(0.05), balls(0.3)])
    noise = torch.randn(2, CLASSES, size, size, size, generator=torch.Generator().manual_seed(0))
    logits = noise + 4 * torch.nn.functional.one_hot(near, CLASSES).movedim(-1, 1)
    return logits.contiguous().to(device).requires_grad_(), target.to(device)


def learn(loss: Value, logits: Tensor, target: Tensor) -> Tensor:
    """Runs forward and backward, without the gradient of an earlier call."""
    logits.grad = None
    value = loss(logits, target)
    value.backward()  # type: ignore[no-untyped-call]
    return value.detach()


def timed(loss: Value, logits: Tensor, target: Tensor) -> Cost:
    """Times one forward and backward."""
    _synchronise(logits)
    used, wall = time.process_time(), time.perf_counter()
    learn(loss, logits, target)
    _synchronise(logits)
    wall = time.perf_counter() - wall
    return Cost(wall if logits.is_cuda else time.process_time() - used, wall)


def peak(loss: Value, logits: Tensor, target: Tensor) -> float:
    """Returns the peak in bytes during forward and backward above the level before."""
    learn(loss, logits, target)  # the first call loads libraries and fills caches, which are not the loss's memory
    logits.grad = None
    gc.collect()
    if logits.is_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        learn(loss, logits, target)
        return float(torch.cuda.max_memory_allocated() - before)
    pathlib.Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _resident()
    learn(loss, logits, target)
    return float(_resident() - before)


def _synchronise(tensor: Tensor) -> None:
    if tensor.is_cuda:
        torch.cuda.synchronize()


def _resident() -> int:
    """Returns the peak of this process's resident memory in bytes since its reset."""
    for line in pathlib.Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    raise OSError("/proc/self/status has no VmHWM; this needs Linux")


def pairs(only: list[str]) -> dict[str, tuple[Value, Value]]:
    """Returns our loss and MONAI's, by name."""
    theirs = peers()
    names = [name for name in LOSSES if name in theirs and (not only or name in only)]
    return {name: (functools.partial(LOSSES[name], **OURS.get(name, {})), theirs[name]) for name in names}


def times(given: argparse.Namespace) -> dict[str, Any]:
    """Returns the medians of both and of their ratio, the values, and the difference of the gradients."""
    logits, target = example(given.size, given.device)
    found = {}
    for name, both in pairs(given.only).items():
        values, slopes = [], []
        for loss in both:
            values.append(learn(loss, logits, target).item())
            slopes.append(logits.grad)
        assert isinstance(slopes[0], Tensor)
        assert isinstance(slopes[1], Tensor)
        apart = float((slopes[0] - slopes[1]).abs().max() / slopes[1].abs().max())
        del slopes
        costs: tuple[list[Cost], list[Cost]] = ([], [])
        for number in range(given.rounds):
            for which in (0, 1) if number % 2 else (1, 0):
                costs[which].append(timed(both[which], logits, target))
        found[name] = {
            "values": values,
            "gradients_apart": apart,
            "used": [statistics.median(cost.used for cost in one) for one in costs],
            "wall": [statistics.median(cost.wall for cost in one) for one in costs],
            "ratio": statistics.median(mine.used / their.used for mine, their in zip(*costs, strict=True)),
        }
    return found


def memory(given: argparse.Namespace) -> dict[str, Any]:
    """Returns the peaks of both in bytes, medians of three."""
    logits, target = example(given.size, given.device)
    return {
        name: [statistics.median(peak(loss, logits, target) for _ in range(3)) for loss in both]
        for name, both in pairs(given.only).items()
    }


def _in_a_process(part: str, environment: dict[str, str]) -> dict[str, Any]:
    """Runs this script with `--part` in a process with this environment, and returns its result."""
    command = [sys.executable, *sys.argv, "--part", part]
    answer = subprocess.run(command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def show(seconds: dict[str, Any], peaks: dict[str, Any]) -> bool:
    """Prints the table and the last line; tells whether all figures are reached."""
    print(f"{'loss':20}{'ms':>8}{'MONAI':>8}{'ratio':>7}{'wall ms':>9}{'MONAI':>8}{'MB':>8}{'MONAI':>8}{'ratio':>7}")
    in_memory, apart = {}, 0.0
    for name, row in seconds.items():
        (mine, theirs), (wall, their_wall), (held, their_held) = row["used"], row["wall"], peaks[name]
        in_memory[name] = held / their_held
        apart = max(apart, abs(row["values"][0] - row["values"][1]) / abs(row["values"][1]))
        print(
            f"{name:20}{mine * 1e3:8.1f}{theirs * 1e3:8.1f}{row['ratio']:7.2f}{wall * 1e3:9.1f}{their_wall * 1e3:8.1f}"
            f"{held / MEGABYTE:8.1f}{their_held / MEGABYTE:8.1f}{in_memory[name]:7.2f}"
        )
    slopes = max(row["gradients_apart"] for row in seconds.values())
    print(
        f"values apart at most {apart:.1g} ({EQUAL:g} allowed), gradients {slopes:.1g} of the largest; "
        f"load {os.getloadavg()[0]:.1f}"
    )
    ratios = [row["ratio"] for row in seconds.values()], list(in_memory.values())
    means = [statistics.geometric_mean(one) for one in ratios]
    worst = [max(one) for one in ratios]
    print(
        f"ratio losses_time={means[0]:.2f} losses_memory={means[1]:.2f} worst_time={worst[0]:.2f} "
        f"worst_memory={worst[1]:.2f}"
    )
    return max(means) <= NEEDED and max(worst) <= WORST and apart <= EQUAL


def main() -> int:
    """Measures time in one process and memory in another; prints both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", type=int, default=80, help="voxels along each side")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only", nargs="*", default=[], choices=list(LOSSES), metavar="LOSS")
    parser.add_argument("--part", choices=("times", "memory"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        torch.set_num_threads(1)
        print(json.dumps(times(given) if given.part == "times" else memory(given)))
        return 0
    print(f"{given.device}, logits (2, {CLASSES}, {', '.join([str(given.size)] * 3)}), torch {torch.__version__}")
    return 0 if show(_in_a_process("times", ONE_THREAD), _in_a_process("memory", ONE_THREAD | EMPTY_AT_ONCE)) else 1


if __name__ == "__main__":
    sys.exit(main())
