"""Small data sets in the very layouts of public ones: their names, axes, headers, types and channels.

Each writes two cases and says how a study file would find them. Every case has one block of each label.
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import nibabel
import numpy as np

from tests.trainables.data.formats import write

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclasses.dataclass(frozen=True)
class Published:
    """How a study file would find a data set, and what must come of it.

    Attributes:
        make: Writes it into a folder.
        labels: As the study file names them.
        names: Names of its cases.
        spacing: Spacing of the first case, `[z, y, x]`.
        shape: Shape of the first case.
        channels: Channels of every case.
        find: `images` and `masks` of the study file; nothing where the layout is known.
        exclude: Cases that the study file leaves out.
    """

    make: Callable[[pathlib.Path], None]
    labels: Mapping[str, float | str]
    names: tuple[str, ...]
    spacing: tuple[float, ...]
    shape: tuple[int, ...]
    channels: int = 1
    find: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    exclude: tuple[str, ...] = ()


def _scan(shape: tuple[int, ...], seed: int, dtype: Any = np.int16) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1000, 1000, shape).astype(dtype)


def _blocks(shape: tuple[int, ...], values: tuple[int, ...], dtype: Any = np.uint8) -> np.ndarray:
    """A block of two voxels for each value, along the first axis."""
    mask = np.zeros(shape, dtype)
    for number, value in enumerate(values):
        mask[1 + 2 * number : 3 + 2 * number, 2:4, 1:3] = value
    return mask


def _nifti(path: pathlib.Path, array: np.ndarray, affine: np.ndarray, **codes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nibabel.Nifti1Image(array, affine)
    image.set_qform(affine, code=codes.get("qform", 0))
    image.set_sform(affine, code=codes.get("sform", 2))
    nibabel.save(image, path)


def _metaimage(path: pathlib.Path, array: np.ndarray, lps: np.ndarray, *, packed: bool = False) -> None:
    write(path, array, RAS_FROM_LPS @ lps, packed=packed)


def _kits19(root: pathlib.Path) -> None:
    """Axes stored as slice, row, column (I, P, L); images in float64; the last 90 cases have no mask."""
    for number, slices in enumerate((7, 9)):
        affine = np.zeros((4, 4))
        affine[0, 2], affine[1, 1], affine[2, 0], affine[3, 3] = -0.919921875, -0.919921875, -0.5, 1
        folder = root / f"case_{number:05d}"
        _nifti(folder / "imaging.nii.gz", _scan((slices, 10, 12), number, np.float64), affine)
        _nifti(folder / "segmentation.nii.gz", _blocks((slices, 10, 12), (1, 2)), affine)
    _nifti(root / "case_00210" / "imaging.nii.gz", _scan((7, 10, 12), 9, np.float64), affine)
    (root / "kits.json").write_text("[]")
    (root / "LICENSE").write_text("CC BY-NC-SA 4.0")


def _lits(root: pathlib.Path) -> None:
    """Plain NIfTI in two folders with blanks in their names."""
    for number, batch in enumerate(("Training Batch 1", "Training Batch 2")):
        affine = np.diag([-0.703125, -0.703125, 5.0, 1.0])
        _nifti(root / batch / f"volume-{number}.nii", _scan((12, 10, 6), number), affine, qform=1, sform=1)
        _nifti(root / batch / f"segmentation-{number}.nii", _blocks((12, 10, 6), (1, 2)), affine, qform=1, sform=1)


def _promise12(root: pathlib.Path) -> None:
    """MetaImage headers with data files beside them; masks as signed bytes."""
    for number in range(2):
        lps = np.diag([0.625, 0.625, 3.6, 1.0])
        lps[:3, 3] = (-98.5, -101.25, -17.9)
        _metaimage(root / f"Case{number:02d}.mhd", _scan((12, 10, 6), number), lps)
        _metaimage(root / f"Case{number:02d}_segmentation.mhd", _blocks((12, 10, 6), (1,), np.int8), lps)


def _brats15(root: pathlib.Path) -> None:
    """A folder for each patient, in it one for each channel and the mask, named by numbers that nobody knows."""
    for number, (grade, name) in enumerate((("HGG", "brats_2013_pat0001_1"), ("LGG", "brats_tcia_pat101_0001"))):
        lps = np.diag([1.0, 1.0, 1.0, 1.0])
        lps[:3, 3] = (0, -239, 0)
        for channel, kind in enumerate(("Flair", "T1", "T1c", "T2")):
            file = f"VSD.Brain.XX.O.MR_{kind}.{54512 + 10 * number + channel}"
            scan = _scan((12, 11, 10), 10 * number + channel)
            _metaimage(root / grade / name / file / f"{file}.mha", scan, lps, packed=True)
        file = f"VSD.Brain_3more.XX.XX.OT.{54517 + 10 * number}"
        _metaimage(root / grade / name / file / f"{file}.mha", _blocks((12, 11, 10), (1, 2, 3, 4), np.int16), lps)
        (root / grade / name / file / f"{file}.txt").write_text("")


def _luna16(root: pathlib.Path) -> None:
    """Ten subsets of `.mhd` and `.raw`, packed lung masks; nodule masks made from readers' votes."""
    for number, subset in enumerate((0, 9)):
        name = f"1.3.6.1.4.1.14519.5.2.1.6279.6001.{10**29 + number}"
        lps = np.diag([0.7421875, 0.7421875, 1.25, 1.0])
        lps[:3, 3] = (-198.1, -195.0, -335.2)
        _metaimage(root / f"subset{subset}" / f"{name}.mhd", _scan((12, 10, 8), number), lps)
        _metaimage(root / "seg-lungs-LUNA16" / f"{name}.mhd", _blocks((12, 10, 8), (3, 4), np.int8), lps, packed=True)
        _metaimage(root / "nodules" / f"{name}.mhd", _blocks((12, 10, 8), (1, 2, 4)), lps, packed=True)
    (root / "annotations.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n")


