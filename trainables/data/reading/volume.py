"""One file's content in closest-RAS order, and its comparison with the grid of another file."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Self

import numpy as np

from trainables.data.reading import axes as geometry
from trainables.data.reading import readers
from trainables.errors import InputError

ACCEPTED, WARNED = 0.05, 0.5
"""Corner displacement of a mask in voxels: up to the first accepted as rounding, up to the second with a warning."""


@dataclasses.dataclass(frozen=True, eq=False)
class Volume:
    """A file's content with its orientation, which is None for formats without a position in space."""

    path: pathlib.Path
    raw: readers.Raw
    axes: geometry.Orientation | None

    @classmethod
    def of(cls, path: pathlib.Path, colour: readers.Colour) -> Self:
        """Read a file.

        Raises:
            InputError: It cannot be read, or its affine is singular.
        """
        raw = readers.read(path, colour=colour)
        try:
            axes = None if raw.affine is None else geometry.orientation(raw.affine)
        except ValueError as error:
            raise InputError(
                f"{readers.short(path)}: {error}. Export it again with position and voxel size."
            ) from error
        return cls(path, raw, axes)

    @property
    def array(self) -> np.ndarray:
        """Return a view `(channel, z, y, x)`; a flat picture has one slice."""
        if self.axes is None:
            channels = self.raw.array if self.raw.array.ndim == 3 else self.raw.array[..., np.newaxis]
            return np.moveaxis(channels, -1, 0)[:, np.newaxis]
        array = geometry.to_zyx(self.raw.array, self.axes)
        return array if array.ndim == 4 else array[np.newaxis]

    @property
    def affine(self) -> np.ndarray | None:
        """Return the affine of the view, for indices `(x, y, z)`."""
        if self.raw.affine is None or self.axes is None:
            return None
        return geometry.affine_to_ras(self.raw.affine, self.axes, self.raw.array.shape[:3])

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Return voxel sizes in mm along `[z, y, x]`; None if the format has none."""
        if self.raw.sides is None or self.axes is None:
            return None
        return geometry.sides_zyx(self.raw.sides, self.axes)

    def beside(self, first: Self, what: str, warnings: list[str]) -> Self:
        """Return this volume on the grid of another one, if both agree.

        Args:
            first: The image, or its first channel.
            what: Name of this volume in messages; `the mask` is compared with the image.
            warnings: List that a tolerated displacement is appended to.

        Raises:
            InputError: The grids differ.
        """
        name, partner = readers.short(self.path), "its image" if what == "the mask" else "the first channel"
        if (self.axes is None) != (first.axes is None):
            raise InputError(
                f"{name}: one of it and {partner} has a position in space, the other none. Use one format."
            )
        mine = self._with_axes_of(first)
        if mine.array.shape[1:] != first.array.shape[1:]:
            raise InputError(
                f"{name}: shape {mine.size} differs from {partner}'s {first.size}. "
                "Re-export it, or list the case under `dataset.exclude`."
            )
        apart = mine._voxels_from(first)
        if apart > WARNED:
            raise InputError(
                f"{name}: lies {apart:.2g} voxels away from {partner}, {WARNED} at most. "
                "Resample it onto that grid, or list the case under `dataset.exclude`."
            )
        if apart > ACCEPTED:
            warnings.append(f"{what} lies {apart:.2g} voxels off: taken on the image's grid")
        return mine

    def _voxels_from(self, first: Self) -> float:
        """Return the largest corner displacement from the first volume; 0 for flat pictures."""
        if first.affine is None or self.affine is None:
            return 0.0
        return geometry.displacement(first.affine, self.affine, tuple(reversed(first.array.shape[1:])))

    def _with_axes_of(self, first: Self) -> Self:
        """Return self with the first's axes if both have one grid: near 45° rounding can order the axes differently."""
        shape = first.raw.array.shape[:3]
        if first.raw.affine is None or self.raw.affine is None or self.raw.array.shape[:3] != shape:
            return self
        close = geometry.displacement(first.raw.affine, self.raw.affine, shape) <= WARNED
        return dataclasses.replace(self, axes=first.axes) if close else self

    @property
    def size(self) -> str:
        """Return the shape as text, such as `97x512x512`: axes `z, y, x`, or `y, x` of a flat picture."""
        return times(self.array.shape[2 if self.axes is None else 1 :])


def finite(volume: Volume) -> np.ndarray:
    """Return `(channel, z, y, x)` as contiguous float32.

    Raises:
        InputError: A voxel is NaN or infinite.
    """
    with np.errstate(over="ignore"):
        image = np.ascontiguousarray(volume.array, np.float32)
    if not (np.isfinite(image.min()) and np.isfinite(image.max())):
        count = int(image.size - np.isfinite(image).sum())
        voxels = "voxel is" if count == 1 else "voxels are"
        raise InputError(
            f"{readers.short(volume.path)}: {count:,} {voxels} NaN or infinite. "
            "Repair it, or list the case under `dataset.exclude`."
        )
    return image


def times(shape: Sequence[int]) -> str:
    """Return a shape as text, such as `97x512x512`."""
    return "x".join(str(size) for size in shape)
