"""NIfTI: stored values, scaling and voxel sizes, and contradictions in headers."""

import gzip
import pathlib

import nibabel
import numpy as np
import pytest

from tests.trainables.data.files import affine, save, volume
from tests.trainables.data.nifti_bytes import read_bytes, stored
from trainables.data.reading import parts, readers
from trainables.data.reading.volume import Volume
from trainables.errors import InputError


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


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((5, 4), (5, 4, 1)), ((5, 4, 1), (5, 4, 1)), ((5, 4, 3, 1), (5, 4, 3)), ((5, 4, 3, 2), (5, 4, 3, 2))],
)
def test_dimensions(tmp_path: pathlib.Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert readers.read(save(tmp_path / "a.nii", np.zeros(shape, np.uint8))).array.shape == expected


@pytest.mark.parametrize(("code", "factor"), [(0, 1.0), (1, 1000.0), (2, 1.0), (3, 0.001), (3 + 8, 0.001)], ids=str)
def test_units_of_length_are_brought_to_mm(tmp_path: pathlib.Path, code: int, factor: float) -> None:
    image, _ = volume()
    matrix = affine()
    matrix[:3] /= factor
    raw = read_bytes(tmp_path, stored(image, matrix, xyzt_units=code))
    assert raw.sides == (1.5, 2.0, 3.0)
    assert raw.affine == pytest.approx(affine())
    assert raw.warnings == ()


def test_metres_that_are_likely_millimetres_are_told(tmp_path: pathlib.Path) -> None:
    raw = read_bytes(tmp_path, stored(volume()[0], xyzt_units=1))
    assert raw.sides == (1500.0, 2000.0, 3000.0)
    assert raw.warnings == ("the header's unit is 1000 mm: voxels of 1500 x 2000 x 3000 mm. Is the unit wrong?",)


def test_voxels_of_nanometres_are_not_singular(tmp_path: pathlib.Path) -> None:
    read = Volume.of(save(tmp_path / "a.nii", volume()[0], np.diag([4e-6, 5e-6, 3e-5, 1])), "grey")
    assert read.spacing == (3e-5, 5e-6, 4e-6)


@pytest.mark.parametrize(("image_code", "mask_code"), [(3, 0), (3, 2), (0, 3)])
def test_a_mask_whose_unit_got_lost_fits_its_image(tmp_path: pathlib.Path, image_code: int, mask_code: int) -> None:
    image, mask = volume()
    (tmp_path / "i.nii").write_bytes(stored(image, xyzt_units=image_code))
    (tmp_path / "m.nii").write_bytes(stored(mask, xyzt_units=mask_code))
    said: list[str] = []
    first = Volume.of(tmp_path / "i.nii", "grey")
    read = Volume.of(tmp_path / "m.nii", "refuse").beside(first, "the mask", said)
    assert read.spacing == first.spacing
    assert "times the image's: the unit of one of them is wrong" in said[0]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((5, 4, 3, 1, 2), (5, 4, 3, 2)), ((5, 4, 3, 1, 1), (5, 4, 3)), ((5, 4, 1, 1, 2), (5, 4, 1, 2))],
)
def test_vectors_as_itk_writes_them_are_channels(
    tmp_path: pathlib.Path, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    array = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    raw = read_bytes(tmp_path, stored(array))
    assert raw.array.shape == expected
    assert (raw.array == array.reshape(expected)).all()


def test_times_of_vectors_are_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match=r"found shape \(5, 4, 3, 2, 2\)"):
        read_bytes(tmp_path, stored(np.zeros((5, 4, 3, 2, 2), np.uint8)))


def test_a_file_is_read_by_its_content_whatever_its_name_says(tmp_path: pathlib.Path) -> None:
    image, _ = volume()
    content = bytes(stored(image))
    assert (read_bytes(tmp_path, content, "plain.nii.gz").array == image).all()
    assert (read_bytes(tmp_path, gzip.compress(content), "packed.nii").array == image).all()


