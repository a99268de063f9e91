"""Images without masks: read as cases are, and what is found in them goes back to the file's own axes."""

import pathlib

import numpy as np
import pytest

from tests.trainables.data.files import affine, options, orientations, save
from trainables.data.cases.area import Crop, Roi
from trainables.data.cases.case import read_for
from trainables.data.cases.label_values import parse
from trainables.data.cases.options import PreprocessOptions
from trainables.data.cases.unlabelled import ImageFiles, read_unlabelled
from trainables.data.finding.layouts import CaseFiles
from trainables.data.preparing.new_image import prepare_new
from trainables.data.preparing.preprocess import prepare
from trainables.errors import InputError

SHAPE = (5, 7, 4)


def scan(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(1, 900, SHAPE).astype(np.int16), rng.integers(0, 2, SHAPE).astype(np.uint8)


def test_every_orientation_goes_back_to_the_axes_of_its_file(tmp_path: pathlib.Path) -> None:
    image, mask = scan()
    both = zip(orientations(image, affine((1, 2, 3))), orientations(mask, affine((1, 2, 3))), strict=True)
    for number, ((stored, matrix), (stored_mask, _)) in enumerate(both):
        path = save(tmp_path / f"{number}.nii.gz", stored, matrix)
        drawn = save(tmp_path / f"{number}_mask.nii.gz", stored_mask, matrix)
        reference = read_for(CaseFiles("c", (path,), drawn), options()).reference
        read = read_unlabelled(ImageFiles("c", (path,)), options())
        assert read.stored.shape == stored.shape
        np.testing.assert_array_equal(read.stored.classes(reference), stored_mask)
        np.testing.assert_array_equal(read.stored.values(read.case.image[0]), stored)


def test_a_slice_and_a_sheared_volume_go_back_too(tmp_path: pathlib.Path) -> None:
    image, mask = scan(1)
    flat = save(tmp_path / "slice.nii.gz", image[:, :, :1], affine((1, 2, 3)))
    read = read_unlabelled(ImageFiles("c", (flat,)), options(dim=2))
    assert read.case.reference.shape == (7, 5)  # [y, x]
    np.testing.assert_array_equal(read.stored.values(read.case.image[0]), image[:, :, :1])

    tilted = affine((1, 1, 2))
    tilted[:3, 2] += 0.5 * tilted[:3, 1]  # each slice half a voxel further along y
    path, drawn = save(tmp_path / "t.nii.gz", image, tilted), save(tmp_path / "m.nii.gz", mask * 0, tilted)
    how = options(unshear=True)
    read = read_unlabelled(ImageFiles("c", (path,)), how)
    case = read_for(CaseFiles("c", (path,), drawn), how)
    np.testing.assert_array_equal(read.case.image, case.image)
    labels = np.zeros(case.reference.shape, np.uint8)
    labels[:, 4:] = 1  # an upright half: on the sheared grid its edge moves back by half a voxel a slice
    back = read.stored.classes(labels)
    assert back.shape == SHAPE
    assert [int(np.argmax(back[0, :, z])) for z in range(SHAPE[2])] == [4, 4, 3, 3]


@pytest.mark.parametrize("crop", [None, Crop(to="nonzero", margin=(1,))])
def test_it_is_prepared_as_a_case_is(tmp_path: pathlib.Path, crop: Crop | None) -> None:
    image, mask = scan(2)
    image[:2] = 0
    path = save(tmp_path / "i.nii.gz", image, affine((1, 2, 3)))
    how = options(spacing=(2.0, 2.0, 2.0), crop=crop)
    case = read_for(CaseFiles("c", (path,), save(tmp_path / "m.nii.gz", mask, affine((1, 2, 3)))), how)
    known, new = prepare(case, how), prepare_new("c", read_unlabelled(ImageFiles("c", (path,)), how), how, classes=2)
    np.testing.assert_array_equal(new.image, known.image)
    assert (new.padding, new.box) == (known.padding, known.box)
    assert new.shape == case.reference.shape


def test_what_only_a_reference_has_is_refused_and_a_region_may_be_missing(tmp_path: pathlib.Path) -> None:
    path = save(tmp_path / "i.nii.gz", scan()[0], affine((1, 2, 3)))
    files = ImageFiles("c", (path,))
    with pytest.raises(InputError, match="oracle"):
        read_unlabelled(files, options(crop=Crop(to="reference", rule=parse("", 1))))
    with pytest.raises(InputError, match="region of interest"):
        read_unlabelled(files, options(roi=Roi(), outside_roi="minimum"))
    everywhere = read_unlabelled(files, options(roi=Roi()))
    assert everywhere.case.roi is None
    assert "predicted everywhere" in everywhere.case.warnings[0]
    boxed: PreprocessOptions = options(roi=Roi(box=((0, 2), (1, 3), (0, 4))))
    assert prepare_new("c", read_unlabelled(files, boxed), boxed, classes=2).excluded is not None


def test_a_picture_stays_as_it_is(tmp_path: pathlib.Path) -> None:
    from tests.trainables.data.files import picture

    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    read = read_unlabelled(ImageFiles("c", (picture(tmp_path / "a.png", pixels),)), options(dim=2))
    np.testing.assert_array_equal(read.stored.values(read.case.image[0]), pixels)
    assert read.stored.affine is None
