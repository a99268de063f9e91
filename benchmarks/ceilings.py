"""Dice lost to resampling alone: reference masks are resampled to a training grid and back, without a network.

    python benchmarks/ceilings.py DIR [--spacing 3.22 1.62 1.62] [--cases 8]

DIR holds masks as NIfTI with 1 kidney and 2 tumour, such as KiTS19's. Three ways are compared: `nearest` as in
PyTorch's `interpolate(mode="nearest")` and many scripts (the voxel whose lower corner is nearest), nearest with
half-voxel centres, and ours: linear interpolation of each class, then argmax.
"""

import argparse
import pathlib
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch.nn import functional

from trainables.data.preparing import resample
from trainables.data.reading import axes as geometry
from trainables.data.reading import readers

CLASSES = 3
Way = Callable[[np.ndarray, Sequence[int]], np.ndarray]


def nearest(mode: str) -> Way:
    """Returns a way that copies one voxel's class: PyTorch's `nearest` or `nearest-exact`."""

    def resampled(classes: np.ndarray, shape: Sequence[int]) -> np.ndarray:
        stored = torch.from_numpy(classes)[None, None]
        return functional.interpolate(stored, tuple(shape), mode=mode)[0, 0].numpy()

    return resampled


WAYS: dict[str, Way] = {
    "nearest": nearest("nearest"),
    "nearest, centres": nearest("nearest-exact"),
    "one-hot linear": lambda classes, shape: resample.class_map(classes, shape, CLASSES),
}
REGIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "kidney+tumour": lambda classes: classes > 0,
    "tumour": lambda classes: classes == 2,
}


def dice(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the Dice coefficient of two masks, NaN where both are empty."""
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else float("nan")


def of_mask(path: pathlib.Path, spacing: Sequence[float]) -> dict[str, list[float]]:
    """Measures each way on one mask: Dice of each region, then the seconds of both resamplings."""
    raw = readers.read(path, colour="refuse")
    if raw.affine is None or raw.sides is None:
        raise SystemExit(f"{path}: has no voxel size")
    axes = geometry.orientation(raw.affine)
    mask = np.ascontiguousarray(geometry.to_zyx(raw.array, axes)).astype(np.uint8)
    shape = resample.shape_at(mask.shape, geometry.sides_zyx(raw.sides, axes), spacing)
    found = {}
    for name, way in WAYS.items():
        start = time.perf_counter()
        back = way(way(mask, shape), mask.shape)
        seconds = time.perf_counter() - start
        found[name] = [*(dice(member(back), member(mask)) for member in REGIONS.values()), seconds]
    return found


def main() -> None:
    """Prints a line for each case and way, then the ranges."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, nargs="?", help="masks as NIfTI, also in folders below")
    parser.add_argument("--spacing", type=float, nargs=3, default=(3.22, 1.62, 1.62), metavar=("Z", "Y", "X"))
    parser.add_argument("--cases", type=int, default=8)
    given = parser.parse_args()
    if given.folder is None:
        print("ceilings: needs real masks: python benchmarks/ceilings.py DIR. Nothing measured.")
        return
    paths = sorted(given.folder.rglob("*.nii.gz"))[: given.cases]
    if not paths:
        raise SystemExit(f"{given.folder}: no .nii.gz files")
    torch.set_num_threads(1)
    print(f"{'case':24}{'way':18}" + "".join(f"{region:>15}" for region in REGIONS) + f"{'seconds':>10}")
    all_found: dict[str, list[list[float]]] = {name: [] for name in WAYS}
    for path in paths:
        for name, numbers in of_mask(path, given.spacing).items():
            all_found[name].append(numbers)
            print(f"{readers.stem(path)[:23]:24}{name:18}{numbers[0]:15.3f}{numbers[1]:15.3f}{numbers[2]:10.2f}")
    print()
    for name, rows in all_found.items():
        low, high = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)
        ranges = "".join(f"{f'{low[i]:.3f} to {high[i]:.3f}':>18}" for i in range(len(REGIONS)))
        print(f"{name:18}{ranges}")


if __name__ == "__main__":
    main()
