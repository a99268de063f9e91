"""The result of a reader: the array as stored, with its affine where the format has one."""

import dataclasses
import pathlib
from typing import Literal, Self

import numpy as np

from trainables.errors import InputError

Colour = Literal["grey", "channels", "refuse"]
"""Treatment of a picture's colours: one grey channel, three channels (red, green, blue), or an error (masks)."""


@dataclasses.dataclass(frozen=True)
class Segment:
    """A structure of a mask that keeps its structures apart (`.seg.nrrd`, DICOM-SEG, RTSTRUCT).

    Attributes:
        number: Its value in the file; None if it has none of its own.
        name: Its name in the file; empty if it has none.
    """

    number: int | None
    name: str


@dataclasses.dataclass(frozen=True, eq=False)
class Place:
    """Another affine of the same voxels, which the header also gives or which other programs take.

    Attributes:
        affine: 4 × 4, from voxel indices to millimetres in RAS+.
        source: Its origin, in the words of a warning: `its qform`.
    """

    affine: np.ndarray
    source: str

    def scaled(self, scale: float) -> Self:
        """Return the same place in a unit that is `scale` times as small."""
        affine = np.array(self.affine, np.float64)
        affine[:3] *= scale
        return dataclasses.replace(self, affine=affine)


@dataclasses.dataclass(frozen=True, eq=False)
class Raw:
    """The content of a file, in its own axes.

    Attributes:
        array: `(x, y, z)` or `(x, y, z, channel)` in stored order where there is an affine, else `(y, x)` or
            `(y, x, channel)`. With `segments`, unsigned integers whose bit `i` says whether a voxel is in
            `segments[i]`.
        affine: 4 × 4, from voxel indices to millimetres in RAS+; None for formats that carry none (PNG, JPEG).
        sides: Voxel size in mm along each stored axis, as the header states it; None without an affine, or where the
            file does not say.
        warnings: Missing or contradictory header fields, one line each.
        others: Other affines that the voxels may have.
        segments: Structures of a mask that may overlap; () where values are numbers.
        levels: For a mask in a picture, the grey value that viewers show for each stored value, where that differs
            (1-bit pictures, palettes of grey).
        step: Scale factor of stored integers, by which a value may be off; None where values are exact.
    """

    array: np.ndarray
    affine: np.ndarray | None
    sides: tuple[float, ...] | None = None
    warnings: tuple[str, ...] = ()
    others: tuple[Place, ...] = ()
    segments: tuple[Segment, ...] = ()
    levels: np.ndarray | None = None
    step: float | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """The voxels of an image, on which a mask without voxels of its own (contours, single frames) is placed.

    Attributes:
        shape: `(x, y, z)` voxels as stored.
        affine: 4 × 4, from voxel indices to millimetres in RAS+.
    """

    shape: tuple[int, ...]
    affine: np.ndarray


def short(path: pathlib.Path) -> str:
    """Return the last folder and the file name, for messages of one line."""
    return f"{path.parent.name}/{path.name}"


def shortest(side: object) -> float:
    """Return a voxel size as the shortest decimal of its float32 value, so that all formats give equal numbers."""
    return float(str(np.float32(side)))  # type: ignore[arg-type]


def at_least_3d(array: np.ndarray, path: pathlib.Path) -> np.ndarray:
    """Return `(x, y, z)` or `(x, y, z, channel)`: adds a missing z, drops axes of one channel or time point.

    Raises:
        InputError: It has more dimensions, or no voxels.
    """
    for axis in reversed(range(3, array.ndim)):
        if array.shape[axis] == 1:
            array = array.squeeze(axis)
    if array.ndim > 4 or array.size == 0:
        raise InputError(f"{short(path)}: expected 2, 3 or 4 (channels last) dimensions, found shape {array.shape}.")
    return array.reshape(array.shape + (1,) * (3 - array.ndim))


def refuse_non_numbers(dtype: np.dtype, path: pathlib.Path) -> None:
    """Refuse colours and complex numbers.

    Raises:
        InputError: Voxels of this type are not grey values.
    """
    if dtype.kind not in "iuf":
        raise InputError(f"{short(path)}: voxels of type {dtype} are not grey values. Convert it to numbers.")


def positive_sides(sides: tuple[float, ...], field: str, path: pathlib.Path) -> tuple[float, ...]:
    """Return voxel sizes that are positive numbers.

    Raises:
        InputError: One is zero, negative or not finite; the line names the header's field.
    """
    if not all(np.isfinite(side) and side > 0 for side in sides):
        told = " ".join(f"{side:g}" for side in sides)
        raise InputError(
            f"{short(path)}: the header's voxel size ({field}) is {told}: not all are positive. Correct the header."
        )
    return sides
