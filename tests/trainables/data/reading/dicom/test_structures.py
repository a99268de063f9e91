"""Structure sets by rt-utils, and contours set by hand."""

import pathlib
import sys
from typing import Any

import numpy as np
import pydicom
import pytest

from tests.trainables.data.dicom_files import write_structures
from tests.trainables.data.files import affine
from tests.trainables.data.formats import write_series
from trainables.data.reading import readers
from trainables.data.reading.raw import Grid
from trainables.errors import InputError

SHAPE = (16, 14, 6)
SQUARE = affine((0.8, 0.8, 2.5), (-12.5, 7.25, -100)) @ np.diag([-1.0, -1.0, 1.0, 1.0])
GRID = Grid(SHAPE, SQUARE)


def shapes() -> np.ndarray:
    """A ring with an island, beside it lines, single voxels and touching corners; a second structure overlaps it."""
    mask = np.zeros((*SHAPE, 2), bool)
    mask[1:10, 1:10, 1, 0], mask[3:8, 3:8, 1, 0], mask[5, 5, 1, 0] = True, False, True
    mask[11, 2:9, 1, 0] = mask[13, 4, 1, 0] = mask[14, 5, 1, 0] = True
    mask[2:5, 11:13, 3, 0] = True
    mask[4:12, 6:9, 1:4, 1] = True
    return mask


def test_what_rt_utils_outlines_comes_back_voxel_by_voxel(tmp_path: pathlib.Path) -> None:
    series = write_series(tmp_path / "ct", np.zeros(SHAPE, np.int16), SQUARE)
    path = write_structures(tmp_path / "m.dcm", series, shapes())
    raw = readers.read(path, grid=GRID)
    assert [segment.name for segment in raw.segments] == ["organ", "lesion"]
    for bit in (0, 1):
        assert ((raw.array >> bit & 1).astype(bool) == shapes()[..., bit]).all()


@pytest.mark.parametrize("flip", [np.diag([-1.0, 1, 1, 1]), np.diag([1.0, -1, -1, 1]), np.eye(4)[[2, 0, 1, 3]]])
def test_the_image_may_be_stored_in_other_axes(tmp_path: pathlib.Path, flip: np.ndarray) -> None:
    series = write_series(tmp_path / "ct", np.zeros(SHAPE, np.int16), SQUARE)
    path = write_structures(tmp_path / "m.dcm", series, shapes())
    size = np.abs(np.linalg.inv(flip)[:3, :3]) @ SHAPE
    corner = np.where(flip[:3, :3].sum(axis=1) < 0, np.array(SHAPE) - 1, 0)
    to_old = flip.copy()
    to_old[:3, 3] = corner
    grid = Grid(tuple(int(n) for n in size), SQUARE @ to_old)
    raw = readers.read(path, grid=grid)
    index = np.argwhere(raw.array & 1) @ to_old[:3, :3].T + corner
    assert sorted(map(tuple, index.astype(int).tolist())) == sorted(map(tuple, np.argwhere(shapes()[..., 0]).tolist()))


def by_hand(path: pathlib.Path, contours: list[list[tuple[float, float, float]]], kind: str = "CLOSED_PLANAR") -> Any:
    """A structure set whose points are given in voxels of the grid."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.sequence import Sequence
    from pydicom.uid import ExplicitVRLittleEndian

    content = Dataset()
    content.file_meta = FileMetaDataset()
    content.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    content.file_meta.MediaStorageSOPClassUID = content.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    content.file_meta.MediaStorageSOPInstanceUID = content.SOPInstanceUID = "1.2.3.4"
    named, drawn = Dataset(), Dataset()
    named.ROINumber, named.ROIName, drawn.ReferencedROINumber = 7, "GTV 1", 7
    made = []
    for points in contours:
        contour = Dataset()
        world = np.array([SQUARE @ [*point, 1] for point in points])[:, :3] * [-1, -1, 1]
        contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
        contour.ContourData = [f"{value:.6g}" for value in world.reshape(-1)]
        made.append(contour)
    drawn.ContourSequence = Sequence(made)
    content.StructureSetROISequence, content.ROIContourSequence = Sequence([named]), Sequence([drawn])
    content.save_as(path, enforce_file_format=True)
    return path


def test_a_clinical_contour_holds_the_voxels_whose_centres_are_inside(tmp_path: pathlib.Path) -> None:
    path = by_hand(tmp_path / "rs.dcm", [[(1.6, 2.4, 2), (4.4, 2.4, 2), (4.4, 6.6, 2), (1.6, 6.6, 2)]])
    raw = readers.read(path, grid=GRID)
    assert (raw.segments[0].number, raw.segments[0].name) == (7, "GTV 1")
    expected = np.zeros(SHAPE, bool)
    expected[2:5, 3:7, 2] = True
    assert (raw.array.astype(bool) == expected).all()


def test_what_fits_no_image_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    square = [(1.0, 2.0), (4.0, 2.0), (4.0, 6.0)]
    between = by_hand(tmp_path / "a.dcm", [[(x, y, 2.5) for x, y in square]])
    outside = by_hand(tmp_path / "b.dcm", [[(x, y, 40) for x, y in square]])
    points = by_hand(tmp_path / "c.dcm", [[(1, 2, 2)]], kind="POINT")
    with pytest.raises(InputError, match=r"/a.dcm: contours of 'GTV 1' lie between the slices"):
        readers.read(between, grid=GRID)
    with pytest.raises(InputError, match=r"/b.dcm: contours of 'GTV 1' lie outside the image"):
        readers.read(outside, grid=GRID)
    with pytest.raises(InputError, match=r"/c.dcm: a structure set without closed contours"):
        readers.read(points, grid=GRID)
    with pytest.raises(InputError, match=r"/a.dcm: contours without an image"):
        readers.read(between)
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(InputError, match=r"pip install 'segstudy\[dicom\]'"):
        readers.read(between, grid=GRID)


def test_pydicom_reads_what_was_made(tmp_path: pathlib.Path) -> None:
    assert pydicom.dcmread(by_hand(tmp_path / "a.dcm", [[(1, 2, 2)]])).StructureSetROISequence[0].ROIName == "GTV 1"
