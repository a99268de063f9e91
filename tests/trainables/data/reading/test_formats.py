import pathlib
import shutil

import nibabel
import numpy as np
import pytest

from tests.trainables.data.files import affine, options, orientations, save, volume
from tests.trainables.data.formats import itk_image, write, write_series
from trainables.data.cache.cache import prepare_case
from trainables.data.finding import layouts
from trainables.data.finding.layouts import CaseFiles
from trainables.data.reading import readers
from trainables.data.reading.nrrd_place import UNPLACED
from trainables.data.reading.volume import Volume
from trainables.errors import InputError

MATRIX = affine((0.7421875, 0.8, 2.5), (-123.456, 78.9, -1000.1))
IMAGE, MASK = volume()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("ending", [".mha", ".mhd", ".nrrd", ".nhdr"])
def test_files_come_in_x_y_z_with_an_affine_in_ras(tmp_path: pathlib.Path, ending: str, packed: bool) -> None:
    raw = readers.read(write(tmp_path / f"a{ending}", IMAGE, MATRIX, packed=packed))
    assert raw.array.dtype == np.int16
    assert (raw.array == IMAGE).all()
    assert raw.affine == pytest.approx(MATRIX)
    assert raw.sides == (0.7421875, 0.8, 2.5)
    assert raw.warnings == ()


def test_our_affine_is_what_nibabel_says_of_the_same_volume(tmp_path: pathlib.Path) -> None:
    import SimpleITK

    for number, (stored, matrix) in enumerate(orientations(IMAGE, MATRIX)):
        if np.linalg.det(matrix) < 0:
            continue  # a mirrored direction: a MetaImage has it, DICOM and ITK's NIfTI writer have not
        image = itk_image(stored, matrix)
        SimpleITK.WriteImage(image, str(tmp_path / f"{number}.nii"))
        SimpleITK.WriteImage(image, str(tmp_path / f"{number}.mha"))
        theirs = nibabel.load(tmp_path / f"{number}.nii")
        ours = readers.read(tmp_path / f"{number}.mha")
        assert ours.affine == pytest.approx(np.asarray(theirs.affine), abs=1e-4)
        assert (ours.array == np.asarray(theirs.dataobj)).all()


def test_one_volume_in_every_format_is_one_entry(tmp_path: pathlib.Path) -> None:
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]]
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    flip[0, 3] = IMAGE.shape[0] - 1
    for matrix in (MATRIX, turn @ MATRIX):
        lying = matrix @ flip  # as scanners write it: x to the left
        files = [
            (save(tmp_path / "i.nii.gz", IMAGE, matrix), save(tmp_path / "m.nii.gz", MASK, matrix)),
            (write(tmp_path / "i.mha", IMAGE, matrix), write(tmp_path / "m.mha", MASK, matrix, packed=True)),
            (write(tmp_path / "i.mhd", IMAGE[::-1], lying), write(tmp_path / "m.nhdr", MASK, matrix)),
            (write(tmp_path / "i.nrrd", IMAGE, matrix), write(tmp_path / "m.nrrd", MASK[::-1], lying)),
        ]
        if matrix is MATRIX:  # slices have no mirrored directions, and a turned one is rounded to 10 digits
            upright = MATRIX @ np.diag([-1.0, -1.0, 1.0, 1.0])
            upright[:2, 3] = (MATRIX @ [IMAGE.shape[0] - 1, IMAGE.shape[1] - 1, 0, 1])[:2]
            series = write_series(tmp_path / "i", IMAGE[::-1, ::-1], upright)
            files.append((series, write_series(tmp_path / "m", MASK[::-1, ::-1], upright)))
        how = options(spacing=(3.5, 1.6, 1.6))
        records = [prepare_case(CaseFiles("a", (scan,), mask), how, tmp_path / "cache") for scan, mask in files]
        assert all(record.built for record in records)
        assert all(record.facts.warnings == () for record in records)
        assert len({record.entry for record in records}) == 1


def test_channels_of_a_vector_and_of_a_fourth_axis(tmp_path: pathlib.Path) -> None:
    import SimpleITK

    both = np.stack([IMAGE, IMAGE + 1], -1)
    for ending in (".mha", ".nrrd"):
        raw = readers.read(write(tmp_path / f"v{ending}", both, MATRIX))
        assert (raw.array == both).all()
    series = SimpleITK.JoinSeries([itk_image(both[..., channel], MATRIX) for channel in (0, 1)])
    SimpleITK.WriteImage(series, str(tmp_path / "t.mha"))
    raw = readers.read(tmp_path / "t.mha")
    assert (raw.array == both).all()
    assert raw.affine == pytest.approx(MATRIX)


def test_a_flat_metaimage_is_one_slice(tmp_path: pathlib.Path) -> None:
    import SimpleITK

    flat = SimpleITK.GetImageFromArray(IMAGE[:, :, 0].T)
    flat.SetSpacing((0.5, 0.75))
    flat.SetOrigin((3, 4))
    SimpleITK.WriteImage(flat, str(tmp_path / "a.mha"))
    raw = readers.read(tmp_path / "a.mha")
    assert (raw.array[..., 0] == IMAGE[:, :, 0]).all()
    assert raw.sides == (0.5, 0.75, 1.0)
    assert raw.affine is not None
    assert raw.affine.tolist() == [[-0.5, 0, 0, -3], [0, -0.75, 0, -4], [0, 0, 1, 0], [0, 0, 0, 1]]


