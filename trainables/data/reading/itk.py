"""Formats that are read by SimpleITK: MetaImage, NRRD, and folders with one DICOM series each.

ITK's axes point to the left, back and head (LPS); ours to the right, front and head (RAS).
"""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from trainables.data.reading import metaimage, parts
from trainables.data.reading.raw import Colour, Raw, at_least_3d, short, shortest
from trainables.errors import InputError

RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
UNEVEN = 0.05
"""Tolerance of a DICOM slice's position, as a share of the distance between slices."""
POSITION = "0020|0032"
"""DICOM tag of a slice's position: its first voxel in mm, LPS."""
UNPLACED = "the file has no `space`, so it does not say how the volume lies: axes taken as left, back, head"


def read_metaimage(path: pathlib.Path, colour: Colour) -> Raw:
    """Read `.mha`, or `.mhd` with its data file; `colour` is ignored."""
    del colour
    return _raw(_read_file(path, "MetaImageIO", metaimage.check), path)


def read_nrrd(path: pathlib.Path, colour: Colour) -> Raw:
    """Read `.nrrd`, or `.nhdr` with its data file; `colour` is ignored."""
    del colour
    image = _read_file(path, "NrrdImageIO")
    return _raw(image, path, () if image.HasMetaDataKey("NRRD_space") else (UNPLACED,))


def read_series(folder: pathlib.Path) -> Raw:
    """Read the volume of the DICOM slices in a folder, ordered by position.

    Raises:
        InputError: The folder has no series or several, a slice is missing, double or damaged, or they are sheared
            against each other (a tilted gantry).
    """
    toolkit = _toolkit()
    series = toolkit.ImageSeriesReader.GetGDCMSeriesIDs(str(folder))
    if len(series) != 1:
        found = f"{len(series)} DICOM series" if series else "no DICOM series"
        raise InputError(f"{short(folder)}: {found} in this folder, expected one. Give each series a folder.")
    names = toolkit.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), series[0])
    slices = [file for file in parts.of(folder) if parts.is_slice(file)]
    if len(slices) > len(names):
        raise InputError(
            f"{short(folder)}: {len(slices) - len(names)} of its {len(slices)} slices cannot be read. Copy it again."
        )
    reader = toolkit.ImageSeriesReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileNames(names)
    reader.MetaDataDictionaryArrayUpdateOn()
    try:
        image = reader.Execute()
        places = [reader.GetMetaData(number, POSITION) for number in range(len(names))] if len(names) > 1 else []
    except RuntimeError as error:
        raise InputError(
            f"{short(folder)}: its slices make up no volume: one is damaged, of another size or without a place. "
            "Export the series again."
        ) from error
    if places:
        _check_places(np.array([[float(part) for part in place.split("\\")] for place in places]), image, folder)
    return _raw(image, folder)


def _check_places(places: np.ndarray, image: Any, folder: pathlib.Path) -> None:
    """Refuse uneven or sheared slices, which ITK would take as evenly spaced and upright."""
    normal = np.array(image.GetDirection()).reshape(3, 3)[:, 2]
    steps = np.diff(places, axis=0)
    gaps = steps @ normal
    usual = float(np.median(gaps))
    if usual <= 0 or np.abs(gaps - usual).max() > UNEVEN * usual:
        raise InputError(
            f"{short(folder)}: slices lie {gaps.min():.4g} to {gaps.max():.4g} mm apart: one is missing or double. "
            "Export the series again, or list the case under `dataset.exclude`."
        )
    if np.linalg.norm(steps - gaps[:, None] * normal, axis=1).max() > UNEVEN * usual:
        raise InputError(
            f"{short(folder)}: slices are sheared against each other (a tilted gantry). Convert the series to NIfTI "
            "with a tool that corrects it, or list the case under `dataset.exclude`."
        )


def _read_file(path: pathlib.Path, kind: str, check: Callable[[pathlib.Path], None] | None = None) -> Any:
    if path.stat().st_size == 0:
        raise InputError(f"{short(path)}: the file is empty. Copy it again.")
    if check is not None:
        check(path)
    try:
        return _toolkit().ReadImage(str(path), imageIO=kind)
    except RuntimeError as error:  # ITK's own text names its source files and claims that the file does not exist
        raise InputError(
            f"{short(path)}: cannot be read: it, or the data file that it names, is damaged, cut short or missing. "
            "Copy it again."
        ) from error


def _raw(image: Any, path: pathlib.Path, warnings: tuple[str, ...] = ()) -> Raw:
    import SimpleITK

    stored = SimpleITK.GetArrayFromImage(image)  # (…, z, y, x), then the components of a voxel
    if stored.dtype.kind not in "iuf":
        raise InputError(f"{short(path)}: voxels of type {stored.dtype} are not grey values. Convert it to numbers.")
    size = image.GetDimension()
    array = np.transpose(stored, [*reversed(range(size)), *range(size, stored.ndim)])
    if size == 2:
        array = array[:, :, np.newaxis]
    spacing, matrix = np.ones(3), np.eye(4)
    used = min(size, 3)
    spacing[:used] = image.GetSpacing()[:used]
    matrix[:used, :used] = np.array(image.GetDirection()).reshape(size, size)[:used, :used]
    matrix[:3, :3] *= spacing
    matrix[:used, 3] = image.GetOrigin()[:used]
    return Raw(at_least_3d(array, path), RAS_FROM_LPS @ matrix, tuple(shortest(side) for side in spacing), warnings)


def _toolkit() -> Any:
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)  # the checks here report the same faults in one line
    return SimpleITK
