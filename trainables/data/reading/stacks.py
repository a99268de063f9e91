"""TIFF stacks: OME-TIFF, ImageJ and plain ones of several pages, with the voxel sizes that they state."""

import pathlib
from typing import Any
from xml.etree import ElementTree

import numpy as np

from trainables import host_memory
from trainables.data.reading.flat_pictures import read_picture
from trainables.data.reading.quiet import silence
from trainables.data.reading.raw import Colour, Raw, refuse_non_numbers, short, shortest
from trainables.data.reading.units import metres_per, unit_of
from trainables.errors import InputError

EXTRA = "pip install 'segstudy[tiff]'"
SIZELESS = "the stack has no voxel size"
SPACE = {"X": 0, "Y": 1, "Z": 2}
PAGES = ("Z", "I", "Q")
"""Names of tifffile for slices: of a stack, of pages in a row, of an axis that nobody named."""
LENGTHS = {2: 0.0254, 3: 0.01}
"""Code of TIFF's ResolutionUnit → metres."""
PLACE = np.diag([-1.0, -1.0, 1.0, 1.0])
"""Rows run to the back and columns to the left, as in ITK; a TIFF does not say."""


def read_tiff(path: pathlib.Path, colour: Colour) -> Raw:
    """Read a flat picture, or a stack of pages as a volume `(x, y, z)`.

    Raises:
        InputError: It has several times, series of other sizes, or needs tifffile and that is missing.
    """
    if _pages(path) <= 1:
        return read_picture(path, colour)
    tifffile = need_tifffile(path)
    with tifffile.TiffFile(path) as file:
        if len(file.series) != 1:
            raise InputError(
                f"{short(path)}: {len(file.series)} images of other sizes in one file. Save each by itself."
            )
        series = file.series[0]
        dtype = np.dtype(series.dtype)
        refuse_non_numbers(np.dtype(np.uint8) if dtype.kind == "b" else dtype, path)
        if series.nbytes > host_memory.limit():
            raise InputError(
                f"{short(path)}: its header declares {host_memory.shown(series.nbytes)} of voxels, more than this "
                f"machine's {host_memory.shown(host_memory.limit())} of memory. Cut it into parts."
            )
        array = _ordered(series.asarray(), series.axes, path, colour)
        sides = _sides(file)
    array = array.astype(np.uint8) if array.dtype == bool else array
    if sides is None:
        return Raw(array, PLACE.copy(), None, (SIZELESS,))
    return Raw(array, PLACE @ np.diag([*sides, 1.0]), sides)


def _pages(path: pathlib.Path) -> int:
    from PIL import TiffImagePlugin

    try:
        with path.open("rb") as file:
            return int(TiffImagePlugin.TiffImageFile(file).n_frames)
    except Exception:  # no TIFF, or damaged: the reader of flat pictures reports it
        return 1


def _ordered(array: np.ndarray, named: str, path: pathlib.Path, colour: Colour) -> np.ndarray:
    """Return `(x, y, z)` or `(x, y, z, channel)`."""
    slices = next((name for name in PAGES if name in named and array.shape[named.index(name)] > 1), None)
    for axis in reversed(range(array.ndim)):
        if named[axis] not in ("Y", "X", slices) and array.shape[axis] == 1:
            array, named = array.squeeze(axis), named[:axis] + named[axis + 1 :]
    rest = [name for name in named if name not in ("Y", "X", slices)]
    if len(rest) > 1 or any(name not in "CS" for name in rest):
        raise InputError(f"{short(path)}: its axes are {named} (T is time): save one volume, with channels at most.")
    if slices is None:
        array, named, slices = array[np.newaxis], "Z" + named, "Z"
    order = [named.index(name) for name in ("X", "Y", slices, *rest)]
    array = np.transpose(array, order)
    if rest == ["S"]:
        return _colours(array, path, colour)
    return array


def _colours(array: np.ndarray, path: pathlib.Path, colour: Colour) -> np.ndarray:
    """Return a stack of red, green and blue as the study wants colours."""
    rgb = array[..., :3]
    if colour == "channels":
        return rgb
    if (rgb == rgb[..., :1]).all():
        return rgb[..., 0]
    if colour == "refuse":
        raise InputError(f"{short(path)}: a mask in colours. Save class numbers as grey values.")
    grey: np.ndarray = np.rint(rgb.astype(np.float64) @ np.array([0.299, 0.587, 0.114])).astype(array.dtype)
    return grey


def _sides(file: Any) -> tuple[float, ...] | None:
    """Return mm of a voxel along x, y, z; None if one of them is not stated."""
    if file.ome_metadata:
        return _of_ome(file.ome_metadata)
    page = file.pages[0]
    described = file.imagej_metadata or {}
    unit = unit_of(str(described["unit"])) if described.get("unit") else None
    spacing = described.get("spacing")
    metres = _metres(unit, page)
    each = [_resolution(page, tag) for tag in ("XResolution", "YResolution")]
    if metres is None or spacing is None or None in each:
        return None
    values = [1 / each[0], 1 / each[1], float(spacing)]  # type: ignore[operator]
    return tuple(shortest(value * metres / metres_per("mm")) for value in values)


def _metres(unit: str | None, page: Any) -> float | None:
    """Return metres of the unit that an ImageJ file, or else the page, names."""
    if unit is not None:
        return metres_per(unit)
    tag = page.tags.get("ResolutionUnit")
    return None if tag is None else LENGTHS.get(int(tag.value))


def _resolution(page: Any, name: str) -> float | None:
    tag = page.tags.get(name)
    if tag is None or not tag.value[1] or not tag.value[0]:
        return None
    return float(tag.value[0]) / float(tag.value[1])


def _of_ome(text: str) -> tuple[float, ...] | None:
    """Return mm from OME's `PhysicalSizeX` and its unit, micrometres where none is named."""
    pixels = next((node for node in ElementTree.fromstring(text).iter() if node.tag.endswith("Pixels")), None)
    if pixels is None:
        return None
    sides = []
    for name in SPACE:
        size, unit = pixels.get(f"PhysicalSize{name}"), unit_of(pixels.get(f"PhysicalSize{name}Unit", "um"))
        if size is None or unit is None or not float(size) > 0:
            return None
        sides.append(shortest(float(size) * metres_per(unit) / metres_per("mm")))
    return tuple(sides)


def need_tifffile(path: pathlib.Path) -> Any:
    """Return the package tifffile.

    Raises:
        InputError: It is not installed.
    """
    try:
        import tifffile
    except ImportError as error:
        raise InputError(f"{short(path)}: TIFF files of several pages need the package tifffile: {EXTRA}.") from error
    silence("tifffile")
    return tifffile
