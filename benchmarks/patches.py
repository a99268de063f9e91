"""Augmented patches a second beside MONAI's and batchgeneratorsv2's, from the same cases; about four minutes.

    python benchmarks/patches.py [--rounds 5] [--seconds 2] [--sizes 3d-32 3d-80 2d-256] [--without elastic]

Cases are phantoms of 128 × 160 × 160 voxels, or slices of 384 × 384 pixels, prepared once; all pipelines start from the
prepared arrays. Ours come from the memory-mapped cache as in a training, MONAI's from a CacheDataset (voxel indices
cached too, cached cases not copied, which its defaults do at each patch) by a DataLoader with 0 and with 2 workers,
batchgeneratorsv2's from boxes cut as by nnU-Net's loader, in this process and in 2 others. Batches of 2; half of the
patches are centred on foreground. Each process has one thread, and ours is one process.

All augment alike, with our defaults' probabilities and ranges: mirror, rotate, scale, elastic, brightness, contrast,
gamma, noise. Elastic displacements are as strong as ours, each by the library's own method (a Gaussian filter of random
voxels, which is most of MONAI's time in 3D: `--without elastic` leaves them out for all). MONAI crops to the patch's
size first, so its rotated patches show padding where ours and batchgeneratorsv2's show tissue.

In each round all are timed in turn, in forward and reverse order alternately; batches that workers prepared in the
meantime are discarded first. The last line is `ratio patches_SIZE=…`: medians over the rounds of our patches a second
over the better of MONAI's two. The exit status is 0 only if each is at least 4.
"""

import argparse
import importlib.util
import itertools
import os
import pathlib
import statistics
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from parts.cases import in_the_cache

from trainables import random_streams
from trainables.data.augmentation.augment import Augmenter
from trainables.data.cache import cache
from trainables.data.patches.batches import Batches
from trainables.data.patches.patches import PatchSampler
from trainables.data.phantom import anatomy, phantom

NEEDED = 4.0
BATCH, WORKERS = 2, 2
FOREGROUND, OFTEN = 0.5, 0.15
SIZES = {"3d-32": (32, 32, 32), "3d-80": (80, 80, 80), "2d-256": (256, 256)}
AUGMENT = ("mirror", "rotate", "scale", "elastic", "brightness", "contrast", "gamma", "noise")
TURN = float(np.deg2rad(15))
SHAPES = {3: (128, 160, 160), 2: (384, 384)}
CASES = {3: 4, 2: 24}


def prepared(folder: pathlib.Path, dim: int) -> cache.Dataset:
    """Prepares phantoms in the cache: volumes of 1.2 mm, or slices of 0.35 mm."""
    step, made = (1.2 if dim == 3 else 0.35), []
    for number in range(CASES[dim]):
        rng = random_streams.stream(0, "benchmark", number)
        who = anatomy.moved(anatomy.patient(rng), 0.0 if dim == 3 else float(rng.uniform(-14, 14)))
        shape = SHAPES[3] if dim == 3 else (1, *SHAPES[2])
        hu, labels = phantom.scan(who, shape, (step, step, step), rng)
        made.append((hu, labels) if dim == 3 else (hu[0], labels[0]))
    return in_the_cache(folder, made, step)


def ours(data: cache.Dataset, size: tuple[int, ...], bent: bool = True) -> Iterator[Any]:
    """Yields batches as `Training` makes them."""
    augmenter = Augmenter([name for name in AUGMENT if bent or name != "elastic"], 1, size, data.spacing)
    sampler = PatchSampler(data, list(data.cases), size, FOREGROUND, 1, augmenter.margin, batch_size=BATCH)
    batches = Batches(sampler, augmenter, BATCH)
    return (batches.batch(iteration) for iteration in itertools.count())


