"""Small files in the layouts of public data sets, with their names, folders, axes, headers, channels and label values.

They have enough cases for the splits of the included studies, and structures to learn; for the tests of the data code,
`published` has two cases of noise in each layout. A scan is made in RAS `(x, y, z)`: nested balls, brighter inwards,
off the centre so that a wrong axis is detected.
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence

import nibabel
import numpy as np

from tests.trainables.data import formats
from tests.trainables.data.files import affine, orientations, picture, save


@dataclasses.dataclass(frozen=True)
class Truth:
    """Facts of the written files, for comparison in tests.

    Attributes:
        spacing: mm along `[z, y, x]`; None for pictures.
        shape: Voxels along `[z, y, x]` or `[y, x]`.
        voxels: Case → mask value → voxels.
        channels: Number of channels of an image.
    """

    spacing: tuple[float, ...] | None
    shape: tuple[int, ...]
    voxels: Mapping[str, Mapping[int, int]]
    channels: int = 1


def scan(
    shape: Sequence[int],
    seed: int,
    radii: Sequence[float],
    *,
    low: float = 0.0,
    step: float = 100.0,
    values: Sequence[int],
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the int16 image and the uint8 mask of one scan.

    Args:
        shape: Voxels, `(x, y, z)` or `(x, y)`.
        seed: Seed of the random positions and noise.
        radii: Radii of the nested balls, as parts of half the volume, the largest first; 0 leaves one out.
        low: Background intensity.
        step: Difference of intensity between a ball and the one around it.
        values: Mask values of the balls, in the order of `radii`.
    """
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    centre = (0.15, -0.2, 0.1)[: len(shape)] + rng.uniform(-0.1, 0.1, len(shape))
    distance = np.sqrt(sum((axis - place) ** 2 for axis, place in zip(axes, centre, strict=True)))
    image = low + rng.normal(0, step / 5, shape)
    mask = np.zeros(shape, np.uint8)
    for radius, value in zip(radii, values, strict=True):
        inside = distance < radius
        image[inside] += step
        mask[inside] = value
    return image.astype(np.int16), mask


def counted(mask: np.ndarray) -> dict[int, int]:
    """Counts the voxels of each value but 0."""
    return {int(value): int((mask == value).sum()) for value in np.unique(mask) if value}


