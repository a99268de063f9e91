"""Masks and numbers are read back as they were written, in the place of their image, in every format."""

import pathlib

import nibabel
import numpy as np
import pytest

from tests import layout_data
from tests.trainables.data import formats
from tests.trainables.data.files import affine, options, picture
from trainables.data.cases.unlabelled import ImageFiles, Stored, read_unlabelled
from trainables.data.reading import readers
from trainables.data.writing.writers import WRITERS, format_for, mask_type, write
from trainables.errors import InputError

SHAPE = (5, 7, 4)
_, MATRIX = layout_data.stored_as("PIL", np.zeros(SHAPE), affine((1.5, 0.7, 2.25)))
MATRIX[:3, :3] = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]) @ MATRIX[:3, :3]


def stored(path: pathlib.Path) -> Stored:
    return read_unlabelled(ImageFiles("a", (path,)), options()).stored


def image(folder: pathlib.Path, ending: str) -> pathlib.Path:
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)
    path = folder / f"image{ending}"
    if ending in (".mha", ".mhd", ".nrrd", ".nhdr"):
        return formats.write(path, array, MATRIX)
    if ending == ".mgz":
        nibabel.save(nibabel.MGHImage(array, MATRIX), path)
    elif ending == "-2.nii":
        nibabel.save(nibabel.Nifti2Image(array, MATRIX), path)
    elif ending.endswith(".tif"):
        import tifffile

        sizes = {"PhysicalSizeX": 0.7, "PhysicalSizeY": 1.5, "PhysicalSizeZ": 2.25}
        units = {f"{name}Unit": "mm" for name in sizes}
        tifffile.imwrite(path, array.transpose(2, 1, 0), ome=True, metadata={"axes": "ZYX", **sizes, **units})
    elif ending == "":
        path.mkdir()
        return formats.write_series(path, array, affine((1.5, 0.7, 2.25)))
    else:
        scaled = nibabel.Nifti1Image(array, MATRIX)
        scaled.header.set_slope_inter(2.0, 5.0)
        nibabel.save(scaled, path)
    return path


@pytest.mark.parametrize(
    "ending", [".nii.gz", ".nii", "-2.nii", ".mgz", ".mha", ".mhd", ".nrrd", ".nhdr", ".ome.tif", ""]
)
@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.float32])
def test_what_is_written_is_read(ending: str, kind: type, tmp_path: pathlib.Path) -> None:
    beside = stored(image(tmp_path, ending))
    form = format_for(beside)
    assert form.mask in WRITERS
    assert bool(form.note) == (ending in (".mhd", ".nhdr", ""))
    rng = np.random.default_rng(1)
    mask = rng.integers(0, 99, beside.shape).astype(kind)
    numbers = rng.random((*beside.shape, 3)).astype(np.float32)
    for name, array in ((f"mask{form.mask}", mask), (f"numbers{form.numbers}", numbers)):
        write(tmp_path / "out" / name, array, beside)
        read = readers.read(tmp_path / "out" / name, colour="refuse")
        np.testing.assert_array_equal(read.array, array)
        assert read.affine is not None
        assert beside.affine is not None
        np.testing.assert_allclose(read.affine, beside.affine, atol=1e-5)
        assert read.sides == beside.sides
    assert [path.name for path in (tmp_path / "out").iterdir() if path.name.startswith(".")] == []


def test_flat_pictures(tmp_path: pathlib.Path) -> None:
    for ending, mask_ending in ((".png", ".png"), (".tif", ".tif"), (".jpg", ".png"), (".bmp", ".png")):
        pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
        read = read_unlabelled(ImageFiles("a", (picture(tmp_path / f"i{ending}", pixels),)), options(dim=2))
        form = format_for(read.stored)
        assert (form.mask, form.numbers) == (mask_ending, ".tif")
        for kind in (np.uint8, np.uint16):
            mask = (np.arange(12).reshape(3, 4) * (1 if kind is np.uint8 else 5000)).astype(kind)
            write(tmp_path / f"m{form.mask}", mask, read.stored)
            np.testing.assert_array_equal(readers.read(tmp_path / f"m{form.mask}", colour="refuse").array, mask)
        write(tmp_path / "n.tif", np.float32(pixels / 7), read.stored)
        np.testing.assert_array_equal(readers.read(tmp_path / "n.tif").array, np.float32(pixels / 7))


def test_types_of_masks() -> None:
    assert mask_type((0, 255), ".png") == np.uint8
    assert mask_type((0, 256), ".nii") == np.uint16
    assert mask_type((0, -1), ".mha") == np.int16
    assert mask_type((0, 1.5), ".nrrd") == np.float32
    assert mask_type((0, 300), ".mgz") == np.int16
    with pytest.raises(InputError, match=r"values 0, 1\.5 cannot be written as \.png"):
        mask_type((0, 1.5), ".png")
