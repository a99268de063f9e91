"""Memory and time of preparing one large case, in a process of its own.

    python benchmarks/large_volume.py [--shape 512 512 1059] [--spacing 2.5 1.5 1.5]

A generated int16 volume and its mask, uncompressed NIfTI. Without `--spacing` the case keeps its grid, the worst case.
The last line is `ratio bytes_per_voxel=VALUE`: peak memory of the process above its imports, per voxel. The exit status
is 0 only if it is at most 14: room for the volume as read, the volume that is made, and little else.
"""

import argparse
import multiprocessing
import pathlib
import resource
import sys
import tempfile
import time

import numpy as np

ALLOWED = 14.0


def generate(folder: str, shape: tuple[int, int, int]) -> None:
    """Writes a body with an organ and a lesion in noise, slice by slice."""
    import nibabel

    affine = np.diag([-0.75, 0.75, 1.0, 1.0])
    for name, dtype in (("image", np.int16), ("mask", np.uint8)):
        header = nibabel.Nifti1Header()
        header.set_data_shape(shape)
        header.set_data_dtype(dtype)
        header.set_sform(affine, 1)
        header.set_zooms((0.75, 0.75, 1.0))
        header["vox_offset"], header["magic"] = 352, b"n+1"
        with pathlib.Path(folder, f"{name}.nii").open("wb") as file:
            file.write(header.binaryblock + b"\0\0\0\0")
            x, y = np.meshgrid(*(np.linspace(-1, 1, n, dtype=np.float32) for n in shape[:2]), indexing="ij")
            for z in range(shape[2]):
                height = 2 * z / shape[2] - 1
                organ = (x - 0.3) ** 2 + y**2 + height**2 < 0.1
                lesion = (x - 0.4) ** 2 + y**2 + height**2 < 0.01
                plane = organ.astype(dtype) + lesion
                if name == "image":
                    noise = np.random.default_rng(z).integers(-40, 40, shape[:2], dtype=np.int16)
                    plane = (np.where(x**2 + y**2 < 0.8, 40, -1000) + 120 * plane + noise).astype(dtype)
                file.write(plane.tobytes(order="F"))


def prepare(
    folder: str, spacing: tuple[float, ...] | None, results: "multiprocessing.Queue[tuple[float, float]]"
) -> None:
    """Runs in a process of its own: puts the seconds, and the peak memory in bytes above that of the imports."""
    import cc3d  # noqa: F401  imported now, so that it does not count
    import torch

    from trainables.data.cache import cache
    from trainables.data.cases.label_values import parse_all
    from trainables.data.cases.options import PreprocessOptions
    from trainables.data.finding.layouts import CaseFiles

    torch.set_num_threads(1)
    root = pathlib.Path(folder)
    how = PreprocessOptions(
        dim=3,
        labels=parse_all({"organ": 1, "lesion": 2}),
        regions={"all": (1, 2), "lesion": (2,)},
        spacing=spacing or "native",
        clip=(-79.0, 304.0),
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    cache.prepare_case(CaseFiles("large", (root / "image.nii",), root / "mask.nii"), how, root / "cache")
    seconds = time.perf_counter() - start
    results.put((seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024))


def main() -> int:
    """Prints time, peak memory and peak memory per voxel."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shape", type=int, nargs=3, default=(512, 512, 1059), help="x, y, z")
    parser.add_argument("--spacing", type=float, nargs=3, help="mm of a voxel z, y, x; without, the case's own")
    given = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        results: multiprocessing.Queue[tuple[float, float]] = context.Queue()
        spacing = tuple(given.spacing) if given.spacing else None
        for work in ((generate, (folder, tuple(given.shape))), (prepare, (folder, spacing, results))):
            process = context.Process(target=work[0], args=work[1])
            process.start()
            if work[0] is prepare:
                seconds, peak = results.get(timeout=3600)
            process.join()
    voxels = int(np.prod(given.shape))
    print(f"{'x'.join(map(str, given.shape))}: {seconds:.1f} s, peak {peak / 1e9:.2f} GB above imports")
    print(f"ratio bytes_per_voxel={peak / voxels:.1f}")
    return 0 if peak / voxels <= ALLOWED else 1


if __name__ == "__main__":
    sys.exit(main())
