"""The result of a reader: the array as stored, with its affine where the format has one."""

import dataclasses
import pathlib
from typing import Literal

import numpy as np

from trainables.errors import InputError

Colour = Literal["grey", "channels", "refuse"]
"""Treatment of a picture's colours: one grey channel, three channels (red, green, blue), or an error (masks)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Raw:
    """The content of a file, in its own axes.

    Attributes:
        array: `(x, y, z)` or `(x, y, z, channel)` in stored order where there is an affine, else `(y, x)` or
            `(y, x, channel)`.
        affine: 4 × 4, from voxel indices to millimetres in RAS+; None for formats that carry none (PNG, JPEG).
        sides: Voxel size in mm along each stored axis, as the header states it; None without an affine.
        warnings: Missing or contradictory header fields, one line each.
    """

    array: np.ndarray
    affine: np.ndarray | None
    sides: tuple[float, ...] | None = None
    warnings: tuple[str, ...] = ()


def short(path: pathlib.Path) -> str:
    """Return the last folder and the file name, for messages of one line."""
    return f"{path.parent.name}/{path.name}"


def shortest(side: object) -> float:
    """Return a voxel size as the shortest decimal of its float32 value, so that all formats give equal numbers."""
    return float(str(np.float32(side)))  # type: ignore[arg-type]


def at_least_3d(array: np.ndarray, path: pathlib.Path) -> np.ndarray:
    """Return `(x, y, z)` or `(x, y, z, channel)`: adds a missing z, drops a single channel or time point.

    Raises:
        InputError: It has more dimensions, or no voxels.
    """
    while array.ndim > 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim > 4 or array.size == 0:
        raise InputError(f"{short(path)}: expected 2, 3 or 4 (channels last) dimensions, found shape {array.shape}.")
    return array.reshape(array.shape + (1,) * (3 - array.ndim))
