"""Invalid images and masks: how they are made, and the expected error messages."""

import json
import pathlib
import shutil

import nibabel
import numpy as np

from tests.study.bad_studies import Break, Rows, file
from tests.trainables.data.files import affine, picture, save
from tests.trainables.data.formats import write


def image(data: pathlib.Path) -> pathlib.Path:
    return data / "imagesTr" / "p1_scan2_0000.nii.gz"


def mask(data: pathlib.Path) -> pathlib.Path:
    return data / "labelsTr" / "p1_scan2.nii.gz"


def array(path: pathlib.Path) -> np.ndarray:
    return np.asarray(nibabel.load(path).dataobj)


def with_nan(data: pathlib.Path) -> None:
    spoiled = array(image(data)).astype(np.float32)
    spoiled[1, 2, 3] = np.nan
    save(image(data), spoiled)


def _empty(data: pathlib.Path) -> None:
    for each in [*data.glob("*/*")]:
        each.unlink()


def _truncated(data: pathlib.Path) -> None:
    image(data).write_bytes(image(data).read_bytes()[:-200])


def _singular(data: pathlib.Path) -> None:
    spoiled = nibabel.Nifti1Image(array(image(data)), None)
    spoiled.header["sform_code"] = 1
    spoiled.header["srow_x"] = (1.0, 0.0, 0.0, 0.0)  # the columns of y and z are 0
    nibabel.save(spoiled, image(data))


def _remade(make: Break) -> Break:
    """Replaces the data by an empty folder."""

    def spoil(data: pathlib.Path) -> object:
        shutil.rmtree(data)
        data.mkdir()
        return make(data)

    return spoil


FLAT = {"patch__size": [32, 32], "models": {"unet": {"width": 4}}, "dataset__labels": {"organ": ">127"}}


def _pictures(name: str, mask_array: np.ndarray, **changes: object) -> Break:
    """Writes eight pictures of 40 × 40 in `images/` and `masks/`, with a different mask for one of them."""

    def make(data: pathlib.Path) -> object:
        for number in range(8):
            grey = np.full((40, 40), number, np.uint8)
            grey[8:20, 8:20] = 255
            picture(data / "images" / f"s{number}.png", grey)
            picture(data / "masks" / f"s{number}.png", grey)
        (data / "masks" / "s3.png").unlink()
        picture(data / "masks" / name, mask_array)
        return file(**{**FLAT, **changes})(data)

    return _remade(make)


def _metaimages(spoil: Break) -> Break:
    """Writes eight MetaImages with their masks beside them."""

    def make(data: pathlib.Path) -> object:
        voxels = np.arange(9 * 8 * 7, dtype=np.int16).reshape(9, 8, 7)
        for number in range(8):
            write(data / f"Case{number:02d}.mhd", voxels + number, affine())
            write(data / f"Case{number:02d}_segmentation.mhd", (voxels > 100).astype(np.uint8), affine())
        spoil(data)
        places = {"images": "{case}.mhd", "masks": "{case}_segmentation.mhd", "labels": {"prostate": 1}}
        return file(**{f"dataset__{key}": value for key, value in places.items()})(data)

    return _remade(make)


def _described(text: str) -> Break:
    return lambda data: (data / "dataset.json").write_text(text)


