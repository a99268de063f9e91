import gzip
import io
import pathlib

import nibabel
import numpy as np
import pytest
from PIL import Image

from tests.trainables.data.files import affine, picture, volume
from trainables.data.reading import readers
from trainables.errors import InputError

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp"])
def test_flat_pictures_come_as_y_x(tmp_path: pathlib.Path, ending: str) -> None:
    raw = readers.read(picture(tmp_path / f"a{ending}", GREY))
    assert raw.affine is None
    assert (raw.array == GREY).all()


def test_16_bit_and_one_bit_pictures(tmp_path: pathlib.Path) -> None:
    deep = GREY.astype(np.uint16) * 200
    assert (readers.read(picture(tmp_path / "deep.png", deep)).array == deep).all()
    Image.fromarray(GREY > 100).save(tmp_path / "bit.png")
    assert readers.read(tmp_path / "bit.png", colour="refuse").array.tolist() == (GREY > 100).astype(int).tolist()


def test_colour_becomes_grey_and_a_coloured_mask_is_refused(tmp_path: pathlib.Path) -> None:
    colours = np.zeros((2, 2, 3), np.uint8)
    colours[0, 0] = (200, 100, 50)
    path = picture(tmp_path / "a.png", colours)
    assert readers.read(path).array[0, 0] == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
    with pytest.raises(InputError, match="a mask in colours"):
        readers.read(path, colour="refuse")
    same = picture(tmp_path / "b.png", np.repeat(GREY[..., None], 3, -1))
    assert (readers.read(same, colour="refuse").array == GREY).all()
    alpha = np.dstack([np.repeat(GREY[..., None], 3, -1), np.full_like(GREY, 7)])
    assert (readers.read(picture(tmp_path / "c.png", alpha)).array == GREY).all()


def test_palette_indices_are_a_masks_values(tmp_path: pathlib.Path) -> None:
    indexed = Image.fromarray(GREY % 3)
    indexed.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    indexed.save(tmp_path / "a.png")
    assert Image.open(tmp_path / "a.png").mode == "P"
    assert (readers.read(tmp_path / "a.png", colour="refuse").array == GREY % 3).all()
    assert set(np.unique(readers.read(tmp_path / "a.png").array)) == {0, 76, 150}


WHOLE = bytes(nibabel.Nifti1Image(volume()[0], affine()).to_bytes())
PACKED = gzip.compress(WHOLE, mtime=0)
WRONG_SUM = PACKED[:-6] + bytes([PACKED[-6] ^ 1]) + PACKED[-5:]  # after the last voxel
COLOURS = nibabel.Nifti1Image(np.zeros((2, 2, 2), [("R", "u1"), ("G", "u1"), ("B", "u1")]), affine()).to_bytes()
PNG = io.BytesIO()
Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)).save(PNG, "png")
DAMAGED = {
    "empty": ("a.nii.gz", b"", "the file is empty"),
    "empty plain": ("a.nii", b"", "the file is empty"),
    "empty picture": ("a.png", b"", "the file is empty"),
    "truncated gzip": ("a.nii.gz", PACKED[: len(PACKED) // 2], r"truncated or damaged gzip: \d+ of 1,008 bytes"),
    "gzip without its end": ("a.nii.gz", PACKED[:-8], "truncated or damaged gzip"),
    "gzip with a wrong sum": ("a.nii.gz", WRONG_SUM, "truncated or damaged gzip"),
    "truncated voxels": ("a.nii", WHOLE[:-10], "truncated or damaged: 998 of 1,008 bytes of voxels in it"),
    "half a header": ("a.nii", WHOLE[:100], "cannot be read"),
    "no image": ("a.nii.gz", gzip.compress(b"hello " * 100), "cannot be read"),
    "colour volume": ("a.nii", COLOURS, "not grey values"),
    "truncated png": ("a.png", PNG.getvalue()[:200], "cannot be read"),
    "text as png": ("a.png", b"hello", "cannot be read"),
    "text as jpeg": ("a.jpg", b"hello", "cannot be read"),
    "unknown kind": ("a.xyz", b"hello", "unknown kind of file"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_refused_in_one_line_that_names_it(tmp_path: pathlib.Path, name: str) -> None:
    file, content, message = DAMAGED[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        readers.read(tmp_path / file)
    assert str(caught.value).startswith(f"{tmp_path.name}/{file}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        readers.read(tmp_path / "a.nii.gz")
    (tmp_path / "b.png").mkdir()
    with pytest.raises(InputError, match=r"/b.png: no DICOM series in this folder"):
        readers.read(tmp_path / "b.png")


@pytest.mark.parametrize(("name", "stem"), [("a.nii.gz", "a"), ("a.b.NII", "a.b"), ("a.jpeg", "a"), ("plain", "plain")])
def test_stems(name: str, stem: str) -> None:
    assert readers.stem(pathlib.Path(name)) == stem


def test_colours_as_channels_of_grey_and_palette_pictures_too(tmp_path: pathlib.Path) -> None:
    colours = np.arange(36, dtype=np.uint8).reshape(3, 4, 3) * 7
    assert (readers.read(picture(tmp_path / "a.png", colours), colour="channels").array == colours).all()
    deep = GREY.astype(np.uint16) * 200
    found = readers.read(picture(tmp_path / "deep.png", deep), colour="channels").array
    assert found.shape == (3, 4, 3)
    assert (found == deep[..., None]).all()
    indexed = Image.fromarray(GREY % 3)
    indexed.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    indexed.save(tmp_path / "p.png")
    found = readers.read(tmp_path / "p.png", colour="channels").array
    assert (found[..., 0] == 255 * (GREY % 3 == 1)).all()
    assert (found[..., 1] == 255 * (GREY % 3 == 2)).all()


@pytest.mark.parametrize("name", ["mu\u0308nster.nii.gz", "m\u00fcnster.nii.gz", "mu\u0308nster.dcm"])
def test_stems_are_composed(name: str) -> None:
    assert readers.stem(pathlib.Path(name)) == "m\u00fcnster"


@pytest.mark.parametrize(("name", "expected"), [("a.npy", True), ("a.nii", False), ("a.txt", False), ("a.SVS", True)])
def test_images_without_a_reader_are_known_by_their_ending(name: str, expected: bool) -> None:
    assert readers.unread(pathlib.Path(name)) is expected


OTHER = {
    "a pointer of Git LFS": b"version x://git-lfs\noid sha256:4d7a2146\nsize 12345\n",
    "a pointer of git-annex": b"/annex/objects/MD5E-s1--d4.nii.gz\n",
    "a web page": b"\n<!DOCTYPE html><html></html>",
    "its content is a PNG picture": b"\x89PNG\r\n\x1a\n" + bytes(300),
    "its content is DICOM": bytes(128) + b"DICM" + bytes(300),
    "its content is a NRRD": b"NRRD0004\ntype: short\n\n" + bytes(300),
    "its content is a zip archive": b"PK\3\4" + bytes(300),
}


@pytest.mark.parametrize("message", OTHER)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".mha", ".mgz"])
def test_what_a_file_is_by_its_content_is_named(tmp_path: pathlib.Path, ending: str, message: str) -> None:
    (tmp_path / f"a{ending}").write_bytes(OTHER[message])
    with pytest.raises(InputError, match=f"/a{ending}: {message}") as caught:
        readers.read(tmp_path / f"a{ending}")
    assert "\n" not in str(caught.value)
