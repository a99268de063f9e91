"""MetaImage and NRRD masks, in one packed file each. Axes point to the left, back and head, as in ITK."""

import gzip
import pathlib
import zlib
from collections.abc import Iterable

import numpy as np

from trainables.data.cases.unlabelled import Stored
from trainables.data.reading.axes import RAS_FROM_LPS
from trainables.data.reading.metaimage import TYPES as METAIMAGE_TYPES
from trainables.data.reading.nrrd import TYPES as NRRD_TYPES

LEVEL = 3
"""Of compression."""


def write_metaimage(path: pathlib.Path, array: np.ndarray, stored: Stored) -> None:
    """Write `.mha`; of a flat image's one slice with two dimensions if its file has two."""
    matrix, sides, origin = _place(stored)
    kinds = {kind: name for name, kind in METAIMAGE_TYPES.items() if name not in ("MET_LONG", "MET_ULONG")}
    voxels = np.moveaxis(array, -1, 0) if array.ndim == 4 else array[np.newaxis]  # a voxel's channels lie together
    packed = zlib.compress(voxels.astype(array.dtype.newbyteorder("<")).tobytes(order="F"), LEVEL)
    fields = {
        "ObjectType": "Image",
        "NDims": "3",
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "True",
        "CompressedDataSize": str(len(packed)),
        "TransformMatrix": _numbers(matrix.T.reshape(-1)),  # a row for the direction of each axis
        "Offset": _numbers(origin),
        "CenterOfRotation": "0 0 0",
        "ElementSpacing": _numbers(sides),
        "DimSize": " ".join(map(str, array.shape[:3])),
        **({"ElementNumberOfChannels": str(array.shape[3])} if array.ndim == 4 else {}),
        "ElementType": kinds[array.dtype.str[1:]],
        "ElementDataFile": "LOCAL",
    }
    header = "".join(f"{name} = {value}\n" for name, value in fields.items())
    path.write_bytes(header.encode("ascii") + packed)


def write_nrrd(path: pathlib.Path, array: np.ndarray, stored: Stored) -> None:
    """Write `.nrrd`."""
    matrix, sides, origin = _place(stored)
    listed = array.ndim == 4
    columns = " ".join(f"({','.join(map(repr, map(float, column)))})" for column in (matrix * sides).T)
    fields = {
        "type": NRRD_TYPES[array.dtype.str[1:]].split(",")[0],
        "dimension": str(array.ndim),
        "space": "left-posterior-superior",
        "sizes": " ".join(map(str, array.shape)),
        "space directions": columns + (" none" if listed else ""),
        "kinds": "domain domain domain" + (" list" if listed else ""),
        "endian": "little",
        "encoding": "gzip",
        "space origin": f"({','.join(map(repr, map(float, origin)))})",
    }
    header = "NRRD0004\n" + "".join(f"{name}: {value}\n" for name, value in fields.items()) + "\n"
    voxels = array.astype(array.dtype.newbyteorder("<")).tobytes(order="F")
    path.write_bytes(header.encode("ascii") + gzip.compress(voxels, LEVEL, mtime=0))


def _place(stored: Stored) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return directions of the axes as columns, voxel sizes in mm and the first voxel's centre, in ITK's axes."""
    assert stored.affine is not None, "flat pictures are written as such"
    affine = RAS_FROM_LPS @ stored.affine  # its own inverse
    sides = np.linalg.norm(affine[:3, :3], axis=0)
    if stored.sides is not None and np.allclose(stored.sides, sides, rtol=1e-6, atol=0):
        sides = np.array(stored.sides)
    return affine[:3, :3] / sides, sides, affine[:3, 3]


def _numbers(values: Iterable[float]) -> str:
    return " ".join(repr(float(value) + 0.0) for value in values)
