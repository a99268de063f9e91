"""MINC files (`.mnc`), read by SimpleITK: positions point to the right, front and head, as the format says."""

import pathlib

import numpy as np

from trainables.data.reading import dicom
from trainables.data.reading.raw import Colour, Place, Raw, short
from trainables.errors import InputError


def read_minc(path: pathlib.Path, colour: Colour) -> Raw:
    """Read a MINC 2 file; `colour` is ignored. ITK writes positions to the left and back, which is another place."""
    del colour
    try:
        image = dicom.toolkit().ReadImage(str(path), imageIO="MINCImageIO")
    except RuntimeError as error:  # its text names source files of ITK
        raise InputError(
            f"{short(path)}: cannot be read as MINC 2: it is damaged, or MINC 1. Copy it again, or convert it to NIfTI."
        ) from error
    array, affine, sides = dicom.of_itk(image, path)
    turned = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    return Raw(array, turned, sides, others=(Place(affine, "positions as ITK writes them to MINC"),))