def test_a_nrrd_without_space_is_told(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path / "a.nrrd", IMAGE, MATRIX)
    lines = path.read_bytes().split(b"\n\n", 1)
    head = [line for line in lines[0].split(b"\n") if not line.startswith((b"space", b"#")) or b"directions" in line]
    head = [b"spacings: 0.5 1 2" if b"directions" in line else line for line in head]
    path.write_bytes(b"\n".join(head) + b"\n\n" + lines[1])
    raw = readers.read(path)
    assert raw.warnings == (UNPLACED,)
    assert raw.sides == (0.5, 1.0, 2.0)


def _cut(path: pathlib.Path, count: int = 20) -> None:
    path.write_bytes(path.read_bytes()[:-count])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("ending", [".mha", ".mhd", ".nrrd", ".nhdr"])
def test_a_cut_or_missing_data_file_is_refused(tmp_path: pathlib.Path, ending: str, packed: bool) -> None:
    path = write(tmp_path / f"a{ending}", IMAGE, MATRIX, packed=packed)
    data = next((file for file in tmp_path.iterdir() if file != path), path)
    _cut(data)
    with pytest.raises(InputError, match=rf"/a{ending}: truncated or damaged( gzip)?: 9\d\d of 1,008 bytes"):
        readers.read(path)
    data.unlink()
    path.touch()
    with pytest.raises(InputError, match=r"the file is empty" if data == path else "is not there"):
        readers.read(path)


def test_complex_voxels_and_other_files_of_that_name_are_refused(tmp_path: pathlib.Path) -> None:
    write(tmp_path / "a.nrrd", IMAGE, MATRIX)
    shutil.copy(tmp_path / "a.nrrd", tmp_path / "a.mha")
    with pytest.raises(InputError, match="its content is a NRRD, unlike its name"):
        readers.read(tmp_path / "a.mha")
    write(tmp_path / "c.nrrd", IMAGE + 1j, MATRIX)
    with pytest.raises(InputError, match="complex voxels are not grey values"):
        readers.read(tmp_path / "c.nrrd")


def _without_a_slice(folder: pathlib.Path) -> None:
    next(folder.glob("*-1-3.dcm")).unlink()


def _with_another_series(folder: pathlib.Path) -> None:
    write_series(folder, IMAGE, MATRIX @ np.diag([-1.0, -1.0, 1.0, 1.0]), series=2)


def _with_a_cut_slice(folder: pathlib.Path) -> None:
    _cut(next(folder.glob("*-1-6.dcm")), 100)  # the last one: no gap tells of it


def _sheared(folder: pathlib.Path) -> None:
    """Each slice 0.4 mm farther back than the one below it."""
    shutil.rmtree(folder)
    for number in range(IMAGE.shape[2]):
        matrix = UPRIGHT.copy()
        matrix[1:3, 3] += (0.4 * number, 2.5 * number)
        (file,) = write_series(folder / "one", IMAGE[:, :, :1], matrix).iterdir()
        file.rename(folder / f"{number}.dcm")
    (folder / "one").rmdir()


UPRIGHT = MATRIX @ np.diag([-1.0, -1.0, 1.0, 1.0])
BAD_SERIES = {
    "missing slice": (_without_a_slice, r"slices lie 2.5 to 5 mm apart: one is missing or double"),
    "two series": (_with_another_series, "2 DICOM series in this folder, expected one"),
    "cut slice": (_with_a_cut_slice, "1 of its 7 slices cannot be read"),
    "tilted": (_sheared, "a tilted gantry"),
}


@pytest.mark.parametrize("name", BAD_SERIES)
def test_a_bad_series_is_refused_in_one_line(tmp_path: pathlib.Path, name: str) -> None:
    spoil, message = BAD_SERIES[name]
    folder = write_series(tmp_path / "ct", IMAGE, UPRIGHT)
    assert readers.read(folder).array.shape == IMAGE.shape
    spoil(folder)
    with pytest.raises(InputError, match=message) as caught:
        Volume.of(folder, "grey")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path.name}/ct: ")


def test_a_folder_a_case(tmp_path: pathlib.Path) -> None:
    for name in ("p1", "p2"):
        write_series(tmp_path / "images" / name, IMAGE, UPRIGHT)
        write(tmp_path / "masks" / f"{name}.nrrd", MASK, UPRIGHT)
    (tmp_path / "images" / "notes").mkdir()
    (tmp_path / "images" / "notes" / "a.txt").write_text("x" * 200)
    cases = layouts.find(tmp_path)
    assert [(case.name, case.images[0].name, case.mask.name) for case in cases] == [
        ("p1", "p1", "p1.nrrd"),
        ("p2", "p2", "p2.nrrd"),
    ]
    assert layouts.find(tmp_path, "images/{case}", "masks/{case}.nrrd") == cases


def test_slices_without_an_ending_are_known_by_their_content(tmp_path: pathlib.Path) -> None:
    folder = write_series(tmp_path / "ct", IMAGE, UPRIGHT)
    for number, file in enumerate(sorted(folder.iterdir())):
        file.rename(folder / f"IM{number}")
    assert readers.is_image(folder)
    assert (readers.read(folder).array == IMAGE).all()
