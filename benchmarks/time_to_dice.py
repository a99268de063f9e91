"""Seconds of training until a mean test Dice of 0.83, 0.85 and 0.86 on the hippocampus, beside a MONAI script.

    python benchmarks/time_to_dice.py DATA [--seeds 3] [--quick] [--only monai same defaults] [--cache FOLDER]

DATA is the Decathlon's Task04 in nnU-Net's layout. Every fifth case is held out and scored; nothing is selected by it.
Three trainings for each seed, on two threads:

- `monai`: as MONAI's tutorials have it: CacheDataset, RandCropByPosNegLabel (four patches of each of two cases),
  RandAffine, DiceCELoss, a residual UNet of 16-32-64-128 channels, AdamW with a constant rate of 1e-3.
- `same`: segstudy with that network and that loss, and defaults for the rest of the study file.
- `defaults`: segstudy with its own network `unet3d` and `dice_cross_entropy`, and defaults for the rest.

All see patches of 32 × 48 × 32 voxels of z-scored images. They train in turn, a slice of wall time each, so that other
load affects all of them. After each slice the held-out cases are predicted by the same sliding windows and scored:
eight of them, and all where their mean comes near the next level, which only the mean of all can reach. Preparation and
scoring are not in the time. MONAI's loader workers may continue while it is scored, to its advantage.

The last line is `ratio same_83=… same_85=… same_86=… defaults_83=… defaults_85=… defaults_86=…`: our wall time over
MONAI's, medians over the seeds. The exit status is 0 only if each of `same` is at most 0.7 and each of `defaults` at
most 0.5. About fifteen minutes for three seeds on two quiet cores; `--quick` is one seed to 0.83 alone.
"""

import argparse
import dataclasses
import os
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))  # the study file names this file as a module

from study.cases.from_study_file import files_of, options_of
from study.study_file import Study, trial_fields
from trainables.data.cache import cache
from trainables.evaluation import inference
from trainables.training.training import Training
from trainables.trial import TrialSpec

LEVELS = (0.83, 0.85, 0.86)
NEEDED = {"same": 0.7, "defaults": 0.5}
NEAR = 0.015
"""All cases are scored where the mean over some is at most this far below a level."""
PATCH = (32, 48, 32)
THREADS = 2
SLICE, GROWTH = 2.0, 0.1
"""Seconds of the first slices; share of the training so far for later ones."""
LONGEST = 300.0
"""Seconds after which a training is stopped."""
CASES, SAMPLES = 2, 4
"""Cases in an iteration of MONAI's script, and patches from each."""
MODELS: dict[str, Any] = {"same": {"residual": "benchmarks.time_to_dice:residual_unet"}, "defaults": {"unet3d": None}}
ITERATIONS = {"same": 2000, "defaults": 450}
"""Length of our trainings, which the learning rate's schedule spans; chosen on cases that are not held out."""


def residual_unet(in_channels: int, out_channels: int, dim: int = 3) -> nn.Module:
    """Builds MONAI's residual UNet, with the signature that a study file needs."""
    from monai.networks.nets import UNet

    return UNet(dim, in_channels, out_channels, (16, 32, 64, 128), (2, 2, 2), num_res_units=2)  # type: ignore[no-any-return]


@dataclasses.dataclass
class Contestant:
    """One timed training.

    Attributes:
        train: Trains for about the given seconds; returns the iterations done, and whether more remain.
        predict: Returns class indices of a held-out case on its own grid, and the reference.
        seconds: Wall time of training so far.
        iterations: Iterations done so far.
        reached: Level → seconds at the first scoring of all cases that reached it.
    """

    train: Callable[[float], tuple[int, bool]]
    predict: Callable[[str], tuple[np.ndarray, np.ndarray]]
    seconds: float = 0.0
    iterations: int = 0
    reached: dict[float, float] = dataclasses.field(default_factory=dict)

    def learn(self) -> bool:
        """Trains for a slice; tells whether more remain."""
        start = time.perf_counter()
        self.iterations, more = self.train(max(SLICE, GROWTH * self.seconds))
        self.seconds += time.perf_counter() - start
        return more and self.seconds < LONGEST

    def score(self, cases: list[str]) -> tuple[float, int]:
        """Returns the mean Dice of both parts with the current weights, and the number of cases scored."""
        some = cases[::4]
        found = {case: _dice(*self.predict(case)) for case in some}
        missing = [level for level in LEVELS if level not in self.reached]
        if missing and statistics.fmean(found.values()) >= missing[0] - NEAR:
            found |= {case: _dice(*self.predict(case)) for case in cases if case not in found}
            self.reached |= {level: self.seconds for level in missing if statistics.fmean(found.values()) >= level}
        return statistics.fmean(found.values()), len(found)


