"""PNG and TIFF masks; float32 numbers as TIFF, a page for each channel."""

import pathlib

import numpy as np

from trainables.data.cases.unlabelled import Stored
from trainables.data.reading.stacks import need_tifffile


def write_png(path: pathlib.Path, array: np.ndarray, stored: Stored) -> None:
    """Write a grey picture `(y, x)` of 8 or 16 bits."""
    from PIL import Image

    del stored  # a picture has no place in space
    Image.fromarray(np.ascontiguousarray(array)).save(path, format="PNG")


def write_tiff(path: pathlib.Path, array: np.ndarray, stored: Stored) -> None:
    """Write a flat picture `(y, x)`, or `(y, x, channel)` as a page for each channel; or a stack `(x, y, z)`.

    A stack has the voxel sizes of its image, in OME's description or in ImageJ's.

    Raises:
        InputError: A stack needs the package tifffile, and it is missing.
    """
    if stored.affine is not None:
        _write_stack(path, array, stored)
        return
    from PIL import Image

    planes = np.moveaxis(array, -1, 0) if array.ndim == 3 else array[np.newaxis]
    pages = [Image.fromarray(np.ascontiguousarray(plane)) for plane in planes]
    pages[0].save(path, format="TIFF", compression="tiff_adobe_deflate", save_all=True, append_images=pages[1:])


def _write_stack(path: pathlib.Path, array: np.ndarray, stored: Stored) -> None:
    channels = array.ndim == 4
    pages = np.transpose(array, (2, 3, 1, 0) if channels else (2, 1, 0))
    names = "ZCYX" if channels else "ZYX"
    tifffile, sides = need_tifffile(path), stored.sides
    if path.name.endswith((".ome.tif", ".ome.tiff")) or array.dtype.str[1:] not in ("u1", "u2", "f4"):
        sizes = {} if sides is None else {f"PhysicalSize{axis}": side for axis, side in zip("XYZ", sides, strict=True)}
        units = {f"{name}Unit": "mm" for name in sizes}
        tifffile.imwrite(
            path,
            pages,
            ome=True,
            photometric="minisblack",
            compression="zlib",
            metadata={"axes": names, **sizes, **units},
        )
        return
    metadata = {"axes": names} if sides is None else {"axes": names, "spacing": sides[2], "unit": "mm"}
    resolution = None if sides is None else (1 / sides[0], 1 / sides[1])
    tifffile.imwrite(path, pages, imagej=True, photometric="minisblack", resolution=resolution, metadata=metadata)