def stored_as(codes: str, array: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Reorders a RAS volume to other axes, such as `IPL`, in which KiTS is stored."""
    return next(pair for pair in orientations(array, matrix) if "".join(nibabel.aff2axcodes(pair[1])) == codes)


def kits19(folder: pathlib.Path, cases: int = 6) -> Truth:
    """`case_00000/imaging.nii.gz`, stored (I, P, L): the thick slices come first; 1 kidney, 2 tumour."""
    voxels = {}
    for number in range(cases):
        name = f"case_{number:05d}"
        image, mask = scan((26, 22, 18), number, (0.7, 0.35), low=-100, values=(1, 2))
        for part, array in (("imaging", image), ("segmentation", mask)):
            stored, matrix = stored_as("IPL", array, affine((0.9, 0.9, 3.0)))
            save(folder / name / f"{part}.nii.gz", stored, matrix)
        voxels[name] = counted(mask)
    return Truth((3.0, 0.9, 0.9), (18, 22, 26), voxels)


def lits(folder: pathlib.Path) -> Truth:
    """`Training Batch 1/volume-0.nii` and `segmentation-0.nii`; axes differ; 1 liver, 2 tumour (none in 33)."""
    voxels = {}
    for number in (0, 1, 27, 28, 32, 33, 130):
        batch = folder / f"Training Batch {1 if number < 28 else 2}"
        image, mask = scan((26, 22, 18), number, (0.7, 0 if number == 33 else 0.3), low=-80, values=(1, 2))
        for part, array in (("volume", image), ("segmentation", mask)):
            stored, matrix = stored_as("LPS" if number % 2 else "RAS", array, affine((0.8, 0.8, 2.5)))
            save(batch / f"{part}-{number}.nii", stored, matrix)
        voxels[str(number)] = counted(mask)
    return Truth((2.5, 0.8, 0.8), (18, 22, 26), voxels)


def promise12(folder: pathlib.Path, cases: int = 10) -> Truth:
    """`TrainingData_Part1/Case00.mhd` with `Case00.raw`, `Case00_segmentation.mhd`; thick slices; 1 prostate."""
    voxels = {}
    for number in range(cases):
        name, part = f"Case{number:02d}", folder / f"TrainingData_Part{1 + number // 4}"
        image, mask = scan((28, 28, 12), number, (0.3 + 0.04 * number,), low=200, values=(1,))
        formats.write(part / f"{name}.mhd", image, affine((0.625, 0.625, 3.6)))
        formats.write(part / f"{name}_segmentation.mhd", mask.astype(np.int8), affine((0.625, 0.625, 3.6)))
        voxels[name] = counted(mask)
    return Truth((3.6, 0.625, 0.625), (12, 28, 28), voxels)


def brats15(folder: pathlib.Path) -> Truth:
    """`HGG/brats_2013_pat0001_1/VSD.Brain.XX.O.MR_Flair.54512/….mha`: a folder a channel; a patient with two scans."""
    voxels, number = {}, 54512
    high = [f"brats_2013_pat{patient:04d}_1" for patient in (1, 2, 3, 4)]
    high += ["brats_tcia_pat101_0001", "brats_tcia_pat101_0083", "brats_tcia_pat257_0001"]
    low = ["brats_2013_pat0001_1".replace("pat0001", "pat0008"), "brats_tcia_pat312_0001"]
    for seed, (grade, name) in enumerate([*(("HGG", name) for name in high), *(("LGG", name) for name in low)]):
        radii = (0.7, 0.55, 0.4, 0.0 if grade == "LGG" else 0.25)
        mask = scan((22, 24, 20), seed, radii, values=(2, 3, 1, 4))[1]
        brain = scan((22, 24, 20), seed, (0.9,), values=(1,))[1]
        for channel, weight in (("Flair", 90), ("T1", 30), ("T1c", 60), ("T2", 120)):
            noise = np.random.default_rng([seed, weight]).normal(300, 20, mask.shape)
            image = np.where(brain, noise + weight * mask, 0).astype(np.int16)  # 0 outside of the skull-stripped brain
            stem = f"VSD.Brain.XX.O.MR_{channel}.{number}"
            formats.write(folder / grade / name / stem / f"{stem}.mha", image, affine((1.0, 1.0, 1.0), (0, 0, 0)))
            number += 1
        stem = f"VSD.Brain_3more.XX.O.OT.{number}"
        formats.write(
            folder / grade / name / stem / f"{stem}.mha", mask.astype(np.uint16), affine((1, 1, 1), (0, 0, 0))
        )
        number += 1
        voxels[name] = counted(mask)
    return Truth((1.0, 1.0, 1.0), (20, 24, 22), voxels, channels=4)


def luna16(folder: pathlib.Path) -> Truth:
    """`subset0/UID.mhd` with `.zraw`, lungs 3 and 4 in `seg-lungs-LUNA16/`, nodules as counts of 0 to 4 readers."""
    voxels = {}
    for number in range(10):
        name = f"1.3.6.1.4.1.14519.5.2.1.6279.6001.{100225287222365663678666836860 + number}"
        image, lungs = scan((24, 24, 18), number, (0.85,), low=-1000, values=(3,))
        lungs[:12] = np.where(lungs[:12], 4, 0)
        readers = scan((24, 24, 18), number, (0.5, 0.42, 0.35, 0.28), values=(1, 2, 3, 4))[1]
        image = (image + 400 * (readers >= 2)).astype(np.int16)
        for place, array in (
            (folder / f"subset{number}" / f"{name}.mhd", image),
            (folder / "seg-lungs-LUNA16" / f"{name}.mhd", lungs),
            (folder / "nodules" / f"{name}.mhd", readers),
        ):
            formats.write(place, array, affine((0.75, 0.75, 1.25)), packed=True)
        voxels[name] = counted(readers)
    return Truth((1.25, 0.75, 0.75), (18, 24, 24), voxels)


def decathlon(
    folder: pathlib.Path,
    task: str,
    stem: str,
    made: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    channels: Sequence[str],
    labels: Sequence[str],
) -> None:
    """`dataset.json`, `imagesTr/STEM_001.nii.gz`, `labelsTr/…`, `imagesTs/` without masks, what macOS leaves there."""
    images, masks = ({name: each[part] for name, each in made.items()} for part in (0, 1))
    for name, image in images.items():
        save(folder / "imagesTr" / f"{name}.nii.gz", image, affine((1.0, 1.0, 1.0), (0, 0, 0)))
        save(folder / "labelsTr" / f"{name}.nii.gz", masks[name], affine((1.0, 1.0, 1.0), (0, 0, 0)))
        for part in ("imagesTr", "labelsTr"):
            (folder / part / f"._{name}.nii.gz").write_bytes(b"\0\5\x16\7")
    save(folder / "imagesTs" / f"{stem}_002.nii.gz", next(iter(images.values())))
    described = {
        "name": task,
        "modality": {str(number): channel for number, channel in enumerate(channels)},
        "labels": {str(number): label for number, label in enumerate(("background", *labels))},
        "numTraining": len(images),
        "training": [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in images],
        "test": [f"./imagesTs/{stem}_002.nii.gz"],
    }
    (folder / "dataset.json").write_text(json.dumps(described))


def decathlon_hippocampus(folder: pathlib.Path) -> Truth:
    """Task04: one channel, 1 anterior, 2 posterior; names with gaps."""
    made = {
        f"hippocampus_{n:03d}": scan((20, 26, 18), n, (0.6, 0.35), values=(1, 2)) for n in (1, 3, 4, 6, 7, 8, 11, 14)
    }
    decathlon(folder, "Hippocampus", "hippocampus", made, channels=("MRI",), labels=("Anterior", "Posterior"))
    return Truth((1.0, 1.0, 1.0), (18, 26, 20), {name: counted(mask) for name, (_, mask) in made.items()})


def decathlon_brain(folder: pathlib.Path) -> Truth:
    """Task01: four channels in a fourth axis, float32; 1 oedema, 2 not enhancing, 3 enhancing."""
    made = {}
    for number in range(1, 11):
        brain = scan((20, 22, 18), number, (0.9,), values=(1,))[1]
        mask = scan((20, 22, 18), number, (0.7, 0.5, 0.0 if number == 4 else 0.3), values=(1, 2, 3))[1]
        noise = np.random.default_rng(number).normal(300, 20, (*mask.shape, 4))
        bright = mask[..., None] * np.array([90, 30, 60, 120])
        made[f"BRATS_{number:03d}"] = np.where(brain[..., None], noise + bright, 0).astype(np.float32), mask
    channels = ("FLAIR", "T1w", "t1gd", "T2w")
    labels = ("edema", "non-enhancing tumor", "enhancing tumour")
    decathlon(folder, "BRATS", "BRATS", made, channels=channels, labels=labels)
    return Truth((1.0, 1.0, 1.0), (18, 22, 20), {name: counted(mask) for name, (_, mask) in made.items()}, channels=4)


def ms_lesions(folder: pathlib.Path) -> Truth:
    """nnU-Net's layout: `msmni_patient07A.nii.gz`, two hemispheres of each of three patients, stored (L, A, S)."""
    voxels = {}
    for seed, name in enumerate(f"msmni_patient{patient}{side}" for patient in ("07", "19", "26") for side in "AB"):
        image, mask = scan((20, 24, 22), seed, (0.85, 0.35), step=300, values=(0, 1))
        for part, array in (("imagesTr", image), ("labelsTr", mask)):
            save(folder / part / f"{name}.nii.gz", *stored_as("LAS", array, affine((1.0, 1.0, 1.0))))
        voxels[name] = counted(mask)
    return Truth((1.0, 1.0, 1.0), (22, 24, 20), voxels)


def membrane(folder: pathlib.Path) -> Truth:
    """`images/0.png` … `images/29.png`; masks 255 in cells and 0 on membranes."""
    voxels = {}
    for number in range(30):
        grey, cell = scan((40, 36), number, (0.7,), low=60, values=(255,))
        picture(folder / "images" / f"{number}.png", np.clip(grey, 0, 255).astype(np.uint8))
        picture(folder / "masks" / f"{number}.png", cell)
        voxels[str(number)] = {0: int((cell == 0).sum())}
    return Truth(None, (40, 36), voxels)


def hippocampus(folder: pathlib.Path) -> Truth:
    """nnU-Net's layout without a channel's suffix."""
    voxels = {}
    for number in (1, 3, 6, 8, 11, 15, 20, 23):
        name = f"hippocampus_{number:03d}"
        image, mask = scan((20, 26, 18), number, (0.6, 0.35), values=(1, 2))
        save(folder / "imagesTr" / f"{name}.nii.gz", image, affine((1.0, 1.0, 1.0)))
        save(folder / "labelsTr" / f"{name}.nii.gz", mask, affine((1.0, 1.0, 1.0)))
        voxels[name] = counted(mask)
    return Truth((1.0, 1.0, 1.0), (18, 26, 20), voxels)


def liver_slices(folder: pathlib.Path) -> Truth:
    """`images/flipped_10120_107.jpg` and masks of the same name; JPEG, so that values are near 0 and 255 only."""
    voxels = {}
    for number in range(12):
        name = f"{'flipped' if number % 2 else 'mirrored'}_{10001 + number // 2}_{70 + number}"
        grey, mask = scan((40, 40), number, (0.6,), low=60, values=(255,))
        picture(folder / "images" / f"{name}.jpg", np.clip(grey, 0, 255).astype(np.uint8), quality=95)
        picture(folder / "masks" / f"{name}.jpg", mask, quality=95)
        voxels[name] = counted(mask)
    return Truth(None, (40, 40), voxels)
