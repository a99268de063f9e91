"""Preprocessing beside MONAI's: the same generated CT cases, in turn in one run, each with two processes.

    python benchmarks/preprocess.py [--cases 4] [--rounds 5] [--size 192]

MONAI: LoadImage, Orientation, Spacing (cubic), ScaleIntensityRange (to clip), NormalizeIntensity for the image;
LoadImage, Orientation, Spacing (nearest) for the mask. Ours does the same to the image, checks that image and mask
match, resamples the mask by one-hot linear interpolation, which costs more than nearest, and samples voxels as patch
centres. Both results stay in memory, each process has one thread (as Ray's workers), and the first one of a round
alternates. MONAI's Spacing begins its grid at the first voxel's centre and ours at its edge, so the images are compared
by MONAI's SpatialResample, which Spacing calls, on our grid; that is not timed.

The last line is `ratio preprocess=VALUE`, MONAI's wall time over ours, median over the rounds; the exit status is 0
only if ours is at least twice as fast and the images are equal.
"""

import argparse
import concurrent.futures
import multiprocessing
import os
import pathlib
import resource
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import nibabel
import numpy as np
import torch

from trainables.data.cases import case as cases
from trainables.data.cases.label_values import parse_all
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles
from trainables.data.preparing import preprocess

WORKERS = 2
NEEDED = 2.0
SIDES = (0.78125, 0.78125, 2.5)
"""Voxel size in mm: x, y, z."""
HOW = PreprocessOptions(
    dim=3, labels=parse_all({"organ": 1, "lesion": 2}), spacing=(3.2, 1.5, 1.5), clip=(-79.0, 304.0)
)
EQUAL = 0.02
"""Greatest difference of a voxel from MONAI's, in standard deviations of the image; edges are reflected differently."""


def generate(folder: pathlib.Path, name: str, size: int, seed: int) -> CaseFiles:
    """Writes a CT-like case: air, a body, an organ with a lesion, noise; stored as scanners do, x to the left."""
    rng = np.random.default_rng(seed)
    shape = (size, size, size // 3)
    grid = np.meshgrid(*(np.linspace(-1, 1, length, dtype=np.float32) for length in shape), indexing="ij", sparse=True)

    def ball(x: float, y: float, z: float, radius: float) -> np.ndarray:
        return np.asarray((grid[0] - x) ** 2 + (grid[1] - y) ** 2 + (grid[2] - z) ** 2 < radius**2)

    mask = ball(0.3, 0.1, 0, 0.35).astype(np.uint8)
    mask[ball(0.35, 0.2, 0.1, 0.12)] = 2
    levels = np.where(ball(0, 0, 0, 1.0), 40, -1000) + 120 * (mask == 1) + 60 * (mask == 2)
    image = (levels + rng.normal(0, 20, shape)).astype(np.int16)
    affine = np.diag([-SIDES[0], SIDES[1], SIDES[2], 1.0])
    paths = folder / f"{name}.nii.gz", folder / f"{name}_mask.nii.gz"
    for path, array in zip(paths, (image, mask), strict=True):
        nibabel.save(nibabel.Nifti1Image(array, affine), path)
    return CaseFiles(name, paths[:1], paths[1])


def ours(files: CaseFiles) -> np.ndarray:
    """Returns the image on the training grid, `(z, y, x)`."""
    case = cases.read(files, HOW.labels, dim=3)
    prepared = preprocess.prepare(case, HOW)
    return prepared.image[0]


def monai_image(path: pathlib.Path, resampled: Callable[[Any], Any]) -> np.ndarray:
    """Runs MONAI's five steps with the caller's resampling; returns `(z, y, x)`."""
    from monai import transforms

    assert HOW.clip is not None
    low, high = HOW.clip
    image = transforms.LoadImage(ensure_channel_first=True, image_only=True)(path)
    image = resampled(transforms.Orientation(axcodes="RAS")(image))
    image = transforms.ScaleIntensityRange(low, high, low, high, clip=True)(image)
    return np.asarray(transforms.NormalizeIntensity()(image)[0]).transpose(2, 1, 0)


def monai(files: CaseFiles) -> np.ndarray:
    """Does the same work by MONAI's transforms, mask included."""
    from monai import transforms

    assert isinstance(HOW.spacing, tuple)
    spacing = tuple(reversed(HOW.spacing))
    mask = transforms.LoadImage(ensure_channel_first=True, image_only=True)(files.mask)
    mask = transforms.Orientation(axcodes="RAS")(mask)
    transforms.Spacing(spacing, mode="nearest")(mask)
    return monai_image(files.images[0], transforms.Spacing(spacing, mode=3, padding_mode="reflect"))


def difference(files: CaseFiles) -> float:
    """Returns the greatest difference of our image from MONAI's on the same grid, edges of three voxels excluded."""
    from monai import transforms

    mine = ours(files)
    new_shape = tuple(reversed(mine.shape))

    def on_our_grid(image: Any) -> Any:
        scale = np.array(image.shape[1:]) / np.array(new_shape)
        step = np.diag([*scale, 1.0])
        step[:3, 3] = (scale - 1) / 2
        grid = torch.as_tensor(np.asarray(image.affine) @ step)
        return transforms.SpatialResample(mode=3, padding_mode="reflect")(image, grid, new_shape)

    inner = (slice(3, -3),) * 3
    return float(np.abs(mine - monai_image(files.images[0], on_our_grid))[inner].max())


def _start() -> None:
    """Imports everything and sets PyTorch to one thread; the environment does so for BLAS and OpenMP."""
    import monai.transforms  # noqa: F401

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)