def test_data_longer_than_the_header_explains(tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]) -> None:
    image, _ = volume()
    raw = read_bytes(tmp_path, bytes(stored(image)) + b"\n" * 3)
    assert raw.warnings[0].startswith("its data are 3 bytes longer than the header explains")
    half = bytes(stored(image, datatype=2, bitpix=8))  # int16 declared as uint8
    for name, content in (("b.nii", half), ("b.nii.gz", gzip.compress(half))):
        with pytest.raises(InputError, match=rf"/{name}: its data are longer than the header explains: .*1,008 bytes"):
            read_bytes(tmp_path, content, name)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"dim": [3, 9, 8, 30000, 1, 1, 1, 1]}, "truncated or damaged: 1,008 of 4,320,000 bytes"),
        ({"dim": [9, 9, 8, 7, 1, 1, 1, 1]}, "damaged header: dim is"),
        ({"dim": [3, 9, -8, 7, 1, 1, 1, 1]}, "damaged header: dim is"),
        ({"datatype": 77}, "damaged header: datatype 77 is unknown"),
        ({"vox_offset": -5.0}, "damaged header: vox_offset is -5"),
        ({"vox_offset": 1e12}, "damaged header: vox_offset is 1e[+]12"),
        ({"sform_code": 0, "qform_code": 1, "pixdim": [1, 1.5, 0, 3]}, r"voxel size \(pixdim\) is 1.5 0 3"),
        ({"sform_code": 0, "qform_code": 1, "pixdim": [1, 1.5, np.nan, 3]}, r"voxel size \(pixdim\) is 1.5 nan 3"),
        ({"magic": b"ni1"}, "the header of a pair, without voxels"),
        ({"magic": b"abc"}, "it has no NIfTI header"),
    ],
)
def test_wrong_headers_are_named_and_nothing_of_nibabels_is_heard(
    tmp_path: pathlib.Path, fields: dict[str, object], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=message):
        read_bytes(tmp_path, stored(volume()[0], **fields))
    assert capfd.readouterr() == ("", "")


def test_a_pair_is_one_image_by_either_name(tmp_path: pathlib.Path) -> None:
    image, _ = volume()
    nibabel.save(nibabel.Nifti1Pair(image, affine()), tmp_path / "a.hdr")
    for name in ("a.hdr", "a.img"):
        assert (readers.read(tmp_path / name).array == image).all()
        assert set(parts.of(tmp_path / name)) == {tmp_path / "a.hdr", tmp_path / "a.img"}
    assert readers.is_image(tmp_path / "a.hdr")
    assert not readers.is_image(tmp_path / "a.img")
    (tmp_path / "a.hdr").unlink()
    with pytest.raises(InputError, match=r"/a.img: its other file a.hdr is not there"):
        readers.read(tmp_path / "a.img")


def test_an_analyze_file_of_spm_has_its_scale_factor(tmp_path: pathlib.Path) -> None:
    image = volume()[0] * np.float32(0.37)
    made = nibabel.Spm99AnalyzeImage(image, np.diag([-1.5, 2.0, 3.0, 1.0]))
    made.set_data_dtype(np.int16)
    nibabel.save(made, tmp_path / "a.img")
    (tmp_path / "a.mat").unlink(missing_ok=True)
    raw = readers.read(tmp_path / "a.hdr")
    assert raw.array == pytest.approx(image, abs=0.01)
    assert (raw.array == np.asarray(nibabel.load(tmp_path / "a.img").dataobj, np.float32)).all()
    assert raw.affine == pytest.approx(nibabel.load(tmp_path / "a.img").affine)
    assert raw.sides == (1.5, 2.0, 3.0)
    assert len(raw.warnings) == 1
    (tmp_path / "a.mat").write_bytes(b"")
    assert "the .mat file beside it" in readers.read(tmp_path / "a.hdr").warnings[1]
