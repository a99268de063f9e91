"""One case in memory: image and class indices on one grid, axes `[z, y, x]`, everything checked."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from trainables.data import geometry, readers
from trainables.data.labels import Label, OtherLabels, to_classes
from trainables.data.layouts import CaseFiles
from trainables.errors import InputError

ACCEPTED, WARNED = 0.05, 0.5
"""Displacement of the mask's corners in voxels: accepted as rounding; accepted with a warning. More is refused."""


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """A case as it is scored, before any resampling.

    Attributes:
        image: float32 `(channel, z, y, x)`, or `(channel, y, x)` in 2D; finite.
        reference: uint8 class indices `(z, y, x)` or `(y, x)`.
        spacing: mm along the same axes; None where the files do not say (PNG, JPEG).
        warnings: What a person should look at, one line each, without the file's name.
    """

    image: np.ndarray
    reference: np.ndarray
    spacing: tuple[float, ...] | None
    warnings: tuple[str, ...]


def read(files: CaseFiles, labels: Sequence[Label], *, dim: int, other: OtherLabels = "refuse") -> Case:
    """A case from its files.

    Args:
        files: Which.
        labels: What the mask's values mean.
        dim: 2 or 3; a volume of one slice counts as 2D where it is 2.
        other: What becomes of mask values that no label names.

    Raises:
        InputError: A file cannot be read, NaN or infinite voxels, shapes or grids that differ, a flat image in 3D or
            a volume in 2D, or mask values that no label names. One line that begins with the file.
    """
    if readers.suffix(files.mask) in readers.LOSSY and not any(label.splits for label in labels):
        raise InputError(
            f"{readers.short(files.mask)}: JPEG blurs the values of a mask. Give each label a rule such as '>127'."
        )
    warnings: list[str] = []
    first = readers.read(files.images[0])
    axes = _orientation(first, files.images[0])
    mask = readers.read(files.mask, grey=False)
    mask_array = _on_grid_of(first, axes, mask, files.mask, "its image", warnings)
    if not first.placed:
        warnings.append("both form codes are 0, so the file does not say how the volume lies: axes taken as stored")
    try:
        reference = to_classes(mask_array, labels, other)
    except InputError as error:
        raise InputError(f"{readers.short(files.mask)}: {error}") from error
    del mask, mask_array  # one array at a time: a volume can take gigabytes
    channels = [_finite(_channels_first(first, axes), files.images[0])]
    for path in files.images[1:]:
        raw = readers.read(path)
        channels.append(_finite(_on_grid_of(first, axes, raw, path, "the first channel", warnings, True), path))
    spacing = None if first.affine is None or axes is None else geometry.spacing_zyx(first.affine, axes)
    image = channels[0] if len(channels) == 1 else np.concatenate(channels)
    return _of_dimension(image, reference, spacing, tuple(warnings), dim, files)


def _orientation(raw: readers.Raw, path: pathlib.Path) -> geometry.Orientation | None:
    if raw.affine is None:
        return None
    try:
        return geometry.orientation(raw.affine)
    except ValueError as error:
        raise InputError(f"{readers.short(path)}: {error}. Re-export it with its position and voxel size.") from error


def _channels_first(raw: readers.Raw, axes: geometry.Orientation | None) -> np.ndarray:
    """`(channel, z, y, x)`; a flat picture has one slice."""
    if axes is None:
        return raw.array[np.newaxis, np.newaxis]
    array = geometry.to_zyx(raw.array, axes)
    return array if array.ndim == 4 else array[np.newaxis]


