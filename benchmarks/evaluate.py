"""Evaluation time beside MONAI's: sliding windows, Dice and HD95 of whole cases, one trained network, values compared.

    python benchmarks/evaluate.py [--hippocampus FOLDER] [--rounds 5] [--quick]

About three minutes on two quiet cores (`--quick`: one). Two sets of cases, each preprocessed before the clock starts:

- `128`: generated CT scans of 128³ voxels with an organ, windows of 64³ that overlap by half, 27 a case.
- `hippocampus`: the Decathlon's Task04 in nnU-Net's layout, or generated scans of its sizes without it; windows of
  40 × 56 × 40 voxels, nnU-Net's patch for it, so that nearly every case is one window.

The network is MONAI's residual UNet of 16-32-64-128 channels, as in its tutorials and in `time_to_dice.py`: small, and
not ours. It is trained for some seconds first, so that its masks have surfaces; all contestants use its weights.

MONAI: `SlidingWindowInferer` (gaussian, the same overlap, its weights cached, `sw_batch_size` the best of 1, 2, 4, 8),
argmax, one-hot, `DiceMetric`, `HausdorffDistanceMetric(percentile=95)`, in inference mode, the network as it was built.
Ours: `Training.evaluate`, which is a trial's evaluation at a mark without previews. Each in float32 and in bfloat16
(autocast; `training: {precision: bfloat16}` in a study file). They run in turn; the first one rotates. `network` is the
time inside the network's forward.

The last line is `ratio evaluate_128=… evaluate_hippocampus=… …_float32=… …_bfloat16=…`: our wall time over that of
MONAI's tutorials, which is in float32; medians over the rounds. The first two take ours in float32 where that is at
most 0.5, else in bfloat16 where the processor has instructions for it (AVX-512 BF16 or AMX). The others are float32
over float32 and bfloat16 over bfloat16. The exit status is 0 only if the first two are at most 0.5 and, in the
precision that is judged and in float32, no case's Dice or HD95 differs from MONAI's float32 by more than `TOLERATED`.
"""

import argparse
import dataclasses
import math
import os
import pathlib
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))  # the study file names a module beside this one

from benchmarks.parts.evaluated import TASKS, THREADS, Learned, learned, write_scans
from benchmarks.time_to_dice import residual_unet
from trainables.data.cache import cache
from trainables.training.training import Training

NEEDED = 0.5
TOLERATED = {"float32": (1e-4, 0.01), "bfloat16": (2e-3, 0.5)}
"""Allowed difference of a case's Dice and HD95 (mm) from MONAI's in float32: rounding, or half a voxel's side."""
LEARNED = 0.6
"""Least mean Dice: below it the comparison would be one of noise."""
SW_BATCH_SIZES = (1, 2, 4, 8)

Values = dict[tuple[str, str, str], float]
"""(case, region, metric) → value."""


@dataclasses.dataclass
class Contestant:
    """One way to evaluate.

    Attributes:
        evaluate: Scores all cases.
        network: The network whose forward is timed on its own.
        seconds: Wall time of each round.
        inside: Seconds inside the network, for each round.
        values: Scores of the last round.
    """

    evaluate: Callable[[], Values]
    network: nn.Module
    seconds: list[float] = dataclasses.field(default_factory=list)
    inside: list[float] = dataclasses.field(default_factory=list)
    values: Values = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self._clock, self._began = 0.0, 0.0
        self.network.register_forward_pre_hook(self._begin)
        self.network.register_forward_hook(self._end)

    def _begin(self, *_: Any) -> None:
        self._began = time.perf_counter()

    def _end(self, *_: Any) -> None:
        self._clock += time.perf_counter() - self._began

    def run(self) -> None:
        """Runs and times one round."""
        self._clock, started = 0.0, time.perf_counter()
        self.values = self.evaluate()
        self.seconds.append(time.perf_counter() - started)
        self.inside.append(self._clock)


def ours(training: Training, cases: list[str]) -> Contestant:
    """Returns the contestant that runs `Training.evaluate`."""

    def evaluate() -> Values:
        scores = training.evaluate(cases).scores
        return {(s.case, s.region, s.metric): math.nan if s.value is None else s.value for s in scores}

    return Contestant(evaluate, training.network)


