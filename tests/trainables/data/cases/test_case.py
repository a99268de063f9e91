import dataclasses
import pathlib

import nibabel
import numpy as np
import pytest

from tests.trainables.data.files import LABELS, affine, orientations, pair, picture, save, volume
from trainables.data.cases import case as cases
from trainables.data.cases.label_values import parse_all
from trainables.data.finding.layouts import CaseFiles
from trainables.errors import InputError

PARSED = parse_all(LABELS)


def read(files: CaseFiles, dim: int = 3, **labels: float | str) -> cases.Case:
    return cases.read(files, parse_all(labels) if labels else PARSED, dim=dim)


def test_a_case_by_hand(tmp_path: pathlib.Path) -> None:
    image, mask = volume()
    case = read(pair(tmp_path))
    assert case.image.dtype == np.float32
    assert case.image.flags.c_contiguous
    assert (case.image[0] == image.transpose(2, 1, 0)).all()
    assert (case.reference == mask.transpose(2, 1, 0)).all()
    assert case.spacing == (3.0, 2.0, 1.5)
    assert case.warnings == ()


def test_image_and_mask_in_different_orders_meet(tmp_path: pathlib.Path) -> None:
    files = pair(tmp_path)
    expected = read(files)
    _, mask = volume()
    for stored, matrix in list(orientations(mask, affine()))[::7]:
        save(files.mask, stored, matrix)
        assert (read(files).reference == expected.reference).all()
        assert read(files).warnings == ()


def test_a_mask_on_its_images_grid_takes_the_images_order_near_45_degrees(tmp_path: pathlib.Path) -> None:
    image, mask = volume((8, 8, 7))

    def turned(degrees: float) -> np.ndarray:
        angle, turn = np.deg2rad(degrees), np.eye(4)
        turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        return np.asarray(turn @ affine((1.0, 1.0, 3.0), (0, 0, 0)))

    scan = save(tmp_path / "i.nii.gz", image, turned(44.99))
    case = read(CaseFiles("a", (scan,), save(tmp_path / "m.nii.gz", mask, turned(45.01))))
    assert (case.reference == mask.transpose(2, 1, 0)).all()
    assert case.warnings == ()


@pytest.mark.parametrize(
    ("shift", "warned"), [(0.0, False), (0.074, False), (0.076, True), (0.74, True), (0.76, None), (40.0, None)]
)
def test_tolerance_is_a_twentieth_and_a_half_of_the_smallest_voxel(
    tmp_path: pathlib.Path, shift: float, warned: bool | None
) -> None:
    files = pair(tmp_path)
    save(files.mask, volume()[1], affine(origin=(-20 + shift, 5, 40)))
    if warned is None:
        with pytest.raises(InputError, match=r"^labelsTr/case_1.nii.gz: lies [\d.]+ voxels away from its image"):
            read(files)
        return
    case = read(files)
    assert bool(case.warnings) == warned
    assert (case.reference == volume()[1].transpose(2, 1, 0)).all()


def test_a_second_channel_is_checked_like_a_mask(tmp_path: pathlib.Path) -> None:
    files = pair(tmp_path)
    image, _ = volume(seed=5)
    second = save(tmp_path / "imagesTr" / "case_1_0001.nii.gz", image)
    both = dataclasses.replace(files, images=(*files.images, second))
    case = read(both)
    assert case.image.shape == (2, 7, 8, 9)
    assert (case.image[1] == image.transpose(2, 1, 0)).all()
    save(second, image, affine(origin=(-20, 5, 80)))
    with pytest.raises(InputError, match=r"case_1_0001.nii.gz: lies 27 voxels away from the first channel"):
        read(both)
    save(second, image, affine(origin=(-20, 5.2, 40)))
    assert read(both).warnings == ("channel 1 lies 0.13 voxels off: taken on the image's grid",)


def test_channels_in_the_last_axis_of_one_file(tmp_path: pathlib.Path) -> None:
    files = pair(tmp_path)
    image, _ = volume()
    save(files.images[0], np.stack([image, image + 1], -1))
    assert (read(files).image[1] == image.transpose(2, 1, 0) + 1).all()


def test_no_position_in_the_file_is_a_warning(tmp_path: pathlib.Path) -> None:
    files = pair(tmp_path)
    for path, array in zip((files.images[0], files.mask), volume(), strict=True):
        nifti = nibabel.Nifti1Image(array, affine())
        nifti.set_sform(affine(), code=0)
        nifti.set_qform(affine(), code=0)
        nibabel.save(nifti, path)
    (warning,) = read(files).warnings
    assert "both form codes are 0" in warning


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 1), (6, 1, 5), (1, 6, 5)])
def test_single_slices_are_flat_when_the_patch_is(tmp_path: pathlib.Path, shape: tuple[int, ...]) -> None:
    image = np.arange(30, dtype=np.int16).reshape(shape)
    mask = (image > 20).astype(np.uint8)
    files = CaseFiles("a", (save(tmp_path / "i.nii", image),), save(tmp_path / "m.nii", mask))
    case = read(files, dim=2)
    flat = np.arange(30).reshape(6, 5).T  # the later of the file's axes comes first
    assert (case.image[0] == flat).all()
    assert (case.reference == (flat > 20)).all()
    sides = {(6, 5): (2.0, 1.5), (6, 5, 1): (2.0, 1.5), (6, 1, 5): (3.0, 1.5), (1, 6, 5): (3.0, 2.0)}
    assert case.spacing == sides[shape]
    assert read(files, dim=3).reference.ndim == 3