def monai(data: cache.Dataset, size: tuple[int, ...], workers: int, bent: bool = True) -> Iterator[Any]:
    """Yields batches of MONAI's DataLoader, without end."""
    from monai import transforms as t
    from monai.data import CacheDataset, DataLoader

    both, dim = ("image", "label"), len(size)
    moved: dict[str, Any] = {"keys": both, "prob": OFTEN, "mode": ("bilinear", "nearest"), "padding_mode": "border"}
    elastic = (
        t.Rand3DElasticd(sigma_range=(10, 10), magnitude_range=(0, 913), **moved)
        if dim == 3
        else t.Rand2DElasticd(spacing=(18, 18), magnitude_range=(0, 3.5), **moved)
    )
    random = [
        t.RandCropByPosNegLabeld(
            both, "label", size, 1, 1, fg_indices_key="label_fg_indices", bg_indices_key="label_bg_indices"
        ),
        *(t.RandFlipd(both, 0.5, axis) for axis in range(dim)),
        t.RandAffined(rotate_range=(TURN,) * (3 if dim == 3 else 1), cache_grid=True, spatial_size=size, **moved),
        t.RandAffined(scale_range=((-0.15, 0.25),) * dim, cache_grid=True, spatial_size=size, **moved),
        *([elastic] if bent else []),
        t.RandScaleIntensityd("image", (-0.5, 1.0), OFTEN),
        t.RandScaleIntensityFixedMeand("image", (-0.7, 2.0), preserve_range=True, prob=OFTEN),
        t.RandAdjustContrastd("image", OFTEN, (0.7, 1.5), retain_stats=True),
        t.RandGaussianNoised("image", OFTEN, std=0.05),
    ]
    items = [{"image": np.array(case.image), "label": np.array(case.label)[None]} for case in data]
    steps = [t.EnsureTyped(both), t.FgBgToIndicesd("label"), *random]
    dataset = CacheDataset(items, t.Compose(steps), progress=False, copy_cache=False)
    endless = torch.utils.data.RandomSampler(dataset, replacement=True, num_samples=10**9)
    return iter(DataLoader(dataset, batch_size=BATCH, sampler=endless, num_workers=workers))


def batchgenerators(data: cache.Dataset, size: tuple[int, ...], workers: int, bent: bool = True) -> Iterator[Any]:
    """Yields batches of batchgeneratorsv2's transforms, without end."""
    from batchgenerators.dataloading.nondet_multi_threaded_augmenter import NonDetMultiThreadedAugmenter
    from batchgeneratorsv2.transforms.intensity.brightness import MultiplicativeBrightnessTransform
    from batchgeneratorsv2.transforms.intensity.contrast import BGContrast, ContrastTransform
    from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
    from batchgeneratorsv2.transforms.intensity.gaussian_noise import GaussianNoiseTransform
    from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
    from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
    from batchgeneratorsv2.transforms.utils.random import RandomTransform

    dim = len(size)
    spatial = SpatialTransform(
        size,
        0,
        random_crop=False,
        p_elastic_deform=OFTEN if bent else 0,
        elastic_deform_scale=lambda *_, **how: 10 / how["patch_size"][how["dim"] or 0],
        elastic_deform_magnitude=(0, 7.5),  # its greatest displacement, about three standard deviations
        p_rotation=OFTEN,
        rotation=(-TURN, TURN),
        p_scaling=OFTEN,
        scaling=BGContrast((0.85, 1.25)),
        p_synchronize_scaling_across_axes=1,
        mode_seg="nearest",
    )
    colours = [
        MultiplicativeBrightnessTransform((0.5, 2.0), True),
        ContrastTransform(BGContrast((0.3, 3.0)), preserve_range=True, synchronize_channels=True),
        GammaTransform(BGContrast((0.7, 1.5)), 0, synchronize_channels=True, p_per_channel=1, p_retain_stats=1),
        GaussianNoiseTransform((0, 0.05), synchronize_channels=True),
    ]
    transform = ComposeTransforms(
        [spatial, MirrorTransform(tuple(range(dim))), *(RandomTransform(one, OFTEN) for one in colours)]
    )
    boxes = _Boxes(data, size)
    if not workers:
        return ([transform(**one) for one in batch] for batch in boxes)
    return iter(NonDetMultiThreadedAugmenter(_Transformed(boxes, transform), None, workers, num_cached=2 * workers))


