"""The `phantom` command: a dataset of synthetic CT scans for first steps and for tests.

3D: volumes of about 48 × 64 × 64 voxels in HU, nnU-Net layout. 2D: slices of 128 × 128 pixels, `images/` + `masks/`.
Labels: organ 1, lesion 2. About every third patient has a second case: `phantom_p004a`, `phantom_p004b`; the group is
`^(phantom_p[0-9]+)`. Equal arguments give equal bytes.
"""

import gzip
import json
import pathlib
import shutil

import numpy as np

from trainables import random_streams
from trainables.data.phantom import anatomy
from trainables.data.preparing import resample
from trainables.errors import InputError

LABELS = {"organ": 1, "lesion": 2}
WINDOW = (-160.0, 240.0)
"""HU shown as 0 to 255 in slices."""
AIR = -1000.0


def generate(folder: str | pathlib.Path, cases: int, dim: int = 3, seed: int = 0) -> None:
    """Write a dataset.

    Args:
        folder: Made if it does not exist.
        cases: How many scans (3D) or slices (2D).
        dim: 2 or 3.
        seed: Another seed, other patients.

    Raises:
        InputError: The folder has something in it, or a number makes no sense.
        OSError: It cannot be written; what was written is removed.
    """
    folder = pathlib.Path(folder).expanduser()
    if dim not in (2, 3):
        raise InputError(f"--dim: expected 2 or 3, found {dim}.")
    if cases < 1:
        raise InputError(f"--cases: expected at least 1, found {cases}.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{str(folder)!r} is not empty. Give a new folder; nothing was written.")
    new = not folder.exists()
    try:
        _write_cases(folder, cases, dim, seed)
    except BaseException:
        for path in [folder] if new else list(folder.iterdir()):
            shutil.rmtree(path, ignore_errors=True)
        raise


def _write_cases(folder: pathlib.Path, cases: int, dim: int, seed: int) -> None:
    write = _write_slice if dim == 2 else _write_volume
    done = number = 0
    while done < cases:
        rng = random_streams.stream(seed, "phantom/patient", number)
        who = anatomy.patient(rng)
        for letter in "ab"[: min(2 if rng.random() < 1 / 3 else 1, cases - done)]:
            who = who if letter == "a" else anatomy.later(who, rng)
            write(
                folder,
                f"phantom_p{number:03d}{letter}",
                who,
                random_streams.stream(seed, f"phantom/{letter}{dim}", number),
            )
            done += 1
        number += 1
    if dim == 3:
        _describe(folder, cases)


def scan(
    who: anatomy.Patient, shape: tuple[int, int, int], spacing: tuple[float, float, float], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Render a CT of a patient.

    Args:
        who: The patient.
        shape: Voxels `(z, y, x)`.
        spacing: mm along the same axes.
        rng: Position, bend, noise and shading are drawn from it.

    Returns:
        HU float32 and labels uint8, both of that shape.
    """
    points = _points(shape, spacing, rng)
    blur = float(np.cbrt(np.prod(spacing)))
    hu = np.full(shape, AIR, np.float32)
    labels = np.zeros(shape, np.uint8)
    mottling = _smooth(rng, shape, spacing, 6.0)
    for part in who.shapes:
        box = _box(part, points, spacing)
        if box is None:
            continue
        depth = part.depth(points[(slice(None), *box)])
        share = np.clip(0.5 + depth / (blur + part.edge), 0, 1)  # partial volume: how much of the voxel is inside
        value = part.hu + part.texture * mottling[box]
        _paint(part, depth, share, value, hu[box], labels[box])
    return _acquired(hu, who, points, spacing, rng), labels


def _paint(
    part: anatomy.Shape, depth: np.ndarray, share: np.ndarray, value: np.ndarray, hu: np.ndarray, labels: np.ndarray
) -> None:
    """One shape over what is there, in place."""
    if part.part in ("vessel", "lesion"):
        share = share * (labels > 0)
    if part.part == "lesion":
        hu += share * value  # darker or brighter than what it lies in
        labels[(depth > 0) & (labels > 0)] = LABELS["lesion"]
    else:
        hu += share * (value - hu)
    if part.part in ("tissue", "organ"):
        labels[depth > 0] = LABELS["organ"] if part.part == "organ" else 0


def _points(shape: tuple[int, int, int], spacing: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """`(3, *shape)` mm of each voxel's middle in the patient, bent smoothly by some mm."""
    shift = rng.normal(0, 2, 3)
    axes = [
        (np.arange(size) - (size - 1) / 2) * step + offset
        for size, step, offset in zip(shape, spacing, shift, strict=True)
    ]
    points = np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)
    for axis in range(3):
        points[axis] += 1.5 * _smooth(rng, shape, spacing, 30.0)
    return points