def _dice(prediction: np.ndarray, reference: np.ndarray) -> float:
    """Returns the mean over anterior and posterior part; no reference here is empty."""
    parts = [(prediction == part, reference == part) for part in (1, 2)]
    return float(np.mean([2 * (mine & true).sum() / (mine.sum() + true.sum()) for mine, true in parts]))


def a_study(folder: str, which: str) -> Study:
    """Returns the study file: required keys and the number of threads only."""
    return Study.from_plain(
        {
            "name": f"time-to-dice-{which}",
            "dataset": {"path": folder, "labels": {"anterior": 1, "posterior": 2}},
            "patch": {"size": list(PATCH)},
            "models": MODELS[which],
            "losses": {"dice_cross_entropy": None},
            "training": {"iterations": ITERATIONS[which]},
            "resources": {"cpu": THREADS},
        }
    )


def ours(study: Study, index: pathlib.Path, train: list[str], seed: int) -> Contestant:
    """Returns a training of ours, with the configuration of its arm's first trial."""
    (arm,) = study.arms
    fields = trial_fields(study, arm, arm.default)
    key = f"search-a00-r0-f0-n{seed:03d}"
    spec = TrialSpec(key=key, seed=seed, data=str(index), train=tuple(train), evaluate=(), **fields)
    data = cache.Dataset.open(index)
    training = Training(spec, data)

    def learn(seconds: float) -> tuple[int, bool]:
        training.advance(spec.iterations, seconds=seconds)
        return training.iteration, training.iteration < spec.iterations

    return Contestant(learn, lambda case: (training.predict(case), np.asarray(data.cases[case].reference)))


