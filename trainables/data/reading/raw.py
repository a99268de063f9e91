"""What a reader hands on: an array as stored, with its affine where the format has one."""

import dataclasses
import pathlib
from typing import Literal

import numpy as np

from trainables.errors import InputError

Colour = Literal["grey", "channels", "refuse"]
"""What becomes of a picture's colours: one grey channel, three channels (red, green, blue), or an error (a mask)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Raw:
    """A file's content, in the file's own axes.

    Attributes:
        array: `(x, y, z)` or `(x, y, z, channel)` in stored order where there is an affine, else `(y, x)` or
            `(y, x, channel)`.
        affine: 4 × 4, from voxel indices to millimetres in RAS+; None for formats that carry none (PNG, JPEG).
        sides: mm of a voxel along each stored axis, as the file says it; None without an affine.
        warnings: What the file leaves open or contradicts itself in.
        levels: Of a mask in a picture: the grey value that viewers show for each stored value, where that differs
            (1-bit pictures, palettes of grey).
        step: Scale factor of stored integers, by which a value may be off; None where values are exact.
    """

    array: np.ndarray
    affine: np.ndarray | None
    sides: tuple[float, ...] | None = None
    warnings: tuple[str, ...] = ()
    levels: np.ndarray | None = None
    step: float | None = None


def short(path: pathlib.Path) -> str:
    """The last folder and the name: enough to find a file, short enough for one line."""
    return f"{path.parent.name}/{path.name}"


def shortest(side: object) -> float:
    """A voxel's side as the shortest decimal that single precision tells apart: 0.8, from whatever format it comes."""
    return float(str(np.float32(side)))  # type: ignore[arg-type]


def at_least_3d(array: np.ndarray, path: pathlib.Path) -> np.ndarray:
    """`(x, y, z)` or `(x, y, z, channel)`: a missing z is added, a single channel or time point taken away.

    Raises:
        InputError: It has more dimensions, or no voxels.
    """
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim > 4 or array.size == 0:
        raise InputError(f"{short(path)}: expected 2, 3 or 4 (channels last) dimensions, found shape {array.shape}.")
    return array.reshape(array.shape + (1,) * (3 - array.ndim))
