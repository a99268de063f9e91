"""TIFF stacks by tifffile and Pillow: sizes in their units, channels, and stacks without sizes."""

import pathlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.trainables.data.files import LABELS, volume
from trainables.data.cases import case as cases
from trainables.data.cases.label_values import parse_all
from trainables.data.finding.layouts import CaseFiles
from trainables.data.reading import readers
from trainables.data.reading.stacks import SIZELESS
from trainables.data.reading.volume import Volume
from trainables.errors import InputError

IMAGE, MASK = volume()
OME = {"axes": "ZYX", "PhysicalSizeX": 1.5, "PhysicalSizeY": 2.0, "PhysicalSizeZ": 3.0}


def ome(path: pathlib.Path, array: np.ndarray, **metadata: object) -> pathlib.Path:
    tifffile.imwrite(path, array, metadata={**OME, **metadata})
    return path


@pytest.mark.parametrize(("unit", "mm"), [(None, 0.001), ("µm", 0.001), ("nm", 1e-6), ("mm", 1.0), ("cm", 10.0)])
def test_ome_sizes_are_brought_to_mm(tmp_path: pathlib.Path, unit: str | None, mm: float) -> None:
    units = {} if unit is None else {f"PhysicalSize{axis}Unit": unit for axis in "XYZ"}
    raw = readers.read(ome(tmp_path / "a.ome.tif", IMAGE.T, **units))
    assert (raw.array == IMAGE).all()
    assert raw.array.dtype == IMAGE.dtype
    assert raw.sides == pytest.approx((1.5 * mm, 2 * mm, 3 * mm), rel=1e-6)
    assert raw.warnings == ()


def test_channels_of_an_ome_tiff(tmp_path: pathlib.Path) -> None:
    both = np.stack([IMAGE.T, IMAGE.T + 1])
    raw = readers.read(ome(tmp_path / "a.ome.tif", both, axes="CZYX"))
    assert (raw.array == np.stack([IMAGE, IMAGE + 1], -1)).all()
    with pytest.raises(InputError, match=r"its axes are TZYX \(T is time\)"):
        readers.read(ome(tmp_path / "b.ome.tif", both, axes="TZYX"))


def test_an_imagej_stack_with_its_spacing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        IMAGE.T,
        imagej=True,
        resolution=(1 / 1.5, 1 / 2.0),
        metadata={"spacing": 3.0, "unit": "um", "axes": "ZYX"},
    )
    raw = readers.read(path)
    assert (raw.array == IMAGE).all()
    assert raw.sides == pytest.approx((0.0015, 0.002, 0.003), rel=1e-4)


def test_a_stack_without_sizes_is_a_volume_of_unknown_spacing(tmp_path: pathlib.Path) -> None:
    pages = [Image.fromarray(page) for page in np.abs(IMAGE.T % 200).astype(np.uint8)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    masks = [Image.fromarray(page) for page in MASK.T]
    masks[0].save(tmp_path / "m.tif", save_all=True, append_images=masks[1:])
    raw = readers.read(tmp_path / "a.tif")
    assert (raw.array == np.abs(IMAGE % 200)).all()
    assert raw.sides is None
    assert raw.warnings == (SIZELESS,)
    case = cases.read(CaseFiles("a", (tmp_path / "a.tif",), tmp_path / "m.tif"), parse_all(LABELS), dim=3)
    assert case.spacing is None
    assert case.reference.shape == IMAGE.T.shape
    assert (case.reference > 0).sum() == (MASK > 0).sum()


def test_a_mask_that_lost_its_sizes_lies_on_its_image(tmp_path: pathlib.Path) -> None:
    tifffile.imwrite(tmp_path / "m.tif", MASK.T)
    first = Volume.of(ome(tmp_path / "a.ome.tif", IMAGE.T), "grey")
    said: list[str] = []
    read = Volume.of(tmp_path / "m.tif", "refuse").beside(first, "the mask", said)
    assert read.spacing == first.spacing == (0.003, 0.002, 0.0015)
    assert "one of the two has no voxel size" in said[0]


def test_colours_of_a_stack(tmp_path: pathlib.Path) -> None:
    grey = np.abs(IMAGE.T % 200).astype(np.uint8)
    tifffile.imwrite(tmp_path / "g.tif", np.repeat(grey[..., None], 3, -1), photometric="rgb")
    assert (readers.read(tmp_path / "g.tif", colour="refuse").array == grey.T).all()
    colours = np.stack([grey, grey // 2, grey // 4], -1)
    tifffile.imwrite(tmp_path / "c.tif", colours, photometric="rgb")
    assert readers.read(tmp_path / "c.tif", colour="channels").array.shape == (9, 8, 7, 3)
    assert readers.read(tmp_path / "c.tif").array[3, 2, 1] == round(float(colours[1, 2, 3] @ [0.299, 0.587, 0.114]))
    with pytest.raises(InputError, match="a mask in colours"):
        readers.read(tmp_path / "c.tif", colour="refuse")


def test_a_single_page_is_a_flat_picture(tmp_path: pathlib.Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", MASK[:, :, 2])
    raw = readers.read(tmp_path / "a.tif", colour="refuse")
    assert raw.affine is None
    assert (raw.array == MASK[:, :, 2]).all()
