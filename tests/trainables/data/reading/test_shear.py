"""Sheared volumes: one rule for all formats, and what resampling to right angles gives."""

import pathlib

import nibabel
import numpy as np
import pytest

from tests.trainables.data.files import LABELS, affine, save, volume
from tests.trainables.data.formats import write
from trainables.data.cases import case as cases
from trainables.data.cases.label_values import parse_all
from trainables.data.finding.layouts import CaseFiles
from trainables.data.reading import shear
from trainables.data.reading.axes import shear as cosine
from trainables.data.reading.volume import Volume
from trainables.errors import InputError

IMAGE, MASK = volume()


def sheared(mm_per_slice: float) -> np.ndarray:
    """Voxels of 1.5 x 2 x 3 mm, each slice farther to the front than the one below it."""
    matrix = affine()
    matrix[1, 2] = mm_per_slice
    return matrix


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
def test_shear_is_accepted_told_or_refused_whatever_the_format(tmp_path: pathlib.Path, ending: str) -> None:
    for number, (mm, expected) in enumerate(((0.002, "silent"), (0.06, "told"), (0.6, "refused"))):
        path = tmp_path / f"{number}{ending}"
        if ending == ".nii.gz":
            save(path, IMAGE, sheared(mm))
        else:
            _write_sheared(path, mm)
        if expected == "refused":
            with pytest.raises(InputError, match=r"axes are sheared by 11.3° .* Set `preprocess.unshear: true`"):
                Volume.of(path, "grey")
            assert Volume.of(path, "grey", may_be_sheared=True).axes is not None
        else:
            told = [warning for warning in Volume.of(path, "grey").raw.warnings if "sheared by 1.15°" in warning]
            assert len(told) == (expected == "told")


def _write_sheared(path: pathlib.Path, mm: float) -> None:
    """ITK writes no shear, so the header's third axis is replaced."""
    content = write(path, IMAGE, affine()).read_bytes()
    length = float(np.hypot(mm, 3.0))
    if path.suffix == ".nrrd":
        old, new = b"(0,0,3)", f"(0,{-mm},3)".encode()
    else:
        content = content.replace(b"ElementSpacing = 1.5 2 3", f"ElementSpacing = 1.5 2 {length!r}".encode())
        old, new = b"0 0 1\nOffset", f"0 {-mm / length!r} {3 / length!r}\nOffset".encode()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))


def test_the_straight_grid_by_hand() -> None:
    # 1 mm to the front a slice is half a voxel of 2 mm; over 6 steps 3 voxels more
    grid = shear.straight_grid(sheared(1.0), (7, 8, 9))
    assert grid is not None
    assert (grid.tilted, grid.shape) == (0, (7, 11, 9))
    assert grid.shifts == {1: 0.5, 2: 0.0}
    assert grid.starts == {1: 0.0, 2: 0.0}
    assert grid.spacing == (3.0, 2.0, 1.5)
    assert grid.degrees == pytest.approx(np.degrees(np.arctan(1 / 3)))
    back = shear.straight_grid(sheared(-1.0), (7, 8, 9))
    assert back is not None
    assert back.starts == {1: 3.0, 2: 0.0}
    assert shear.straight_grid(affine(), (7, 8, 9)) is None


def test_slices_are_shifted_and_labels_take_the_nearer_class() -> None:
    grid = shear.straight_grid(sheared(1.0), (3, 4, 1))  # half a voxel a slice
    assert grid is not None
    picture = np.zeros((3, 4, 1), np.float32)
    picture[:, 1, 0], picture[0, 0, 0] = 8.0, -2.0
    straight = shear.straight_image(picture, grid)
    assert straight[:, :, 0].tolist() == [[-2, 8, 0, 0, -2], [-1, 4, 4, 0, -1], [-2, 0, 8, 0, 0]]
    labels = np.zeros((3, 4, 1), np.uint8)
    labels[:, 1:3, 0] = 5
    assert (shear.straight_labels(labels, grid)[:, :, 0] == 5).tolist() == [
        [False, True, True, False, False],
        [False, True, True, False, False],  # half a voxel: one end wins, one loses
        [False, False, True, True, False],
    ]


def test_a_sheared_box_becomes_the_box_that_was_scanned(tmp_path: pathlib.Path) -> None:
    """A ball in the world, sampled on a sheared grid, has its own size and roundness again."""
    matrix, shape = sheared(1.0), (24, 40, 16)
    index = np.moveaxis(np.indices(shape), 0, -1)
    world = index @ matrix[:3, :3].T + matrix[:3, 3]
    centre = matrix[:3, :3] @ [12, 20, 8] + matrix[:3, 3]
    ball = (np.linalg.norm(world - centre, axis=-1) < 12).astype(np.uint8)
    files = CaseFiles(
        "a", (save(tmp_path / "i.nii", ball.astype(np.float32), matrix),), save(tmp_path / "m.nii", ball, matrix)
    )
    with pytest.raises(InputError, match="unshear"):
        cases.read(files, parse_all({"organ": 1}), dim=3)
    case = cases.read(files, parse_all({"organ": 1}), dim=3, unshear=True)
    assert case.spacing == (3.0, 2.0, 1.5)
    assert case.image.shape == (1, *case.reference.shape)
    assert case.warnings[-1].startswith("axes sheared by 18.4° were resampled")
    z, y, x = (np.ptp(np.flatnonzero(case.reference.any(axis=other))) + 1 for other in ((1, 2), (0, 2), (0, 1)))
    assert z * 3.0 == pytest.approx(24, abs=3)
    assert y * 2.0 == pytest.approx(24, abs=2)
    assert x * 1.5 == pytest.approx(24, abs=1.5)
    assert case.reference.sum() == ball.sum()


def test_unshear_leaves_other_cases_as_they_are(tmp_path: pathlib.Path) -> None:
    files = CaseFiles("a", (save(tmp_path / "i.nii", IMAGE),), save(tmp_path / "m.nii", MASK))
    plain, asked = (cases.read(files, parse_all(LABELS), dim=3, unshear=unshear) for unshear in (False, True))
    assert (plain.image == asked.image).all()
    assert (plain.reference == asked.reference).all()
    assert asked.warnings == ()


def test_axes_without_any_right_angle_are_refused(tmp_path: pathlib.Path) -> None:
    matrix = affine()
    matrix[0, 1], matrix[1, 2], matrix[0, 2] = 0.5, 0.7, 0.9
    nibabel.save(nibabel.Nifti1Image(IMAGE, matrix), tmp_path / "i.nii")
    nibabel.save(nibabel.Nifti1Image(MASK, matrix), tmp_path / "m.nii")
    assert cosine(matrix) > 0.2
    with pytest.raises(InputError, match=r"/i.nii: no two of its axes have a right angle"):
        cases.read(CaseFiles("a", (tmp_path / "i.nii",), tmp_path / "m.nii"), parse_all(LABELS), dim=3, unshear=True)