def _smooth(
    rng: np.random.Generator, shape: tuple[int, int, int], spacing: tuple[float, float, float], width: float
) -> np.ndarray:
    """Smooth noise of unit variance with structures of about `width` mm."""
    knots = tuple(max(2, round(size * step / width)) for size, step in zip(shape, spacing, strict=True))
    field = resample.image(rng.standard_normal(knots, np.float32), shape)
    return np.asarray(field / max(float(field.std()), 1e-6))


def _box(
    part: anatomy.Shape, points: np.ndarray, spacing: tuple[float, float, float]
) -> tuple[slice, slice, slice] | None:
    """The part of the grid that the shape can reach; None where it cannot be seen."""
    finite = part.radii[np.isfinite(part.radii)]
    reach = finite.max() * (1 + part.height) + part.edge + 2 * max(spacing) + 5
    box = []
    for axis, endless in enumerate(np.isinf(part.radii)):
        middle = points[axis].mean(tuple(other for other in range(3) if other != axis))
        near = np.flatnonzero(np.abs(middle - part.centre[axis]) <= reach) if not endless else np.arange(len(middle))
        if near.size == 0:
            return None
        box.append(slice(int(near[0]), int(near[-1]) + 1))
    return box[0], box[1], box[2]


def _acquired(
    hu: np.ndarray,
    who: anatomy.Patient,
    points: np.ndarray,
    spacing: tuple[float, float, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Add the scanner's artefacts: cupping, smooth shading, and noise that is correlated within a slice."""
    from scipy import ndimage

    radius = np.square(points[1] / who.size[0]) + np.square(points[2] / who.size[1])
    cupping = rng.uniform(0, 14) * (np.minimum(radius, 1) - 0.5)
    shading = rng.uniform(2, 6) * _smooth(rng, hu.shape, spacing, 60.0)
    hu += np.where(radius < 1, cupping + shading, 0)
    white = rng.standard_normal(hu.shape, np.float32)
    grain = ndimage.gaussian_filter(white, (0, 0.8, 0.8))
    grain *= rng.uniform(7, 15) / float(grain.std())
    hu += grain + rng.uniform(3, 6) * rng.standard_normal(hu.shape, np.float32)
    noisy: np.ndarray = np.maximum(hu, np.float32(AIR - 24))
    return noisy


def _write_volume(folder: pathlib.Path, name: str, who: anatomy.Patient, rng: np.random.Generator) -> None:
    """One NIfTI pair: slices of 2 to 3.5 mm, pixels of 1.8 to 2.2 mm, stored in one of two orders that scanners use."""
    in_plane = round(rng.uniform(1.8, 2.2), 3)
    spacing = (round(rng.uniform(2.0, 3.5), 2), in_plane, in_plane)
    shape = (int(rng.integers(42, 55)), 64, 64)
    hu, labels = scan(who, shape, spacing, rng)
    z, y, x = spacing
    affine = np.diag([x, y, z, 1.0])
    affine[:3, 3] = [-x * shape[2] / 2, -y * shape[1] / 2, round(rng.uniform(-300, 0), 1)]
    volumes = [np.rint(hu).astype(np.int16).T, labels.T]  # NIfTI's order is x, y, z
    if rng.random() < 0.5:  # left and posterior first, as DICOM has it
        affine = affine @ np.array([[-1, 0, 0, shape[2] - 1], [0, -1, 0, shape[1] - 1], [0, 0, 1, 0], [0, 0, 0, 1]])
        volumes = [volume[::-1, ::-1] for volume in volumes]
    _write_nifti(folder / "imagesTr" / f"{name}_0000.nii.gz", volumes[0], affine)
    _write_nifti(folder / "labelsTr" / f"{name}.nii.gz", volumes[1], affine)


def _write_nifti(path: pathlib.Path, volume: np.ndarray, affine: np.ndarray) -> None:
    import nibabel

    path.parent.mkdir(parents=True, exist_ok=True)
    content = nibabel.Nifti1Image(volume, affine).to_bytes()
    path.write_bytes(gzip.compress(content, compresslevel=5, mtime=0))


def _write_slice(folder: pathlib.Path, name: str, who: anatomy.Patient, rng: np.random.Generator) -> None:
    """One PNG pair at about 1 mm, three times in four through a lesion where there is one."""
    from PIL import Image

    step = rng.uniform(0.92, 1.08)
    level = rng.uniform(-14, 14)
    lesions = [shape for shape in who.shapes if shape.part == "lesion"]
    if lesions and rng.random() < 0.75:
        lesion = lesions[rng.integers(len(lesions))]
        level = lesion.centre[0] + rng.uniform(-0.5, 0.5) * lesion.radii.min()
    hu, labels = scan(anatomy.moved(who, -level), (1, 128, 128), (2.0, step, step), rng)
    low, high = WINDOW
    grey = np.rint(np.clip((hu[0] - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    for kind, picture in (("images", grey), ("masks", labels[0])):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.ascontiguousarray(picture[::-1, ::-1])).save(folder / kind / f"{name}.png")


def _describe(folder: pathlib.Path, cases: int) -> None:
    """nnU-Net's `dataset.json`."""
    described = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **LABELS},
        "numTraining": cases,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
