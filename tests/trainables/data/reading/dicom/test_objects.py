"""Folders of DICOM files by what they hold: images, masks beside them, reports; and masks in whole cases."""

import pathlib

import numpy as np
import pydicom
import pytest

from tests.trainables.data.dicom_files import write_segmentation, write_structures
from tests.trainables.data.files import LABELS, affine, save, volume
from tests.trainables.data.formats import write_series
from trainables.data.cases import case as cases
from trainables.data.cases.label_values import parse_all
from trainables.data.finding import layouts
from trainables.data.finding.layouts import CaseFiles
from trainables.data.reading import readers
from trainables.errors import InputError

UPRIGHT = affine((0.8, 0.8, 2.5), (-12.5, 7.25, -100)) @ np.diag([-1.0, -1.0, 1.0, 1.0])
IMAGE, MASK = volume()
WRITERS = {"segmentation": write_segmentation, "structures": write_structures}


@pytest.mark.parametrize("name", WRITERS)
def test_a_case_with_a_dicom_mask_is_the_case_with_a_nifti_mask(tmp_path: pathlib.Path, name: str) -> None:
    series = write_series(tmp_path / "images" / "p1", IMAGE, UPRIGHT)
    (tmp_path / "masks").mkdir()
    mask = WRITERS[name](tmp_path / "masks" / "p1.dcm", series, MASK)
    (found,) = layouts.find(tmp_path)
    assert found == CaseFiles("p1", (series,), mask)
    case = cases.read(found, parse_all(LABELS), dim=3)
    nifti = save(tmp_path / "p1.nii.gz", MASK, UPRIGHT)
    expected = cases.read(CaseFiles("p1", (series,), nifti), parse_all(LABELS), dim=3)
    assert (case.reference == expected.reference).all()
    assert case.spacing == expected.spacing
    assert case.warnings == ()


def test_a_mask_in_a_folder_of_its_own_and_beside_its_image(tmp_path: pathlib.Path) -> None:
    series = write_series(tmp_path / "images" / "p1", IMAGE, UPRIGHT)
    (tmp_path / "masks" / "p1").mkdir(parents=True)
    write_segmentation(tmp_path / "masks" / "p1" / "seg.dcm", series, MASK)
    (found,) = layouts.find(tmp_path)
    alone = cases.read(found, parse_all(LABELS), dim=3)
    beside = write_segmentation(series / "seg.dcm", tmp_path / "images" / "p1", MASK)
    assert (readers.read(series).array == IMAGE).all()
    again = cases.read(CaseFiles("p1", (series,), beside), parse_all(LABELS), dim=3)
    assert (alone.reference == again.reference).all()


def test_names_decide_and_numbers_do_not(tmp_path: pathlib.Path) -> None:
    series = write_series(tmp_path / "ct", IMAGE, UPRIGHT)
    swapped = np.array([0, 2, 1], np.uint8)[MASK]
    mask = write_segmentation(tmp_path / "m.dcm", series, swapped, names={1: "Lesion", 2: "Organ"})
    case = cases.read(CaseFiles("p1", (series,), mask), parse_all(LABELS), dim=3)
    assert (case.reference == MASK.transpose(2, 1, 0)[:, ::-1, ::-1]).all()


def test_folders_without_one_image_or_mask_are_refused(tmp_path: pathlib.Path) -> None:
    series = write_series(tmp_path / "ct", IMAGE, UPRIGHT)
    (tmp_path / "two").mkdir()
    for name in ("a", "b"):
        write_segmentation(tmp_path / "two" / f"{name}.dcm", series, MASK)
    with pytest.raises(InputError, match="/two: 2 DICOM masks in this folder, expected one"):
        readers.read(tmp_path / "two")
    report = pydicom.dcmread(next(series.iterdir()))
    report.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    (tmp_path / "other").mkdir()
    report.save_as(tmp_path / "other" / "sr.dcm")
    with pytest.raises(InputError, match="/other: no DICOM series in this folder"):
        readers.read(tmp_path / "other")
    with pytest.raises(InputError, match=r"/sr.dcm: a DICOM file without an image or mask \(class 1.2.840"):
        readers.read(tmp_path / "other" / "sr.dcm")
