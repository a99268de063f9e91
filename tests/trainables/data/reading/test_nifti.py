"""NIfTI: stored values, scaling and voxel sizes, and contradictions in headers."""

import pathlib

import nibabel
import numpy as np
import pytest

from tests.trainables.data.files import affine, save, volume
from trainables.data.reading import readers
from trainables.data.reading.nifti_place import UNPLACED


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".NII.GZ"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64])
def test_nifti_comes_as_stored_with_its_affine(tmp_path: pathlib.Path, ending: str, dtype: type) -> None:
    image, _ = volume()
    array = np.abs(image % 200).astype(dtype)
    raw = readers.read(save(tmp_path / f"a{ending}", array))
    assert raw.array.dtype == dtype
    assert (raw.array == array).all()
    assert raw.affine is not None
    assert np.allclose(raw.affine, affine())
    assert raw.sides == (1.5, 2.0, 3.0)
    assert raw.warnings == ()


def test_big_endian_and_nifti2(tmp_path: pathlib.Path) -> None:
    image, _ = volume()
    for number, kind in enumerate((nibabel.Nifti1Image, nibabel.Nifti2Image)):
        for order in "<>":
            made = kind(image.astype(f"{order}i2"), affine(), kind.header_class(endianness=order))
            path = tmp_path / f"{number}{'lb'['<>'.index(order)]}.nii.gz"
            nibabel.save(made, path)
            raw = readers.read(path)
            assert raw.array.dtype.isnative
            assert (raw.array == image).all()


def test_scaling_of_the_file_is_applied(tmp_path: pathlib.Path) -> None:
    image, _ = volume()
    path = save(tmp_path / "a.nii", image)
    content = bytearray(path.read_bytes())
    content[112:120] = np.array([0.5, -1024.0], "<f4").tobytes()  # scl_slope, scl_inter
    path.write_bytes(content)
    raw = readers.read(path)
    assert raw.array.dtype == np.float32
    assert (raw.array == image * np.float32(0.5) - 1024).all()
    assert (raw.array == nibabel.load(path).get_fdata()).all()


def test_both_form_codes_zero_is_told(tmp_path: pathlib.Path) -> None:
    image, _ = volume()
    nifti = nibabel.Nifti1Image(image, affine())
    nifti.set_sform(affine(), code=0)
    nifti.set_qform(affine(), code=0)
    nibabel.save(nifti, tmp_path / "a.nii.gz")
    raw = readers.read(tmp_path / "a.nii.gz")
    assert raw.warnings == (UNPLACED,)
    assert raw.sides == (1.5, 2.0, 3.0)


def test_a_voxel_size_that_contradicts_the_affine_is_told_and_the_affine_holds(tmp_path: pathlib.Path) -> None:
    image, _ = volume()
    path = save(tmp_path / "a.nii", image)
    content = bytearray(path.read_bytes())
    content[80:92] = np.ones(3, "<f4").tobytes()  # pixdim
    path.write_bytes(content)
    raw = readers.read(path)
    assert raw.sides == (1.5, 2.0, 3.0)
    (warning,) = raw.warnings
    assert "(1 x 1 x 1 mm) contradicts its affine's (1.5 x 2 x 3 mm)" in warning


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((5, 4), (5, 4, 1)), ((5, 4, 1), (5, 4, 1)), ((5, 4, 3, 1), (5, 4, 3)), ((5, 4, 3, 2), (5, 4, 3, 2))],
)
def test_dimensions(tmp_path: pathlib.Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert readers.read(save(tmp_path / "a.nii", np.zeros(shape, np.uint8))).array.shape == expected