def _on_grid_of(
    image: readers.Raw,
    axes: geometry.Orientation | None,
    other: readers.Raw,
    path: pathlib.Path,
    partner: str,
    warnings: list[str],
    channels: bool = False,
) -> np.ndarray:
    """The other file's array in `[z, y, x]` on the image's grid; `channels` keeps a leading channel axis."""
    if (image.affine is None) != (other.affine is None):
        raise InputError(
            f"{readers.short(path)}: one of it and {partner} has a position in space and the other has none. "
            "Store both in one format."
        )
    other_axes = _orientation(other, path)
    if other_axes is not None and axes is not None:
        other_axes = _same_axes(image, axes, other, other_axes)
    array = _channels_first(other, other_axes)
    grid = _channels_first(image, axes).shape[1:]
    if array.shape[1:] != grid or (not channels and array.shape[0] != 1):
        raise InputError(
            f"{readers.short(path)}: shape {_times(array.shape)} differs from {partner}'s {_times(grid)} (z, y, x). "
            "Re-export it, or list the case under `dataset.exclude`."
        )
    if axes is not None and other_axes is not None:
        _check_displacement(image, axes, other, other_axes, path, partner, warnings)
    return array if channels else array[0]


def _same_axes(
    image: readers.Raw, axes: geometry.Orientation, other: readers.Raw, other_axes: geometry.Orientation
) -> geometry.Orientation:
    """The image's axes where both are stored on one grid: near 45° rounding alone can order them differently."""
    assert image.affine is not None
    assert other.affine is not None
    shape = image.array.shape[:3]
    if shape == other.array.shape[:3] and geometry.displacement(image.affine, other.affine, shape) <= WARNED:
        return axes
    return other_axes


def _check_displacement(
    image: readers.Raw,
    axes: geometry.Orientation,
    other: readers.Raw,
    other_axes: geometry.Orientation,
    path: pathlib.Path,
    partner: str,
    warnings: list[str],
) -> None:
    assert image.affine is not None
    assert other.affine is not None
    first = geometry.affine_to_ras(image.affine, axes, image.array.shape[:3])
    second = geometry.affine_to_ras(other.affine, other_axes, other.array.shape[:3])
    shape = tuple(reversed(_channels_first(image, axes).shape[1:]))
    apart = geometry.displacement(first, second, shape)
    if apart > WARNED:
        raise InputError(
            f"{readers.short(path)}: lies {apart:.2g} voxels away from {partner} ({WARNED} at most). "
            "Resample it onto the image's grid, or list the case under `dataset.exclude`."
        )
    if apart > ACCEPTED:
        warnings.append(f"{readers.short(path)} lies {apart:.2g} voxels away from {partner}: taken on the image's grid")


def _finite(array: np.ndarray, path: pathlib.Path) -> np.ndarray:
    """As contiguous float32."""
    with np.errstate(over="ignore"):
        image = np.ascontiguousarray(array, np.float32)
    low, high = float(image.min()), float(image.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        count = int(image.size - np.isfinite(image).sum())
        raise InputError(f"{readers.short(path)}: {count:,} voxels are NaN or infinite. Repair or exclude the case.")
    return image


def _of_dimension(
    image: np.ndarray,
    reference: np.ndarray,
    spacing: tuple[float, ...] | None,
    warnings: tuple[str, ...],
    dim: int,
    files: CaseFiles,
) -> Case:
    if dim == 3:
        if spacing is None:
            raise InputError(
                f"{readers.short(files.images[0])}: a flat picture, but `patch.size` has 3 sizes. Give 2, as [y, x]."
            )
        return Case(image, reference, spacing, warnings)
    flat = [axis for axis, size in enumerate(reference.shape) if size == 1]
    if not flat:
        raise InputError(
            f"{readers.short(files.images[0])}: a volume of {_times(reference.shape)} voxels, but `patch.size` has 2 "
            "sizes. Give 3, as [z, y, x]."
        )
    axis = flat[0]
    if spacing is not None:
        spacing = tuple(size for index, size in enumerate(spacing) if index != axis)
    return Case(image.squeeze(axis + 1), reference.squeeze(axis), spacing, warnings)


def _times(shape: Sequence[int]) -> str:
    return "x".join(str(size) for size in shape)