def monai(known: Learned, precision: str) -> tuple[Contestant, int]:
    """Returns a contestant written after MONAI's tutorials, and its `sw_batch_size`."""
    from monai.inferers import SlidingWindowInferer
    from monai.metrics import DiceMetric, HausdorffDistanceMetric

    task, cases, data = known.task, known.scored, cache.Dataset.open(known.index)
    regions = list(task.labels)
    network = residual_unet(1, len(regions) + 1)
    network.load_state_dict(known.weights)
    network.eval()
    shares = [n / w for n, w in zip(task.overlap, task.window, strict=True)]
    held = {
        name: (torch.from_numpy(np.array(data.cases[name].image))[None], np.array(data.cases[name].reference))
        for name in cases
    }

    def predict(inferer: SlidingWindowInferer, name: str) -> torch.Tensor:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            logits: torch.Tensor = inferer(held[name][0], network)
        return logits

    def one_hot(classes: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.one_hot(classes, len(regions) + 1).movedim(-1, 1)

    tried = {}
    for size in SW_BATCH_SIZES:
        inferer = SlidingWindowInferer(task.window, size, shares, "gaussian", cache_roi_weight_map=True)
        times = []
        for _ in range(2):
            started = time.perf_counter()
            predict(inferer, cases[0])
            times.append(time.perf_counter() - started)
        tried[size] = min(times), inferer
    best = min(tried, key=lambda size: tried[size][0])

    def evaluate() -> Values:
        dice, distance = DiceMetric(include_background=False), HausdorffDistanceMetric(percentile=95)
        for name in cases:
            found = one_hot(predict(tried[best][1], name).argmax(1))
            reference = one_hot(torch.from_numpy(held[name][1]).long()[None])
            dice(found, reference)
            distance(found, reference, spacing=data.cases[name].reference_spacing)
        values = {"dice": dice.get_buffer(), "hd95": distance.get_buffer()}
        return {
            (name, region, metric): float(buffer[row, column])
            for metric, buffer in values.items()
            for row, name in enumerate(cases)
            for column, region in enumerate(regions)
        }

    return Contestant(evaluate, network), best


def prepared(known: Learned, name: str) -> dict[str, Contestant]:
    """Returns the contestants on a set of cases."""
    found = {}
    for precision in TOLERATED:
        found[f"segstudy {precision}"] = ours(known.training(precision), known.scored)
        found[f"MONAI {precision}"], best = monai(known, precision)
        print(f"{name}: {len(known.scored)} cases, MONAI in {precision} with sw_batch_size {best}", flush=True)
    return found


def compete(contestants: dict[str, Contestant], rounds: int) -> None:
    """Runs the rounds in turn, after one warm-up for each contestant."""
    order = list(contestants)
    for contestant in contestants.values():
        contestant.evaluate()
    for number in range(rounds):
        for name in order[number % len(order) :] + order[: number % len(order)]:
            contestants[name].run()


def show(name: str, contestants: dict[str, Contestant]) -> tuple[dict[str, float], bool]:
    """Prints a table; returns the ratios, and whether all values agree within their tolerance."""
    peer = contestants["MONAI float32"]
    print(f"\n{name:24}{'s':>9}{'network':>9}{'rest':>9}{'ratio':>8}{'Dice off':>11}{'HD95 off':>10}")
    equal = {}
    for which, one in contestants.items():
        off = {
            metric: max(abs(one.values[key] - value) for key, value in peer.values.items() if key[2] == metric)
            for metric in ("dice", "hd95")
        }
        limits = zip(off.values(), TOLERATED[which.split()[1]], strict=True)
        equal[which] = one.values.keys() == peer.values.keys() and all(value <= most for value, most in limits)
        whole, inside = statistics.median(one.seconds), statistics.median(one.inside)
        print(
            f"{which:24}{whole:9.3f}{inside:9.3f}{whole - inside:9.3f}{ratio(one, peer):8.2f}{off['dice']:11.1e}"
            f"{off['hd95']:10.1e}"
        )
    dice = statistics.fmean(value for key, value in peer.values.items() if key[2] == "dice")
    distance = statistics.fmean(value for key, value in peer.values.items() if key[2] == "hd95")
    found = {
        "_float32": ratio(contestants["segstudy float32"], peer),
        "_bfloat16": ratio(contestants["segstudy bfloat16"], contestants["MONAI bfloat16"]),
    }
    judged = "bfloat16" if found["_float32"] > NEEDED and multiplies_bfloat16() else "float32"
    found[""] = ratio(contestants[f"segstudy {judged}"], peer)
    print(f"mean Dice {dice:.4f}, mean HD95 {distance:.2f} mm; judged in {judged}; load {os.getloadavg()[0]:.1f}")
    return found, equal["segstudy float32"] and equal[f"segstudy {judged}"] and dice >= LEARNED


def ratio(mine: Contestant, peer: Contestant) -> float:
    """Returns the ratio of wall times, as a median over the rounds."""
    return statistics.median(one / other for one, other in zip(mine.seconds, peer.seconds, strict=True))


def multiplies_bfloat16() -> bool:
    """Tells whether the processor has bfloat16 instructions, by the kernel's list."""
    flags = pathlib.Path("/proc/cpuinfo")
    return flags.exists() and any(flag in flags.read_text(encoding="utf-8") for flag in ("avx512_bf16", "amx_bf16"))


def main() -> int:
    """Prepares the cases, runs the contestants, prints the tables and the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hippocampus", type=pathlib.Path, help="folder with imagesTr/ and labelsTr/")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two rounds, one case of 128³")
    parser.add_argument("--only", choices=list(TASKS), help="one set of cases")
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    warnings.filterwarnings("ignore", category=FutureWarning, module="monai")
    ratios, good = {}, True
    with tempfile.TemporaryDirectory() as temporary:
        for name in [given.only] if given.only else TASKS:
            folder = pathlib.Path(temporary, name)
            if name == "hippocampus" and given.hippocampus is not None:
                folder = given.hippocampus
            else:
                write_scans(folder, name, 6 if name == "128" else 32)
            few = 1 if given.quick and name == "128" else None
            contestants = prepared(learned(name, folder, pathlib.Path(temporary, f"{name}-cache"), few), name)
            compete(contestants, 2 if given.quick else given.rounds)
            found, equal = show(name, contestants)
            good &= equal and found[""] <= NEEDED
            ratios |= {f"evaluate_{name}{kind}": value for kind, value in found.items()}
    if not given.only:
        print(f"\ntolerated {TOLERATED}; bfloat16 in hardware: {multiplies_bfloat16()}; torch {torch.__version__}")
    first = sorted(ratios, key=lambda key: key.endswith(("_float32", "_bfloat16")))
    print("ratio " + " ".join(f"{key}={ratios[key]:.2f}" for key in first))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
