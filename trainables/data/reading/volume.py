"""One file's content in closest-RAS order, and its comparison with the grid of another file."""

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence
from typing import Self

import numpy as np

from trainables.data.reading import axes as geometry
from trainables.data.reading import readers, segments
from trainables.data.reading.units import CONVERSIONS
from trainables.errors import InputError

ACCEPTED, WARNED = 0.05, 0.5
"""Corner displacement of a mask in voxels: up to the first accepted as rounding, up to the second with a warning."""
EXCLUDE = "list the case under `dataset.exclude`"
PARTNERS = {"the mask": ("its image", EXCLUDE), "the prediction": ("its reference", "give --resample")}
"""Name of a volume → the one that it is compared with, and what else can be done where they differ."""


@dataclasses.dataclass(frozen=True, eq=False)
class Volume:
    """A file's content with its orientation, which is None for formats without a position in space."""

    path: pathlib.Path
    raw: readers.Raw
    axes: geometry.Orientation | None

    @classmethod
    def of(
        cls, path: pathlib.Path, colour: readers.Colour, *, on: Self | None = None, may_be_sheared: bool = False
    ) -> Self:
        """Read a file.

        Args:
            path: The file, or a folder of DICOM slices.
            colour: Treatment of a picture's colours.
            on: The image that a mask of contours or single frames is placed on.
            may_be_sheared: Whether axes may have other than right angles.

        Raises:
            InputError: It cannot be read, or its affine is singular or sheared.
        """
        raw = readers.read(path, colour=colour, grid=None if on is None else on._grid)
        try:
            axes = None if raw.affine is None else geometry.orientation(raw.affine)
        except ValueError as error:
            raise InputError(
                f"{readers.short(path)}: {error}. Export it again with position and voxel size."
            ) from error
        if raw.affine is not None and not may_be_sheared:
            raw = _upright(raw, raw.affine, path)
        return cls(path, raw, axes)

    @property
    def _grid(self) -> readers.Grid | None:
        if self.raw.affine is None:
            return None
        return readers.Grid(self.raw.array.shape[:3], self.raw.affine)

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
            what: Name of this volume in messages; `the mask` is compared with the image, `the prediction` with its
                reference.
            warnings: List that a tolerated displacement is appended to.

        Raises:
            InputError: The grids differ.
        """
        name = readers.short(self.path)
        partner, instead = PARTNERS.get(what, ("the first channel", EXCLUDE))
        if (self.axes is None) != (first.axes is None):
            raise InputError(
                f"{name}: one of it and {partner} has a position in space, the other none. Use one format."
            )
        mine = self._placed_as(first, what, warnings)._with_axes_of(first)
        if mine.array.shape[1:] != first.array.shape[1:]:
            turned = next((f" ({said})" for said in (*first.raw.warnings, *self.raw.warnings) if "EXIF" in said), "")
            raise InputError(
                f"{name}: shape {mine.size} differs from {partner}'s {first.size}{turned}. Re-export it, or {instead}."
            )
        apart = mine._voxels_from(first)
        if apart > WARNED:
            raise InputError(
                f"{name}: lies {apart:.2g} voxels away from {partner}, {WARNED} at most. "
                f"Resample it onto that grid, or {instead}."
            )
        if apart > ACCEPTED:
            warnings.append(f"{what} lies {apart:.2g} voxels off: taken on the image's grid")
        return mine

    def _placed_as(self, first: Self, what: str, warnings: list[str]) -> Self:
        """Return self on the first's grid if only the place that its header gives differs, for a reason that is known.

        Programs follow different fields of one header, and units or sizes get lost when a mask is saved.
        """
        mine, other = self.raw, first.raw
        shape = other.array.shape[:3]
        if mine.affine is None or other.affine is None or mine.array.shape[:3] != shape:
            return self
        if geometry.displacement(other.affine, mine.affine, shape) <= WARNED:
            return self
        reason = _reason(other, mine, shape)
        if reason is None:
            return self
        warnings.append(f"{what} has another position in its header ({reason}): taken on the image's grid")
        return dataclasses.replace(
            self, raw=dataclasses.replace(mine, affine=other.affine, sides=other.sides), axes=first.axes
        )

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

    def with_values(self, labels: Sequence[segments.Named], *, others_count: bool) -> Self:
        """Return a mask of named structures as one of values, which the study's labels name.

        Args:
            labels: The study's.
            others_count: Whether structures without label have values.

        Raises:
            InputError: Structures overlap or are called such that nobody can know what is meant.
        """
        array = segments.as_values(self.raw, labels, self.path, others_count=others_count)
        return dataclasses.replace(self, raw=dataclasses.replace(self.raw, array=array, segments=()))

    @property
    def size(self) -> str:
        """Return the shape as text, such as `97x512x512`: axes `z, y, x`, or `y, x` of a flat picture."""
        return times(self.array.shape[2 if self.axes is None else 1 :])


def _reason(first: readers.Raw, mine: readers.Raw, shape: tuple[int, ...]) -> str | None:
    """Return why two headers place the same voxels differently; None if no reason is known."""
    assert first.affine is not None
    assert mine.affine is not None
    if first.sides is None or mine.sides is None:
        return "one of the two has no voxel size"
    theirs = [(first.affine, ""), *((place.affine, f"the image's, by {place.source}") for place in first.others)]
    ours = [(mine.affine, ""), *((place.affine, f"it lies there by {place.source}") for place in mine.others)]
    for (one, why), (another, reason) in itertools.product(theirs, ours):
        if geometry.displacement(one, another, shape) <= ACCEPTED:
            return "; ".join(text for text in (why, reason) if text)
    for scale in CONVERSIONS:
        scaled = np.diag([scale, scale, scale, 1.0]) @ mine.affine
        if geometry.displacement(first.affine, scaled, shape) <= ACCEPTED:
            return f"it is {1 / scale:g} times the image's: the unit of one of them is wrong"
    return None


def _upright(raw: readers.Raw, affine: np.ndarray, path: pathlib.Path) -> readers.Raw:
    """Return a file's content, with a warning if its axes are a little sheared.

    Raises:
        InputError: They are sheared more than that.
    """
    cosine = geometry.shear(affine)
    if cosine <= geometry.SHEAR_ACCEPTED:
        return raw
    told = f"sheared by {np.degrees(np.arcsin(cosine)):.3g}°"
    if cosine <= geometry.SHEAR_WARNED:
        warning = f"its axes are {told}: distances are measured as if they had right angles"
        return dataclasses.replace(raw, warnings=(*raw.warnings, warning))
    raise InputError(
        f"{readers.short(path)}: its axes are {told} (slices shifted against each other, as by a tilted gantry), so "
        "distances would be wrong. Set `preprocess.unshear: true`, or list the case under `dataset.exclude`."
    )


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