def monai(files: dict[str, Any], train: list[str], seed: int, workers: int) -> Contestant:
    """Returns a training written after MONAI's tutorials."""
    import monai
    from monai import data, losses, transforms

    monai.utils.set_determinism(seed)
    keys, patch = ["image", "label"], PATCH[::-1]  # MONAI's axes are x, y, z
    prepared = [
        transforms.LoadImaged(keys),
        transforms.EnsureChannelFirstd(keys),
        transforms.Orientationd(keys, axcodes="RAS", labels=None),
        transforms.NormalizeIntensityd("image"),
    ]
    drawn = [
        transforms.SpatialPadd(keys, patch),
        transforms.RandCropByPosNegLabeld(keys, "label", patch, pos=1, neg=1, num_samples=SAMPLES),
        transforms.RandAffined(
            keys,
            prob=0.5,
            rotate_range=(0.26, 0.26, 0.26),
            scale_range=(0.1, 0.1, 0.1),
            mode=("bilinear", "nearest"),
            padding_mode="border",
        ),
    ]
    items = {name: {"image": str(case.images[0]), "label": str(case.mask)} for name, case in files.items()}
    cached = data.CacheDataset([items[name] for name in train], transforms.Compose([*prepared, *drawn]), progress=False)
    loader = data.DataLoader(
        cached, batch_size=CASES, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0
    )
    network, loss_of = residual_unet(1, 3), losses.DiceCELoss(to_onehot_y=True, softmax=True)
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)

    def batches() -> Iterator[dict[str, Tensor]]:
        while True:
            yield from loader

    numbered, as_prepared = enumerate(batches(), start=1), transforms.Compose(prepared)
    kept: dict[str, tuple[Tensor, np.ndarray]] = {}

    def learn(seconds: float) -> tuple[int, bool]:
        end, iteration = time.perf_counter() + seconds, 0
        network.train()
        while time.perf_counter() < end:
            iteration, batch = next(numbered)
            optimizer.zero_grad()
            loss_of(network(batch["image"]), batch["label"]).backward()
            optimizer.step()
        return iteration, True

    def predict(case: str) -> tuple[np.ndarray, np.ndarray]:
        if case not in kept:
            read = as_prepared(items[case])
            kept[case] = read["image"].as_tensor(), read["label"].as_tensor()[0].numpy()
        image, reference = kept[case]
        network.eval()
        found = inference.predict(network, image, window=patch, overlap=[side // 2 for side in patch])
        return found.argmax(0).numpy(), reference

    return Contestant(learn, predict)


def run(given: argparse.Namespace, folder: pathlib.Path) -> list[dict[str, Contestant]]:
    """Trains the contestants of each seed to their end; the first one alternates."""
    studies = {which: a_study(given.data, which) for which in MODELS}
    files, how = {case.name: case for case in files_of(studies["same"])}, options_of(studies["same"])
    index = cache.write_index(folder, [cache.prepare_case(case, how, folder) for case in files.values()], how)
    held_out = list(files)[::5]
    train = [name for name in files if name not in held_out]
    print(f"{len(train)} cases to learn from, {len(held_out)} held out; {THREADS} threads, torch {torch.__version__}")
    goal = LEVELS[0] if given.quick else LEVELS[-1]
    seeds = []
    for seed in range(1 if given.quick else given.seeds):
        contestants = {
            which: monai(files, train, seed, given.workers)
            if which == "monai"
            else ours(studies[which], index, train, seed)
            for which in (given.only if seed % 2 == 0 else given.only[::-1])
        }
        seeds.append(contestants)
        running = dict(contestants)
        while running:
            for which, contestant in list(running.items()):
                more = contestant.learn()
                dice, cases = contestant.score(held_out)
                print(
                    f"seed {seed}  {which:9}{contestant.seconds:7.1f} s{contestant.iterations:6} iterations   "
                    f"Dice of {cases:2} cases {dice:.4f}   load {os.getloadavg()[0]:.1f}",
                    flush=True,
                )
                if not more or goal in contestant.reached:
                    del running[which]
    return seeds


def show(seeds: list[dict[str, Contestant]], levels: tuple[float, ...]) -> bool:
    """Prints the table and the last line; tells whether all figures are reached."""
    never = float("inf")
    print(f"\nseconds to a mean Dice of{'':9}" + "".join(f"{level:>22}" for level in levels))
    medians = {}
    for which in seeds[0]:
        times = {level: [found[which].reached.get(level, never) for found in seeds] for level in levels}
        print(
            f"{which:34}"
            + "".join(f"{statistics.median(row):9.1f} ({min(row):4.0f} to {max(row):4.0f})" for row in times.values())
        )
        for level in levels if which != "monai" and "monai" in seeds[0] else ():
            theirs = [found["monai"].reached.get(level, never) for found in seeds]
            pairs = zip(times[level], theirs, strict=True)
            medians[which, level] = statistics.median(never if mine == never else mine / their for mine, their in pairs)
    print("ratio " + " ".join(f"{which}_{level * 100:.0f}={value:.2f}" for (which, level), value in medians.items()))
    return bool(medians) and all(value <= NEEDED[which] for (which, _), value in medians.items())


def main() -> int:
    """Trains, prints the table and the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", help="folder with imagesTr/ and labelsTr/")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one seed, to the first level")
    parser.add_argument("--only", nargs="+", choices=["monai", *MODELS], default=["monai", *MODELS])
    parser.add_argument("--workers", type=int, default=2, help="processes of MONAI's loader")
    parser.add_argument("--cache", help="folder to keep our prepared cases in")
    given = parser.parse_args()
    torch.set_num_threads(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        seeds = run(given, pathlib.Path(given.cache or folder))
    return 0 if show(seeds, LEVELS[:1] if given.quick else LEVELS) else 1


if __name__ == "__main__":
    sys.exit(main())
