"""Small made-up data sets, as public ones and users lay them out. Each function fills a folder."""

import json
import pathlib

import numpy as np

from tests.trainables.data.files import affine, picture, save

PATIENTS = 12


def _brain(number: int, shape: tuple[int, ...] = (20, 18, 16)) -> tuple[np.ndarray, np.ndarray]:
    """An image and a mask with the values 1 and 2."""
    rng = np.random.default_rng(number)
    mask = np.zeros(shape, np.uint8)
    mask[4:12, 5:12, 4:10] = 1
    mask[6:9, 7:10, 5:8] = 2
    return (rng.integers(1, 500, shape) + 200 * mask).astype(np.int16), mask


def _flat(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture and a mask of 0 and 255."""
    grey = np.random.default_rng(number).integers(0, 200, (40, 48)).astype(np.uint8)
    mask = np.zeros((40, 48), np.uint8)
    mask[10:25, 12:30] = 255
    return grey, mask


def nnunet(root: pathlib.Path) -> None:
    """nnU-Net's raw folder with CT values, a name for each label, and one label that no mask has."""
    for number in range(PATIENTS):
        image, mask = _brain(number)
        save(root / "imagesTr" / f"case_{number:03d}_0000.nii.gz", (image * 4 - 1024).astype(np.int16))
        save(root / "labelsTr" / f"case_{number:03d}.nii.gz", mask)
    described = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "liver": 1, "tumour core": 2, "cyst": 3}}
    (root / "dataset.json").write_text(json.dumps({**described, "file_ending": ".nii.gz", "numTraining": PATIENTS}))


def decathlon(root: pathlib.Path) -> None:
    """The Decathlon's dataset.json, two channels in a fourth axis."""
    listed = []
    for number in range(PATIENTS):
        image, mask = _brain(number)
        save(root / "imagesTr" / f"prostate_{number:02d}.nii.gz", np.stack([image, image // 2 + 1], -1))
        save(root / "labelsTr" / f"prostate_{number:02d}.nii.gz", mask)
        name = f"prostate_{number:02d}.nii.gz"
        listed.append({"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"})
    labels = {"0": "background", "1": "PZ", "2": "TZ"}
    described = {"modality": {"0": "T2", "1": "ADC"}, "labels": labels, "training": listed}
    (root / "dataset.json").write_text(json.dumps(described))


def bids(root: pathlib.Path) -> None:
    """Images by subject, masks in derivatives with longer names."""
    for number in range(PATIENTS):
        image, mask = _brain(number)
        sub = f"sub-{number:02d}"
        save(root / sub / "anat" / f"{sub}_FLAIR.nii.gz", image)
        save(root / "derivatives" / "labels" / sub / "anat" / f"{sub}_FLAIR_desc-lesion_mask.nii.gz", mask // 2)


def brains(root: pathlib.Path) -> None:
    """Four sequences and the segmentation in a folder for each patient, values 1, 2 and 4; mostly dark."""
    for number in range(PATIENTS):
        image, mask = _brain(number)
        mask[5, 6, 5] = 4
        dark = np.where(mask > 0, image, 0).astype(np.int16)
        case = f"BraTS_{number:03d}"
        for channel in ("flair", "t1", "t1ce", "t2"):
            save(root / case / f"{case}_{channel}.nii.gz", dark)
        save(root / case / f"{case}_seg.nii.gz", mask)


def retina(root: pathlib.Path) -> None:
    """Colour pictures, a first and a second reading, and fields of view in `masks`."""
    for number in range(PATIENTS):
        grey, mask = _flat(number)
        view = np.zeros_like(mask)
        view[3:37, 3:45] = 255
        picture(root / "images" / f"{number + 21}_training.png", np.stack([grey, grey // 2, grey // 3], -1))
        picture(root / "1st_manual" / f"{number + 21}_manual1.png", mask)
        picture(root / "2nd_manual" / f"{number + 21}_manual2.png", mask)
        picture(root / "masks" / f"{number + 21}_training_mask.png", view)


def flat(root: pathlib.Path) -> None:
    """Grey pictures in `images` and `masks`, slices of patients."""
    for number in range(2 * PATIENTS):
        grey, mask = _flat(number)
        picture(root / "images" / f"{100 + number // 2}_{number % 2}.png", grey)
        picture(root / "masks" / f"{100 + number // 2}_{number % 2}.png", mask)


def jpeg(root: pathlib.Path) -> None:
    """The same with masks as JPEG."""
    for number in range(PATIENTS):
        grey, mask = _flat(number)
        picture(root / "images" / f"slice{number}.jpg", grey)
        picture(root / "masks" / f"slice{number}.jpg", mask)


def tiff(root: pathlib.Path) -> None:
    """Pictures as TIFF, image and mask in one folder."""
    for number in range(PATIENTS):
        grey, mask = _flat(number)
        picture(root / f"cell{number}.tif", grey)
        picture(root / f"cell{number}_seg.tif", (mask > 0).astype(np.uint8))


def anisotropic(root: pathlib.Path) -> None:
    """Three patients with two visits each, coarse slices of different distances."""
    for number in range(6):
        image, mask = _brain(number, (20, 20, 18))
        name = f"patient{number // 2}_visit{number % 2}.nii.gz"
        matrix = affine(spacing=(0.5, 0.5, 3.0 + number))
        save(root / "imagesTr" / name, image, matrix)
        save(root / "labelsTr" / name, mask, matrix)


def two_codings(root: pathlib.Path) -> None:
    """One object that is 255 in the masks of one reader and 1 in those of another."""
    for number in range(PATIENTS):
        grey, mask = _flat(number)
        picture(root / "images" / f"{number}.png", grey)
        picture(root / "masks" / f"{number}.png", mask if number % 2 else (mask > 0).astype(np.uint8))
