"""NIfTI masks with the header of their image: sform, qform, their codes, voxel sizes and units stay to the bit. MGH."""

import gzip
import pathlib
from typing import Any

import numpy as np

from trainables.data.cases.unlabelled import Stored
from trainables.data.reading import readers
from trainables.data.reading.nifti import header_of

COMPRESSION = 3
"""Masks pack well at any level; higher ones take several times as long."""


def write_nifti(path: pathlib.Path, array: np.ndarray, stored: Stored) -> None:
    """Write `.nii` or `.nii.gz`, packed where the name says so."""
    header, start = _header(stored)
    dims = min(3, int(header["dim"][0])) if stored.path.is_file() else 3
    shape = array.shape if array.ndim == 4 else array.shape[:3] if array.shape[2] > 1 else array.shape[:dims]
    header.set_data_dtype(array.dtype)
    header.set_data_shape(shape)
    for name, value in (("scl_slope", 1), ("scl_inter", 0), ("cal_max", 0), ("cal_min", 0), ("intent_code", 0)):
        header[name] = value
    for name in ("intent_name", "aux_file"):
        header[name] = b""
    header["descrip"] = b"segstudy"
    header["vox_offset"] = start
    voxels = array.astype(header.get_data_dtype()).tobytes(order="F")
    content = bytes(header.binaryblock).ljust(start, b"\0") + voxels
    path.write_bytes(gzip.compress(content, COMPRESSION, mtime=0) if path.name.endswith(".gz") else content)


def _header(stored: Stored) -> tuple[Any, int]:
    """Return the image's header, or one of its place where the image is of another format, and the voxels' offset."""
    import nibabel

    ending = readers.suffix(stored.path)
    if ending in (".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img", ".img.gz") and stored.path.is_file():
        header, kind = header_of(stored.path)
        if kind != "analyze":
            second = isinstance(header, nibabel.Nifti2Header)
            header["magic"] = b"n+2\0" if second else b"n+1\0"
            if second:
                header["eol_check"] = (13, 10, 26, 10)
            return header, 544 if second else 352
    made = nibabel.Nifti1Header()
    made.set_data_shape(stored.shape)
    made.set_xyzt_units("mm")
    made.set_zooms(stored.sides or (1.0, 1.0, 1.0))
    made.set_qform(stored.affine, 1, strip_shears=True)
    made.set_sform(stored.affine, 1)
    return made, 352


def write_mgh(path: pathlib.Path, array: np.ndarray, stored: Stored) -> None:
    """Write `.mgz` or `.mgh`."""
    import nibabel

    nibabel.save(nibabel.MGHImage(np.ascontiguousarray(array), stored.affine), path)