def test_pictures_have_no_spacing(tmp_path: pathlib.Path) -> None:
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    files = CaseFiles("a", (picture(tmp_path / "i.png", grey),), picture(tmp_path / "m.png", grey // 6))
    case = read(files, dim=2, organ=1)
    assert case.spacing is None
    assert (case.image[0] == grey).all()
    assert (case.reference == grey // 6).all()


def test_a_jpeg_mask_needs_a_rule(tmp_path: pathlib.Path) -> None:
    mask = np.zeros((16, 16), np.uint8)
    mask[4:12, 3:11] = 255
    files = CaseFiles("a", (picture(tmp_path / "i.png", mask),), picture(tmp_path / "m.jpg", mask, quality=60))
    with pytest.raises(InputError, match=r"m.jpg: JPEG blurs the values of a mask. Give each label a rule"):
        read(files, dim=2, organ=255)
    assert (read(files, dim=2, organ=">127").reference == mask // 255).all()


def bad(folder: pathlib.Path, name: str) -> tuple[CaseFiles, int]:
    """A case with one thing wrong, and the patch's dimensions."""
    files = pair(folder)
    image, mask = volume()
    flat = picture(folder / "flat.png", np.zeros((8, 9), np.uint8))
    wide = picture(folder / "wide.png", np.zeros((8, 10), np.uint8))
    with_nan = image.astype(np.float32)
    with_nan[1, 2, 3] = np.nan
    huge = np.full(image.shape, 1e300)
    changes = {
        "shapes differ": lambda: save(files.mask, mask[:, :, :-1]),
        "nan voxel": lambda: save(files.images[0], with_nan),
        "too large for float32": lambda: save(files.images[0], huge),
        "unnamed value": lambda: save(files.mask, mask + (mask == 2)),
        "fractions": lambda: save(files.mask, mask * np.float32(0.75)),
        "nan in the mask": lambda: save(files.mask, np.where(mask == 2, np.nan, mask).astype(np.float32)),
        "two masks": lambda: save(files.mask, np.stack([mask, mask], -1)),
        "flat affine": lambda: _set_affine(files.images[0], np.diag([1.0, 1.0, 0.0, 1.0])),
    }
    if name in changes:
        changes[name]()
        return files, 3
    pictures = {
        "flat in 3D": (CaseFiles("a", (flat,), flat), 3),
        "flat shapes differ": (CaseFiles("a", (flat,), wide), 2),
        "two kinds": (CaseFiles("a", (save(folder / "i.nii", image[:, :, :1]),), flat), 2),
    }
    return pictures[name]


def _set_affine(path: pathlib.Path, matrix: np.ndarray) -> None:
    nifti = nibabel.load(path)
    nifti.header.set_sform(matrix, code=1)
    nibabel.save(nibabel.Nifti1Image(np.asarray(nifti.dataobj), None, nifti.header), path)


MESSAGES = {
    "shapes differ": r"^labelsTr/case_1.nii.gz: shape 6x8x9 differs from its image's 7x8x9. Re-export it, or list",
    "nan voxel": r"^imagesTr/case_1_0000.nii.gz: 1 voxel is NaN or infinite",
    "too large for float32": r"^imagesTr/case_1_0000.nii.gz: 504 voxels are NaN or infinite",
    "unnamed value": r"^labelsTr/case_1.nii.gz: value 3 is covered by no label",
    "fractions": r"^labelsTr/case_1.nii.gz: values 0.75, 1.5 are covered by no label .* re-export it without smoothing",
    "nan in the mask": r"^labelsTr/case_1.nii.gz: the mask has NaN or infinite values",
    "two masks": r"^labelsTr/case_1.nii.gz: 2 volumes in one mask",
    "flat affine": r"^imagesTr/case_1_0000.nii.gz: the affine is singular or not finite",
    "flat in 3D": r"/flat.png: a flat picture, but `patch.size` has 3 sizes",
    "flat shapes differ": r"/wide.png: shape 8x10 differs from its image's 8x9",
    "two kinds": r"/flat.png: one of it and its image has a position in space, the other none",
}


@pytest.mark.parametrize("name", MESSAGES)
def test_bad_cases_are_refused_in_one_line_that_names_the_file(tmp_path: pathlib.Path, name: str) -> None:
    files, dim = bad(tmp_path, name)
    with pytest.raises(InputError, match=MESSAGES[name]) as caught:
        read(files, dim)
    assert "\n" not in str(caught.value)
