"""DICOM files of many frames: enhanced images by highdicom's own classes of pydicom, segmentations by highdicom."""

import pathlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pydicom
import pytest

from tests.trainables.data.dicom_files import write_segmentation
from tests.trainables.data.files import affine, volume
from tests.trainables.data.formats import write_series
from trainables.data.reading import readers
from trainables.data.reading.raw import Grid
from trainables.errors import InputError

UPRIGHT = affine((0.75, 0.8, 2.5), (-12.5, 7.25, -100)) @ np.diag([-1.0, -1.0, 1.0, 1.0])
IMAGE, MASK = volume()
GRID = Grid(IMAGE.shape, UPRIGHT)


def enhanced(path: pathlib.Path, change: Callable[[list[Any]], None] = lambda groups: None) -> pathlib.Path:
    """An enhanced CT, its frames in no useful order, with a rescale of its own for each."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.sequence import Sequence
    from pydicom.uid import ExplicitVRLittleEndian

    order = [3, 0, 6, 1, 5, 2, 4]
    content = Dataset()
    content.file_meta = FileMetaDataset()
    content.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    content.file_meta.MediaStorageSOPClassUID = content.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    content.file_meta.MediaStorageSOPInstanceUID = content.SOPInstanceUID = "1.2.3.4"
    content.Modality, content.NumberOfFrames = "CT", len(order)
    content.Columns, content.Rows = IMAGE.shape[:2]
    content.SamplesPerPixel, content.PhotometricInterpretation = 1, "MONOCHROME2"
    content.BitsAllocated, content.BitsStored, content.HighBit, content.PixelRepresentation = 16, 16, 15, 1
    groups = []
    for number in order:
        group, place, values = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [12.5, -7.25, -100 + 2.5 * number]
        values.RescaleSlope, values.RescaleIntercept = (1, 0) if number < 3 else (0.5, number)
        group.PlanePositionSequence, group.PixelValueTransformationSequence = Sequence([place]), Sequence([values])
        groups.append(group)
    shared, way, measures = Dataset(), Dataset(), Dataset()
    way.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing, measures.SliceThickness = [0.8, 0.75], 9
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([way]), Sequence([measures])
    content.SharedFunctionalGroupsSequence = Sequence([shared])
    content.PixelData = np.stack([IMAGE[:, :, number].T for number in order]).astype("<i2").tobytes()
    change(groups)
    content.PerFrameFunctionalGroupsSequence = Sequence(groups)
    content.save_as(path, enforce_file_format=True)
    return path


def test_frames_are_ordered_by_place_and_rescaled_each(tmp_path: pathlib.Path) -> None:
    slopes, intercepts = np.array([1, 1, 1, 0.5, 0.5, 0.5, 0.5]), np.array([0, 0, 0, 3, 4, 5, 6])
    (tmp_path / "ct").mkdir()
    for path in (enhanced(tmp_path / "a.dcm"), enhanced(tmp_path / "ct" / "b").parent):
        raw = readers.read(path)
        assert (raw.array == IMAGE * slopes + intercepts).all()
        assert raw.affine == pytest.approx(UPRIGHT @ np.diag([1.0, 1, 1, 1]))
        assert raw.sides == (0.75, 0.8, 2.5)


def _move(frame: int, height: float) -> Callable[[list[Any]], None]:
    def change(groups: list[Any]) -> None:
        groups[frame].PlanePositionSequence[0].ImagePositionPatient = [12.5, -7.25, height]

    return change


def _drop(groups: list[Any]) -> None:
    del groups[2].PlanePositionSequence


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_move(0, -100.0), "7 frames at 6 places of 7: several volumes, or slices are missing"),
        (_move(2, -80.0), "7 frames at 7 places of 9: several volumes, or slices are missing"),
        (_move(0, -92.0), "its frames are not evenly spaced"),
        (_drop, "a frame has no position, orientation or pixel spacing"),
    ],
)
def test_frames_that_make_up_no_volume_are_refused(
    tmp_path: pathlib.Path, change: Callable[[list[Any]], None], message: str
) -> None:
    with pytest.raises(InputError, match=f"/a.dcm: {message}"):
        readers.read(enhanced(tmp_path / "a.dcm", change))


def test_several_enhanced_files_in_one_folder_are_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "ct").mkdir()
    enhanced(tmp_path / "ct" / "a.dcm")
    enhanced(tmp_path / "ct" / "b.dcm")
    with pytest.raises(InputError, match="/ct: 2 images in this folder, of which 2 have many frames"):
        readers.read(tmp_path / "ct")


def test_overlapping_segments_are_bits_on_the_images_grid(tmp_path: pathlib.Path) -> None:
    both = np.stack([MASK >= 1, MASK == 2], axis=-1)
    path = write_segmentation(tmp_path / "m.dcm", write_series(tmp_path / "ct", IMAGE, UPRIGHT), both, all_frames=False)
    raw = readers.read(path, grid=GRID)
    assert [(segment.number, segment.name) for segment in raw.segments] == [(1, "organ"), (2, "lesion")]
    assert (raw.array == both[..., 0] + 2 * both[..., 1]).all()
    assert raw.affine is GRID.affine


def test_without_an_image_it_spans_its_used_slices(tmp_path: pathlib.Path) -> None:
    path = write_segmentation(tmp_path / "m.dcm", write_series(tmp_path / "ct", IMAGE, UPRIGHT), MASK, all_frames=False)
    raw = readers.read(path)
    used = np.flatnonzero(MASK.any(axis=(0, 1)))
    assert raw.array.shape == (9, 8, used[-1] - used[0] + 1)
    assert raw.affine is not None
    assert raw.affine[:3, 3] == pytest.approx((UPRIGHT @ [0, 0, used[0], 1])[:3])


def test_a_segmentation_of_another_image_is_refused(tmp_path: pathlib.Path) -> None:
    path = write_segmentation(tmp_path / "m.dcm", write_series(tmp_path / "ct", IMAGE, UPRIGHT), MASK)
    other = UPRIGHT.copy()
    other[:3, :3] *= 1.25
    with pytest.raises(InputError, match=r"/m.dcm: lies on another grid than its image"):
        readers.read(path, grid=Grid(IMAGE.shape, other))


def test_fractions_are_refused_unless_they_are_whole(tmp_path: pathlib.Path) -> None:
    series = write_series(tmp_path / "ct", IMAGE, UPRIGHT)
    path = write_segmentation(tmp_path / "m.dcm", series, MASK, kind="FRACTIONAL")
    assert ((readers.read(path, grid=GRID).array == 2) == (MASK == 2)).all()
    content = pydicom.dcmread(path)
    content.PixelData = content.PixelData.replace(b"\xff", b"\x7f")
    content.save_as(path)
    with pytest.raises(InputError, match="a segmentation of fractions"):
        readers.read(path, grid=GRID)


def test_without_pydicom_the_line_names_the_extra(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = enhanced(tmp_path / "a.dcm")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(InputError, match=r"need the package pydicom: pip install 'segstudy\[dicom\]'"):
        readers.read(path)
