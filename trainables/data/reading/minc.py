"""MINC files (`.mnc`), read by SimpleITK: positions point to the right, front and head, as the format says."""

import pathlib

import numpy as np

from trainables.data.reading.dicom import series
from trainables.data.reading.raw import Colour, Place, Raw, short
from trainables.errors import InputError

HDF5 = b"\x89HDF\r\n\x1a\n"
"""First bytes of a MINC 2 file."""


def read_minc(path: pathlib.Path, colour: Colour) -> Raw:
    """Read a MINC 2 file; `colour` is ignored. ITK writes positions to the left and back, which is another place."""
    del colour
    with path.open("rb") as file:
        begin = file.read(8)
    if begin[:3] == b"CDF":
        raise InputError(f"{short(path)}: a MINC 1 file. Convert it to MINC 2 (mincconvert -2) or NIfTI (mnc2nii).")
    if begin != HDF5:  # the library would say so on the standard error stream
        raise InputError(f"{short(path)}: cannot be read (it has no MINC header). Is it damaged?")
    try:
        image = series.toolkit().ReadImage(str(path), imageIO="MINCImageIO")
    except RuntimeError as error:  # its text names source files of ITK
        raise InputError(
            f"{short(path)}: cannot be read: damaged MINC. Copy it again, or convert it to NIfTI."
        ) from error
    array, affine, sides = series.of_itk(image, path)
    turned = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    return Raw(array, turned, sides, others=(Place(affine, "positions as ITK writes them to MINC"),))
