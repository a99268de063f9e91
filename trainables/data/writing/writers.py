"""Writers of masks and of numbers beside an image: in the image's format where it can hold them, and in its place."""

import dataclasses
import pathlib
import uuid
from collections.abc import Callable, Sequence

import numpy as np

from trainables.data.cases.unlabelled import Stored
from trainables.data.reading import readers
from trainables.data.writing.itk import write_metaimage, write_nrrd
from trainables.data.writing.nifti import write_mgh, write_nifti
from trainables.data.writing.pictures import write_png, write_tiff
from trainables.errors import InputError

Writer = Callable[[pathlib.Path, np.ndarray, Stored], None]
"""`(file, array along the image's stored axes, the image)`; channels, if any, are the last axis."""

WRITERS: dict[str, Writer] = {
    ".nii.gz": write_nifti,
    ".nii": write_nifti,
    ".mgz": write_mgh,
    ".mgh": write_mgh,
    ".mha": write_metaimage,
    ".nrrd": write_nrrd,
    ".png": write_png,
    ".ome.tiff": write_tiff,
    ".ome.tif": write_tiff,
    ".tiff": write_tiff,
    ".tif": write_tiff,
}
"""Ending → writer."""
INSTEAD = {
    ".hdr": ".nii", ".img": ".nii", ".hdr.gz": ".nii.gz", ".img.gz": ".nii.gz", ".mnc": ".nii.gz", ".mgh.gz": ".mgz",
    ".mhd": ".mha", ".nhdr": ".nrrd", ".seg.nrrd": ".nrrd", ".dcm": ".nrrd", ".jpg": ".png", ".jpeg": ".png",
    ".bmp": ".png", ".gif": ".png",
}  # fmt: skip
"""Ending of an image → ending of its masks, where its own cannot be written, is in two files or blurs values."""


@dataclasses.dataclass(frozen=True)
class Format:
    """The format of what is written beside an image.

    Attributes:
        mask: Ending of masks.
        numbers: Ending of probabilities and the like.
        note: Why masks are not in the image's format; empty where they are.
    """

    mask: str
    numbers: str
    note: str = ""


def format_for(stored: Stored) -> Format:
    """Return the format of what is written beside an image."""
    ending = None if stored.path.is_dir() else readers.suffix(stored.path)
    own = ending if ending in WRITERS else INSTEAD[ending or ".dcm"]
    assert own is not None, "what was read has a known ending"
    if stored.affine is None and own not in (".png", ".tif", ".tiff", ".ome.tif", ".ome.tiff"):
        own = ".png"
    kind = "a DICOM series" if ending is None else f"a {ending} file"
    note = "" if own == ending else f"masks of {kind} are written as {own[1:].upper()}"
    return Format(own, ".tif" if own == ".png" else own, note)


def mask_type(values: Sequence[float], ending: str) -> np.dtype:
    """Return the smallest type that holds mask values in a format.

    Args:
        values: All of them.
        ending: Of the file.

    Raises:
        InputError: The format has no such type.
    """
    kinds = (np.uint8, np.uint16) if ending == ".png" else (np.uint8, np.uint16, np.int16, np.int32, np.float32)
    if ending in (".mgz", ".mgh"):
        kinds = (np.uint8, np.int16, np.int32, np.float32)  # type: ignore[assignment]
    for kind in kinds:
        if all(float(kind(np.clip(value, *_range(kind)))) == value for value in values):
            return np.dtype(kind)
    told = ", ".join(f"{value:g}" for value in values)
    raise InputError(f"dataset.labels: a mask of the values {told} cannot be written as {ending}. Give whole numbers.")


def _range(kind: type[np.generic]) -> tuple[float, float]:
    if not issubclass(kind, np.integer):
        return -np.inf, np.inf
    return float(np.iinfo(kind).min), float(np.iinfo(kind).max)


def write(path: pathlib.Path, array: np.ndarray, stored: Stored) -> None:
    """Write a file whole or not at all.

    Args:
        path: The file; its ending decides the format.
        array: Along the image's stored axes, `(x, y, z)` or flat `(y, x)`; a last axis more for channels.
        stored: The image beside which it lies.

    Raises:
        OSError: The folder cannot be written.
    """
    ending = next(ending for ending in WRITERS if path.name.endswith(ending))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}{ending}")
    try:
        WRITERS[ending](part, array, stored)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
