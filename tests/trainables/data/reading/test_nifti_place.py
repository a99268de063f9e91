"""Where NIfTI volumes lie: forms that contradict each other, quaternions, negative voxel sizes."""

import pathlib

import nibabel
import numpy as np
import pytest

from tests.trainables.data.files import affine, save, volume
from tests.trainables.data.nifti_bytes import read_bytes, stored
from trainables.data.reading import readers
from trainables.data.reading.nifti_place import UNPLACED
from trainables.data.reading.volume import Volume
from trainables.errors import InputError


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


def _qform_only(array: np.ndarray, quaternion: tuple[float, float, float]) -> bytearray:
    return stored(
        array, sform_code=0, qform_code=1, quatern_b=quaternion[0], quatern_c=quaternion[1], quatern_d=quaternion[2]
    )


@pytest.mark.parametrize("excess", [0.0, 2.4e-7, 1e-6, 1e-4])
def test_a_quaternion_a_little_longer_than_1_is_rounding(tmp_path: pathlib.Path, excess: float) -> None:
    raw = read_bytes(tmp_path, _qform_only(volume()[0], (0.0, 1.0 + excess, 0.0)))
    assert raw.affine is not None
    assert raw.affine[:3, :3] == pytest.approx(np.diag([-1.5, 2.0, -3.0]), abs=1e-3)
    assert raw.warnings == ()


def test_a_quaternion_that_is_no_rotation_is_refused_where_it_is_needed(tmp_path: pathlib.Path) -> None:
    content = _qform_only(volume()[0], (0.0, 1.2, 0.0))
    with pytest.raises(InputError, match=r"its quaternion is no rotation \(b² \+ c² \+ d² = 1.44"):
        read_bytes(tmp_path, content)
    raw = read_bytes(tmp_path, stored(volume()[0], qform_code=1, quatern_c=1.2))
    assert raw.warnings == ("the header's qform is damaged; its sform is used",)


def _both_forms(array: np.ndarray, qform: np.ndarray) -> bytes:
    image = nibabel.Nifti1Image(array, affine())
    image.set_sform(affine(), 1)
    image.set_qform(qform, 1)
    return bytes(image.to_bytes())


def test_forms_that_contradict_each_other_are_told_and_the_sform_holds(tmp_path: pathlib.Path) -> None:
    image, mask = volume()
    moved = affine()
    moved[1, 3] += 30
    raw = read_bytes(tmp_path, _both_forms(image, moved))
    assert raw.affine == pytest.approx(affine())
    (warning,) = raw.warnings
    assert "qform and sform contradict each other, by up to 20 voxels" in warning  # 30 mm of voxels of 1.5 mm
    assert read_bytes(tmp_path, _both_forms(image, affine())).warnings == ()
    said: list[str] = []
    first = Volume.of(tmp_path / "a.nii", "grey")
    (tmp_path / "a.nii").write_bytes(_both_forms(image, moved))
    first = Volume.of(tmp_path / "a.nii", "grey")
    read = Volume.of(save(tmp_path / "m.nii", mask, moved), "refuse").beside(first, "the mask", said)
    assert (read.array[0] == mask.transpose(2, 1, 0)).all()
    assert said == [
        "the mask has another position in its header (the image's, by its qform): taken on the image's grid"
    ]


def test_a_mask_that_simpleitk_rewrote_fits_an_image_without_place(tmp_path: pathlib.Path) -> None:
    import SimpleITK

    image, mask = volume()
    for name, array in (("i.nii", image), ("m.nii", mask)):
        (tmp_path / name).write_bytes(stored(array, sform_code=0, qform_code=0))
    SimpleITK.WriteImage(SimpleITK.ReadImage(str(tmp_path / "m.nii")), str(tmp_path / "again.nii"))
    said: list[str] = []
    first = Volume.of(tmp_path / "i.nii", "grey")
    read = Volume.of(tmp_path / "again.nii", "refuse").beside(first, "the mask", said)
    assert (read.array[0] == Volume.of(tmp_path / "m.nii", "refuse").array[0]).all()
    assert "what ITK takes where both form codes are 0" in said[0]


def test_a_negative_voxel_size_is_told(tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    raw = read_bytes(tmp_path, stored(volume()[0], pixdim=[1, 1.5, -2, 3]))
    assert raw.sides == (1.5, 2.0, 3.0)
    assert raw.warnings == ("the header's voxel size (1.5 x -2 x 3) is negative: its size is taken",)
    assert capfd.readouterr() == ("", "")
