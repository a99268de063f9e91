"""DICOM files and folders by their kind: series, enhanced multi-frame images, segmentations, structure sets."""

import pathlib
from typing import Any

import numpy as np

from trainables.data.reading import axes, dicom, dicom_kinds, parts, rtstruct
from trainables.data.reading.onto_grid import on_grid
from trainables.data.reading.raw import Colour, Grid, Raw, Segment, at_least_3d, short
from trainables.data.reading.segments import empty_bits
from trainables.errors import InputError

EXTRA = "pip install 'segstudy[dicom]'"


def read_folder(folder: pathlib.Path, grid: Grid | None = None) -> Raw:
    """Read the one image that the DICOM files of a folder make up, or the one mask where there is no image.

    Args:
        folder: Slices, or one file of many frames; reports, plans and masks beside an image are left out.
        grid: The image that a mask is placed on.

    Raises:
        InputError: The folder has no series or several, or its slices make up no volume. One line.
    """
    files = [file for file in parts.of(folder) if parts.is_slice(file)]
    kinds = {file: dicom_kinds.sop_class(file) for file in files}
    images = [file for file in files if dicom_kinds.is_image(kinds[file])]
    masks = [file for file in files if dicom_kinds.is_mask(kinds[file])]
    frames = [file for file in images if kinds[file] in dicom_kinds.MULTI_FRAME]
    if not images and len(masks) == 1:
        return read_object(masks[0], grid, folder)
    if not images:
        found = f"{len(masks)} DICOM masks" if masks else "no DICOM series"
        raise InputError(f"{short(folder)}: {found} in this folder, expected one. Give each series a folder.")
    if not frames:
        return dicom.read_slices(images, folder)
    if len(images) > 1:
        raise InputError(
            f"{short(folder)}: {len(images)} images in this folder, of which {len(frames)} have many frames: expected "
            "one. Give each a folder."
        )
    return _enhanced(frames[0], folder)


def read_dicom(path: pathlib.Path, colour: Colour, grid: Grid | None = None) -> Raw:
    """Read one DICOM file: a slice, frames of an image, a segmentation or a structure set; `colour` is ignored."""
    del colour
    return read_object(path, grid, path)


def read_object(file: pathlib.Path, grid: Grid | None, path: pathlib.Path) -> Raw:
    """Read one DICOM file; `path` is it or its folder, for messages.

    Raises:
        InputError: It is no image and no mask, or a package that reads it is missing.
    """
    kind = dicom_kinds.sop_class(file)
    if kind in dicom_kinds.SEGMENTATIONS:
        return _segmentation(file, grid, path)
    if kind == dicom_kinds.STRUCTURES:
        return rtstruct.read_structures(file, grid, path)
    if kind in dicom_kinds.MULTI_FRAME:
        return _enhanced(file, path)
    if not dicom_kinds.is_image(kind):
        raise InputError(f"{short(path)}: a DICOM file without an image or mask (class {kind}).")
    return dicom.read_slices([file], path)


def _segmentation(file: pathlib.Path, grid: Grid | None, path: pathlib.Path) -> Raw:
    """Return a segmentation's bits: on the image's grid if there is one, else from its first used slice to its last."""
    highdicom = _highdicom(path)
    stored = highdicom.seg.segread(str(file))
    numbers = [int(number) for number in stored.segment_numbers]
    found = tuple(Segment(n, str(stored.get_segment_description(n).segment_label)) for n in numbers)
    bits: np.ndarray | None = None
    affine = np.eye(4)
    for bit, number in enumerate(numbers):
        try:
            volume = stored.get_volume(segment_numbers=[number], combine_segments=False, rescale_fractional=True)
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{short(path)}: its frames make up no volume ({_line(error)}).") from error
        inside = np.asarray(volume.array)[..., 0]
        if not np.isin(inside, (0, 1)).all():
            raise InputError(f"{short(path)}: a segmentation of fractions. Convert it to a binary one.")
        affine = np.asarray(volume.affine, np.float64)
        if bits is None:
            bits = empty_bits(inside.shape, len(numbers), path)
        bits[inside > 0] |= bits.dtype.type(1 << bit)
    if bits is None:
        raise InputError(f"{short(path)}: a segmentation without segments.")
    bits, affine = np.ascontiguousarray(bits.transpose(2, 1, 0)), _x_first(affine)
    warnings: tuple[str, ...] = ()
    if grid is not None:
        bits, warnings = on_grid(bits, affine, grid, path)
        affine = grid.affine
    return Raw(bits, affine, axes.shortest_sides(affine), warnings, segments=found)


def _enhanced(file: pathlib.Path, path: pathlib.Path) -> Raw:
    """Return the volume of frames, each with its own place and rescale."""
    highdicom = _highdicom(path)
    try:
        volume = highdicom.imread(str(file)).get_volume(
            apply_real_world_transform=False, apply_modality_transform=None, apply_voi_transform=False
        )
    except (RuntimeError, ValueError, AttributeError) as error:
        raise InputError(
            f"{short(path)}: its frames make up no volume ({_line(error)}). Export each volume as a file of its own."
        ) from error
    array = np.asarray(volume.array)
    array = np.transpose(array, (2, 1, 0, *range(3, array.ndim)))
    affine = _x_first(np.asarray(volume.affine, np.float64))
    return Raw(at_least_3d(array, path), affine, axes.shortest_sides(affine))


def _x_first(affine: np.ndarray) -> np.ndarray:
    """Return an affine of indices `(slice, row, column)` to LPS as one of `(column, row, slice)` to RAS."""
    return axes.RAS_FROM_LPS @ affine[:, [2, 1, 0, 3]]


def _highdicom(path: pathlib.Path) -> Any:
    try:
        import highdicom
    except ImportError as error:
        raise InputError(f"{short(path)}: DICOM files of many frames need the package highdicom: {EXTRA}.") from error
    return highdicom


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
