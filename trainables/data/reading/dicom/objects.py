"""DICOM files and folders by their kind: series, enhanced multi-frame images, segmentations, structure sets."""

import pathlib

from trainables.data.reading import parts
from trainables.data.reading.dicom import frames as many
from trainables.data.reading.dicom import kinds, series, structures
from trainables.data.reading.raw import Colour, Grid, Raw, short
from trainables.errors import InputError


def read_folder(folder: pathlib.Path, grid: Grid | None = None) -> Raw:
    """Read the one image that the DICOM files of a folder make up, or the one mask where there is no image.

    Args:
        folder: Slices, or one file of many frames; reports, plans and masks beside an image are left out.
        grid: The image that a mask is placed on.

    Raises:
        InputError: The folder has no series or several, or its slices make up no volume. One line.
    """
    files = [file for file in parts.of(folder) if parts.is_slice(file)]
    classes = {file: kinds.sop_class(file) for file in files}
    images = [file for file in files if kinds.is_image(classes[file])]
    masks = [file for file in files if kinds.is_mask(classes[file])]
    frames = [file for file in images if classes[file] in kinds.MULTI_FRAME]
    if not images and len(masks) == 1:
        return read_object(masks[0], grid, folder)
    if not images:
        found = f"{len(masks)} DICOM masks" if masks else "no DICOM series"
        raise InputError(f"{short(folder)}: {found} in this folder, expected one. Give each series a folder.")
    if not frames:
        return series.read_slices(images, folder)
    if len(images) > 1:
        raise InputError(
            f"{short(folder)}: {len(images)} images in this folder, of which {len(frames)} have many frames: expected "
            "one. Give each a folder."
        )
    return many.read_enhanced(frames[0], folder)


def read_dicom(path: pathlib.Path, colour: Colour, grid: Grid | None = None) -> Raw:
    """Read one DICOM file: a slice, frames of an image, a segmentation or a structure set; `colour` is ignored."""
    del colour
    return read_object(path, grid, path)


def read_object(file: pathlib.Path, grid: Grid | None, path: pathlib.Path) -> Raw:
    """Read one DICOM file; `path` is it or its folder, for messages.

    Raises:
        InputError: It is no image and no mask, or a package that reads it is missing.
    """
    kind = kinds.sop_class(file)
    if kind in kinds.SEGMENTATIONS:
        return many.read_segmentation(file, grid, path)
    if kind == kinds.STRUCTURES:
        return structures.read_structures(file, grid, path)
    if kind in kinds.MULTI_FRAME:
        return many.read_enhanced(file, path)
    if not kinds.is_image(kind):
        raise InputError(f"{short(path)}: a DICOM file without an image or mask (class {kind}).")
    return series.read_slices([file], path)