def _peak() -> float:
    """Returns the peak memory of this process so far in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _work(which: Callable[[CaseFiles], np.ndarray], files: CaseFiles) -> tuple[float, float, float]:
    """Returns the CPU seconds of one case, and the peak memory of its process in MB before and after it."""
    start, before = time.process_time(), _peak()
    which(files)
    return time.process_time() - start, before, _peak()


Costs = dict[str, list[tuple[float, float, float]]]


def measure(files: list[CaseFiles], rounds: int) -> tuple[dict[str, list[float]], Costs]:
    """Returns the wall seconds of each round and the result of `_work` for each case, for both pipelines."""
    ways = {"segstudy": ours, "MONAI": monai}
    # One thread a process, as Ray sets it for its workers: NumPy's BLAS would busy-wait for a second core.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("spawn")
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    used: Costs = {name: [] for name in ways}
    pools = {name: concurrent.futures.ProcessPoolExecutor(WORKERS, context, _start) for name in ways}
    try:
        for number in range(rounds + 1):
            for name in list(ways)[:: 1 if number % 2 else -1]:
                start = time.perf_counter()
                now = list(pools[name].map(_work, [ways[name]] * len(files), files))
                if number:  # round 0 is a warm-up, and gives the memory before any work
                    seconds[name].append(time.perf_counter() - start)
                used[name] += [(cpu if number else float("nan"), before, after) for cpu, before, after in now]
    finally:
        for pool in pools.values():
            pool.shutdown()
    return seconds, used


def told(costs: list[tuple[float, float, float]]) -> str:
    """Formats CPU time and memory."""
    cpu, before, after = (list(column) for column in zip(*costs, strict=True))
    memory = f"peak {max(after):.0f} MB a process ({min(before):.0f} at its start)"
    return f"{np.nanmedian(cpu):.3f} CPU s a case, {memory}"


def main() -> int:
    """Prints medians, throughput, memory, the difference and the ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=192, help="voxels along x and y; a third of it along z")
    given = parser.parse_args()
    _start()
    with tempfile.TemporaryDirectory() as folder:
        files = [generate(pathlib.Path(folder), f"c{i}", given.size, i) for i in range(given.cases)]
        apart = difference(files[0])
        seconds, costs = measure(files, given.rounds)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    for name, median in medians.items():
        rounds = ", ".join(f"{value:.2f}" for value in seconds[name])
        print(
            f"{name:9} {median:6.2f} s for {given.cases} cases (rounds {rounds}), {given.cases / median:5.2f} cases/s, "
            f"{told(costs[name])}"
        )
    ratio = statistics.median(theirs / mine for mine, theirs in zip(seconds["segstudy"], seconds["MONAI"], strict=True))
    cpu = {name: np.nanmedian([cost[0] for cost in costs[name]]) for name in costs}
    print(f"CPU time against CPU time: {cpu['MONAI'] / cpu['segstudy']:.2f}; load {os.getloadavg()[0]:.1f}")
    print(f"greatest difference on one grid: {apart:.2g} standard deviations ({EQUAL} allowed)")
    print(f"ratio preprocess={ratio:.2f}")
    return 0 if ratio >= NEEDED and apart <= EQUAL else 1


if __name__ == "__main__":
    sys.exit(main())
