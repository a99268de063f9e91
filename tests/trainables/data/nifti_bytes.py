"""NIfTI files by their bytes, with fields of the header set to anything."""

import pathlib

import nibabel
import numpy as np

from tests.trainables.data.files import affine
from trainables.data.reading import readers
from trainables.data.reading.raw import Raw


def stored(array: np.ndarray, matrix: np.ndarray | None = None, **header: object) -> bytearray:
    """The bytes of a NIfTI-1 file, with fields of the header set."""
    image = nibabel.Nifti1Image(array, affine() if matrix is None else matrix)
    content = bytearray(image.to_bytes())
    for name, value in header.items():
        dtype, offset = nibabel.Nifti1Header.template_dtype.fields[name][:2]
        raw = np.array(value, dtype.base).tobytes()
        content[offset : offset + len(raw)] = raw
    return content


def read_bytes(folder: pathlib.Path, content: bytes, name: str = "a.nii") -> Raw:
    (folder / name).write_bytes(content)
    return readers.read(folder / name)