GREY = np.zeros((40, 40), np.uint8)
COLOURS = np.stack([GREY, GREY + 200, GREY], -1)
LISTED = [
    {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"} for name in ("p0_scan0_0000", "gone")
]
CHANNELS = {"ct": "imagesTr/{case}_0000.nii.gz", "pet": "imagesTr/{case}_0001.nii.gz"}

PLACES: Rows = {
    "no such folder": (file(dataset__path="dota"), r"dataset.path: no folder .*dota.*Did you mean 'data'\?"),
    "a file for a folder": (file(dataset__path="study.yaml"), r"dataset.path: no folder .*study.yaml"),
    "no known layout": (file(dataset__path="data/imagesTr"), r"has none of the known layouts"),
    "no cases": (_empty, r"no cases in imagesTr and labelsTr"),
    "image without mask": (lambda data: mask(data).unlink(), r"imagesTr/p1_scan2_0000.nii.gz: there is no mask for it"),
    "mask without image": (lambda data: image(data).unlink(), r"labelsTr/p1_scan2.nii.gz: there is no image for it"),
    "excluded case that is not there": (file(dataset__exclude=["p9*"]), r"dataset.exclude: no case 'p9\*'"),
    "all cases excluded": (file(dataset__exclude=["p*"]), r"dataset: no cases in imagesTr and labelsTr"),
    "images without masks": (file(dataset__images="imagesTr"), r"images and masks go together: give both"),
    "a folder that a template names": (
        file(dataset__images="scans", dataset__masks="labelsTr"),
        r"dataset: no folder 'scans'",
    ),
    "a template that leads out": (
        file(dataset__images="../{case}.nii.gz", dataset__masks="labelsTr"),
        r"'../\{case\}.nii.gz' leads out of the data",
    ),
    "a template without an end": (
        file(dataset__images="imagesTr/{case}*", dataset__masks="labelsTr"),
        r"nothing tells where the case's name ends",
    ),
    "a template that finds two files": (
        file(dataset__images="imagesTr/{case}_scan*.nii.gz", dataset__masks="labelsTr/{case}_scan0.nii.gz"),
        r"finds two files for case 'p0'",
    ),
    "a channel that a case lacks": (
        lambda data: (
            [shutil.copy(each, str(each).replace("_0000", "_0001")) for each in sorted(data.glob("imagesTr/*"))[:7]]
            and file(dataset__images=CHANNELS, dataset__masks="labelsTr/{case}.nii.gz")(data)
        ),
        r"case 'p3_scan7' has channels ct, others have ct, pet",
    ),
    "one case in two formats": (
        lambda data: shutil.copy(image(data), str(image(data)).replace(".nii.gz", ".nrrd")) and None,
        r"p1_scan2_0000.nii.gz and p1_scan2_0000.nrrd are one case by name",
    ),
    "a description that is no JSON": (_described("{"), r"dataset.json: is no JSON object"),
    "a description of files that are not there": (
        _described(json.dumps({"training": LISTED})),
        r"dataset.json: lists imagesTr/gone.nii.gz, which is not there",
    ),
    "a region of interest that is not there": (file(dataset__roi="lungs"), r"no folder 'lungs'"),
}
IMAGES: Rows = {
    "NaN voxels": (with_nan, r"imagesTr/p1_scan2_0000.nii.gz: 1 voxel is NaN or infinite"),
    "truncated gzip": (_truncated, r"imagesTr/p1_scan2_0000.nii.gz: .*"),
    "not an image at all": (lambda data: image(data).write_text("hello"), r"imagesTr/p1_scan2_0000.nii.gz: .*"),
    "an empty file": (lambda data: image(data).write_bytes(b""), r"p1_scan2_0000.nii.gz: the file is empty. Copy it"),
    "five dimensions": (
        lambda data: save(image(data), np.zeros((4, 4, 4, 2, 2), np.int16)),
        r"p1_scan2_0000.nii.gz: expected 2, 3 or 4 \(channels last\) dimensions",
    ),
    "a singular affine": (
        _singular,
        r"p1_scan2_0000.nii.gz: the affine is singular or not finite",
    ),
    "shapes differ": (lambda data: save(mask(data), array(mask(data))[:, :, :-1]), r"p1_scan2.nii.gz: shape 6x8x9"),
    "affines differ": (
        lambda data: save(mask(data), array(mask(data)), affine(origin=(-18, 5, 40))),
        r"labelsTr/p1_scan2.nii.gz: lies 1.3 voxels away from its image",
    ),
    "more channels than the others": (
        lambda data: save(image(data), np.stack([array(image(data))] * 2, -1)),
        r"p1_scan2: 2 channels, most cases have 1",
    ),
    "pictures in 3D": (
        _pictures("s3.png", GREY, patch__size=[32, 32, 32], models={"unet3d": {"width": 4}}),
        r"a flat picture, but `patch.size` has 3 sizes",
    ),
    "a voxel size for pictures": (
        _pictures("s3.png", GREY, preprocess={"spacing": [1, 1]}),
        r"the voxel size is unknown",
    ),
    "a header without voxels": (
        _metaimages(lambda data: (data / "Case03.raw").unlink()),
        r"Case03.raw: .*(no such file|cannot be read)",
    ),
    "fewer voxels than the header says": (
        _metaimages(lambda data: (data / "Case03.raw").write_bytes(b"\0" * 100)),
        r"Case03.mhd: .*",
    ),
}
MASKS: Rows = {
    "a value without a label": (
        file(dataset__labels={"organ": 1}),
        r"labelsTr/p0_scan0.nii.gz and 7 more: value 2 is covered by no label",
    ),
    "a label that no mask has": (
        file(dataset__labels__vein=3),
        r"dataset.labels: 'vein' \(==3\) occurs in no case's mask",
    ),
    "values between whole numbers": (
        lambda data: save(mask(data), array(mask(data)).astype(np.float32) * 0.5),
        r"labelsTr/p1_scan2.nii.gz: value 0.5 is covered by no label.*without smoothing",
    ),
    "NaN in a mask": (
        lambda data: save(mask(data), np.where(array(mask(data)) == 2, np.nan, array(mask(data))).astype(np.float32)),
        r"labelsTr/p1_scan2.nii.gz: the mask has NaN or infinite values",
    ),
    "a mask with channels": (
        lambda data: save(mask(data), np.stack([array(mask(data))] * 2, -1)),
        r"labelsTr/p1_scan2.nii.gz: 2 volumes in one mask",
    ),
    "a mask in colours": (_pictures("s3.png", COLOURS), r"masks/s3.png: a mask in colours"),
    "a JPEG mask without a rule": (
        _pictures("s3.jpg", GREY, dataset__labels={"organ": 255}, dataset__other_labels="background"),
        r"masks/s3.jpg: JPEG blurs the values of a mask. Give each label a rule",
    ),
    "a mask of another size": (
        _pictures("s3.png", GREY[:20]),
        r"masks/s3.png: shape 20x40 differs from its image's 40x40",
    ),
}