def _decathlon(root: pathlib.Path) -> None:
    """Task01: four channels in the fourth axis, a description, test images, and what a Mac left in the archive."""
    names = ("BRATS_001", "BRATS_002")
    for number, name in enumerate(names):
        affine = np.diag([1.0, 1.0, 1.0, 1.0])
        _nifti(root / "imagesTr" / f"{name}.nii.gz", _scan((12, 11, 10, 4), number, np.float32), affine, qform=1)
        _nifti(root / "labelsTr" / f"{name}.nii.gz", _blocks((12, 11, 10), (1, 2, 3)), affine, qform=1)
        for folder in ("imagesTr", "labelsTr"):
            (root / folder / f"._{name}.nii.gz").write_bytes(b"Mac OS X")
    _nifti(root / "imagesTs" / "BRATS_485.nii.gz", _scan((12, 11, 10, 4), 5, np.float32), affine)
    described = {
        "name": "BRATS",
        "tensorImageSize": "4D",
        "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
        "labels": {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"},
        "numTraining": 2,
        "training": [{"image": f"./imagesTr/{n}.nii.gz", "label": f"./labelsTr/{n}.nii.gz"} for n in names],
        "test": ["./imagesTs/BRATS_485.nii.gz"],
    }
    (root / "dataset.json").write_text(json.dumps(described))


PUBLISHED: dict[str, Published] = {
    "KiTS19": Published(
        _kits19,
        {"kidney": 1, "tumor": 2},
        ("case_00000", "case_00001"),
        (0.5, 0.9199219, 0.9199219),
        (7, 10, 12),
        exclude=("case_0021*",),
    ),
    "LiTS": Published(
        _lits,
        {"liver": 1, "lesion": 2},
        ("0", "1"),
        (5.0, 0.703125, 0.703125),
        (6, 10, 12),
        find={"images": "*/volume-{case}.nii", "masks": "*/segmentation-{case}.nii"},
    ),
    "PROMISE12": Published(
        _promise12,
        {"prostate": 1},
        ("Case00", "Case01"),
        (3.6, 0.625, 0.625),
        (6, 10, 12),
        find={"images": "{case}.mhd", "masks": "{case}_segmentation.mhd"},
    ),
    "BRATS15": Published(
        _brats15,
        {"necrosis": 1, "edema": 2, "non_enhancing": 3, "enhancing": 4},
        ("brats_2013_pat0001_1", "brats_tcia_pat101_0001"),
        (1.0, 1.0, 1.0),
        (10, 11, 12),
        channels=4,
        find={
            "images": {
                "flair": "*/{case}/*Flair*/*.mha",
                "t1": "*/{case}/*T1.*/*.mha",
                "t1c": "*/{case}/*T1c*/*.mha",
                "t2": "*/{case}/*T2*/*.mha",
            },
            "masks": "*/{case}/*.OT.*/*.mha",
        },
    ),
    "LUNA16": Published(
        _luna16,
        {"nodule": ">=2"},
        (
            "1.3.6.1.4.1.14519.5.2.1.6279.6001.100000000000000000000000000000",
            "1.3.6.1.4.1.14519.5.2.1.6279.6001.100000000000000000000000000001",
        ),
        (1.25, 0.7421875, 0.7421875),
        (8, 10, 12),
        find={"images": "subset*/{case}.mhd", "masks": "nodules"},
    ),
    "Decathlon": Published(
        _decathlon,
        {"edema": 1, "non_enhancing": 2, "enhancing": 3},
        ("BRATS_001", "BRATS_002"),
        (1.0, 1.0, 1.0),
        (10, 11, 12),
        channels=4,
    ),
}