class _Boxes:
    """Batches of boxes with nnU-Net's margin of the phantom's whole arrays, half of them around foreground."""

    def __init__(self, data: cache.Dataset, size: tuple[int, ...]) -> None:
        self._cases = [(np.array(case.image), np.array(case.label)[None], case.foreground) for case in data]
        self._side = tuple(int(np.ceil(1.5 * side)) for side in size)
        self.thread_id = 0

    def set_thread_id(self, number: int) -> None:
        self.thread_id = number

    def __iter__(self) -> Iterator[list[dict[str, torch.Tensor]]]:
        return self

    def __next__(self) -> list[dict[str, torch.Tensor]]:
        return [self._one() for _ in range(BATCH)]

    def _one(self) -> dict[str, torch.Tensor]:
        image, label, foreground = self._cases[np.random.randint(len(self._cases))]
        shape = label.shape[1:]
        if np.random.uniform() < FOREGROUND and len(foreground):
            centre = np.unravel_index(int(np.random.choice(foreground)), shape)
            first = [int(middle) - side // 2 for middle, side in zip(centre, self._side, strict=True)]
        else:
            first = [
                np.random.randint(min(0, length - side), max(0, length - side) + 1)
                for length, side in zip(shape, self._side, strict=True)
            ]
        box = tuple(slice(max(low, 0), low + side) for low, side in zip(first, self._side, strict=True))
        around = [
            (0, 0),
            *((max(-low, 0), max(low + side - n, 0)) for low, side, n in zip(first, self._side, shape, strict=True)),
        ]
        parts = [np.pad(array[(slice(None), *box)], around) for array in (image, label)]
        return {"image": torch.from_numpy(parts[0]), "segmentation": torch.from_numpy(parts[1].astype(np.int16))}


class _Transformed:
    """Boxes with their transform; picklable for workers."""

    def __init__(self, boxes: _Boxes, transform: Any) -> None:
        self._boxes, self._transform = boxes, transform

    def set_thread_id(self, number: int) -> None:
        torch.set_num_threads(1)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> dict[str, Any]:
        done = [self._transform(**one) for one in next(self._boxes)]
        return {name: torch.stack([one[name] for one in done]) for name in done[0]}


Make = Callable[[cache.Dataset, tuple[int, ...], bool], Iterator[Any]]
WAYS: dict[str, Make] = {
    "segstudy": ours,
    "MONAI, 0 workers": lambda data, size, bent: monai(data, size, 0, bent),
    "MONAI, 2 workers": lambda data, size, bent: monai(data, size, WORKERS, bent),
    "batchgeneratorsv2, 0": lambda data, size, bent: batchgenerators(data, size, 0, bent),
    "batchgeneratorsv2, 2": lambda data, size, bent: batchgenerators(data, size, WORKERS, bent),
}


def rate(batches: Iterator[Any], seconds: float) -> float:
    """Returns patches a second, after discarding the batches prepared in advance."""
    for _ in range(3 * WORKERS):
        next(batches)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        next(batches)
        count += BATCH
    return count / (time.perf_counter() - start)


def measure(data: cache.Dataset, size: tuple[int, ...], given: argparse.Namespace) -> dict[str, list[float]]:
    """Returns patches a second of each pipeline in each round."""
    there = importlib.util.find_spec("batchgeneratorsv2") is not None
    ways = {name: make for name, make in WAYS.items() if there or not name.startswith("batchgenerators")}
    if not there:
        print("batchgeneratorsv2 is not installed (pip install 'segstudy[bench]'): left out")
    running = {name: make(data, size, given.without != "elastic") for name, make in ways.items()}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(given.rounds):
        for name in list(ways)[:: 1 if number % 2 else -1]:
            found[name].append(rate(running[name], given.seconds))
    for batches in running.values():
        if hasattr(batches, "_finish"):  # ends batchgenerators' processes, whose receiving thread then raises
            threading.excepthook = lambda _: None
            batches._finish()
    return found


def main() -> int:
    """Prints a table for each size, and the ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each way in each round")
    parser.add_argument("--sizes", nargs="*", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--without", choices=("elastic",), help="what nobody does")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    ratios = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in given.sizes:
            size = SIZES[name]
            found = measure(prepared(pathlib.Path(folder), len(size)), size, given)
            better = [max(pair) for pair in zip(found["MONAI, 0 workers"], found["MONAI, 2 workers"], strict=True)]
            ratios[name] = statistics.median(a / b for a, b in zip(found["segstudy"], better, strict=True))
            for way, rates in found.items():
                spread = f"{min(rates):.1f} to {max(rates):.1f}"
                print(f"{name:7} {way:22} {statistics.median(rates):9.1f} patches/s ({spread})", flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")
    print("ratio " + " ".join(f"patches_{name}={value:.2f}" for name, value in ratios.items()))
    return 0 if min(ratios.values()) >= NEEDED else 1


if __name__ == "__main__":
    sys.exit(main())
