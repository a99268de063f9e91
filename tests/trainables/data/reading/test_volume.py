"""Volumes in closest-RAS order, and whether a mask lies on its image's grid."""

import pathlib

import numpy as np
import pytest

from tests.trainables.data.files import affine, picture, save, volume
from trainables.data.reading.volume import Volume, finite, times
from trainables.errors import InputError

IMAGE, MASK = volume()


def shifted(mm: float) -> np.ndarray:
    """The usual grid (voxels of 1.5 x 2 x 3 mm), moved along x."""
    matrix = affine()
    matrix[0, 3] += mm
    return matrix


def test_a_flipped_file_comes_in_ras_with_its_spacing(tmp_path: pathlib.Path) -> None:
    lying = affine() @ np.diag([-1.0, 1.0, 1.0, 1.0])
    read = Volume.of(save(tmp_path / "a.nii", IMAGE, lying), "grey")
    assert (read.array[0] == IMAGE[::-1].transpose(2, 1, 0)).all()
    assert read.spacing == (3.0, 2.0, 1.5)
    assert read.affine is not None
    assert read.affine[:3, 3].tolist() == [-20 - 8 * 1.5, 5, 40]  # nine voxels along x
    assert read.size == "7x8x9"


@pytest.mark.parametrize(
    ("mm", "warnings"), [(0.07, []), (0.09, ["the mask lies 0.06 voxels off: taken on the image's grid"])]
)
def test_a_small_displacement_is_taken_on_the_images_grid(
    tmp_path: pathlib.Path, mm: float, warnings: list[str]
) -> None:
    said: list[str] = []
    image = Volume.of(save(tmp_path / "a.nii", IMAGE), "grey")
    mask = Volume.of(save(tmp_path / "b.nii", MASK, shifted(mm)), "refuse").beside(image, "the mask", said)
    assert (mask.array[0] == MASK.transpose(2, 1, 0)).all()
    assert said == warnings


def test_a_large_displacement_and_another_shape_are_refused(tmp_path: pathlib.Path) -> None:
    image = Volume.of(save(tmp_path / "a.nii", IMAGE), "grey")
    with pytest.raises(InputError, match=r"/b.nii: lies 0.52 voxels away from its image"):
        Volume.of(save(tmp_path / "b.nii", MASK, shifted(0.78)), "refuse").beside(image, "the mask", [])
    with pytest.raises(InputError, match=r"/c.nii: shape 7x8x8 differs from the first channel's 7x8x9"):
        Volume.of(save(tmp_path / "c.nii", MASK[1:], affine()), "grey").beside(image, "channel 1", [])
    flat = Volume.of(picture(tmp_path / "d.png", MASK[:, :, 2]), "refuse")
    with pytest.raises(InputError, match=r"/d.png: one of it and its image has a position"):
        flat.beside(image, "the mask", [])


def test_a_singular_affine_is_refused_with_the_files_name(tmp_path: pathlib.Path) -> None:
    path = save(tmp_path / "a.nii", IMAGE)
    content = bytearray(path.read_bytes())
    content[280:296] = np.zeros(4, "<f4").tobytes()  # srow_x
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"/a.nii: the affine is singular"):
        Volume.of(path, "grey")


def test_voxels_that_are_no_numbers_are_counted(tmp_path: pathlib.Path) -> None:
    image = IMAGE.astype(np.float32)
    assert finite(Volume.of(save(tmp_path / "a.nii", image), "grey")).dtype == np.float32
    image[3, 2, 1] = np.nan
    image[4, 2, 1] = -np.inf
    with pytest.raises(InputError, match=r"/b.nii: 2 voxels are NaN or infinite"):
        finite(Volume.of(save(tmp_path / "b.nii", image), "grey"))


def test_shapes_in_words() -> None:
    assert times((97, 512, 512)) == "97x512x512"
