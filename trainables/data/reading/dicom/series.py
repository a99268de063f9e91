"""DICOM series: each slice with its own rescale, placed by its own position. ITK's axes point left, back and head."""

import collections
import dataclasses
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainables.data.reading import axes
from trainables.data.reading.raw import Raw, at_least_3d, positive_sides, refuse_non_numbers, short, shortest
from trainables.errors import InputError

UNEVEN = 0.05
"""Tolerance of a slice's position, as a share of the distance between slices."""
ROUNDING = 2e-3
"""Difference between slices' pixel sizes (mm) and directions that counts as rounding."""
SERIES = "0020|000e"
POSITION, ORIENTATION = "0020|0032", "0020|0037"
PHOTOMETRIC = "0028|0004"
PIXEL_SIZES = ("0028|0030", "0018|1164", "0018|2010")
TIMES = {
    "0020|0100": "TemporalPositionIdentifier",
    "0018|0086": "EchoNumbers",
    "0018|9087": "DiffusionBValue",
    "0018|1060": "TriggerTime",
    "0020|0012": "AcquisitionNumber",
    "0008|0032": "AcquisitionTime",
    "0008|0008": "ImageType",
}
"""Tags that tell apart volumes of one series."""
MODALITY_LUT = re.compile(rb"\x28\x00\x00\x30(?:SQ\0\0)?.{4}\xfe\xff\x00\xe0", re.S)
"""Modality LUT Sequence (0028,3000) with an item, as little-endian files begin it. SimpleITK names no sequences."""
LONGEST_HEADER = 1 << 20
UNMEASURED = "the slices have no PixelSpacing: 1 mm taken. Set `preprocess.spacing: unknown` if it is not known"


@dataclasses.dataclass(frozen=True, eq=False)
class Slice:
    """The header of one slice.

    Attributes:
        file: Its file.
        tags: Tag → text, `gggg|eeee`.
        size: `(x, y, z)` voxels; z is 1 but for files of several frames.
        spacing: mm.
    """

    file: pathlib.Path
    tags: Mapping[str, str]
    size: tuple[int, ...]
    spacing: tuple[float, ...]

    def numbers(self, tag: str) -> np.ndarray:
        """Return a tag's numbers; empty if it is missing."""
        text = self.tags.get(tag, "").strip()
        return np.array([float(part) for part in text.split("\\")] if text else [])


def read_slices(files: Sequence[pathlib.Path], path: pathlib.Path) -> Raw:
    """Read the volume that slices make up, ordered by position.

    Args:
        files: The slices' files, in any order.
        path: Their folder, or the one file, for messages.

    Raises:
        InputError: They are several series or volumes, a slice is missing, double or damaged, or slices differ in
            size, orientation or photometric interpretation. One line.
    """
    slices = _headers(files, path)
    series = {slice_.tags.get(SERIES, "") for slice_ in slices}
    if len(series) > 1:
        raise InputError(f"{short(path)}: {len(series)} DICOM series in this folder, expected one. Give each a folder.")
    _refuse_different(slices, path)
    for tag in PIXEL_SIZES:
        positive_sides(tuple(slices[0].numbers(tag)), "PixelSpacing", path)  # which GDCM would take as 1
    warnings = [UNMEASURED] if not any(tag in slices[0].tags for tag in PIXEL_SIZES) else []
    if len(slices) == 1:
        return _alone(slices[0], path, tuple(warnings))
    ordered = _in_order(slices, path)
    planes = [_plane(slice_, path) for slice_ in ordered]
    ordered, planes = _once(ordered, planes, path, warnings)
    affine = _affine(ordered, path)
    dtype = np.result_type(*planes)
    array = np.empty((*planes[0].shape[:2], len(planes), *planes[0].shape[2:]), dtype, order="F")
    for number, plane in enumerate(planes):
        array[:, :, number] = plane
    sides = positive_sides(axes.shortest_sides(affine), "PixelSpacing, ImagePositionPatient", path)
    return Raw(at_least_3d(array, path), axes.RAS_FROM_LPS @ affine, sides, tuple(warnings))


def _headers(files: Sequence[pathlib.Path], path: pathlib.Path) -> list[Slice]:
    """Return the headers of all slices.

    Raises:
        InputError: One cannot be read.
    """
    found = []
    for file in files:
        reader = toolkit().ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(str(file))
        try:
            reader.ReadImageInformation()
        except RuntimeError:  # its text names source files of ITK
            continue
        _refuse_table(file, path)
        tags = {tag: reader.GetMetaData(tag).strip() for tag in reader.GetMetaDataKeys() if "|" in tag}
        found.append(Slice(file, tags, tuple(reader.GetSize()), tuple(reader.GetSpacing())))
    if len(found) < len(files) or not found:
        raise InputError(
            f"{short(path)}: {len(files) - len(found)} of its {len(files)} slices cannot be read. Copy it again."
        )
    return found


def _refuse_table(file: pathlib.Path, path: pathlib.Path) -> None:
    """Refuse stored values that mean something by a table: GDCM would return the table's indices as intensities."""
    with file.open("rb") as content:
        if MODALITY_LUT.search(content.read(LONGEST_HEADER)):
            raise InputError(
                f"{short(path)}: its values go through a table (Modality LUT Sequence) that is not applied here. "
                "Convert it to NIfTI, or export it with RescaleSlope and RescaleIntercept."
            )


def _refuse_different(slices: Sequence[Slice], path: pathlib.Path) -> None:
    compared: dict[str, list[Any]] = {
        "size": [slice_.size for slice_ in slices],
        "PixelSpacing": _alike([np.array(slice_.spacing[:2]) for slice_ in slices]),
        "PhotometricInterpretation": [slice_.tags.get(PHOTOMETRIC, "") for slice_ in slices],
        "ImageOrientationPatient": _alike([slice_.numbers(ORIENTATION) for slice_ in slices]),
    }
    for name, values in compared.items():
        counted = collections.Counter(values).most_common()
        if len(counted) > 1:
            told = " and ".join(" x ".join(str(one) for one in np.atleast_1d(value)) for value, _ in counted[:2])
            raise InputError(
                f"{short(path)}: its slices differ in {name} ({told}), so they make up no volume. Give each kind a "
                "folder, or export the series again."
            )
    if "MOSAIC" in slices[0].tags.get("0008|0008", ""):
        raise InputError(f"{short(path)}: a mosaic of slices in one picture. Convert it to NIfTI with dcm2niix.")


def _alike(values: Sequence[np.ndarray]) -> list[tuple[float, ...]]:
    """Return numbers of each slice, those of the first one where they differ from these by rounding only."""
    first = values[0]

    def close(value: np.ndarray) -> bool:
        return value.shape == first.shape and np.allclose(value, first, rtol=0, atol=ROUNDING)

    return [tuple((first if close(value) else value).tolist()) for value in values]


def _in_order(slices: Sequence[Slice], path: pathlib.Path) -> list[Slice]:
    if any(slice_.size[2:] not in ((), (1,)) for slice_ in slices):
        raise InputError(f"{short(path)}: several files of several frames each. Give each file a folder.")
    if any(len(slice_.numbers(POSITION)) != 3 or len(slice_.numbers(ORIENTATION)) != 6 for slice_ in slices):
        raise InputError(
            f"{short(path)}: its slices make up no volume: one is without a position (ImagePositionPatient) or "
            "orientation. Export the series again."
        )
    normal = _normal(slices[0])
    return sorted(slices, key=lambda slice_: (float(slice_.numbers(POSITION) @ normal), slice_.file.name))


def _normal(slice_: Slice) -> np.ndarray:
    orientation = slice_.numbers(ORIENTATION)
    return np.cross(orientation[:3], orientation[3:])


def _plane(slice_: Slice, path: pathlib.Path) -> np.ndarray:
    """Return one slice `(x, y)` or `(x, y, channel)`: stored values times its own slope, plus its own intercept."""
    image = _image(slice_.file, path)
    stored = toolkit().GetArrayFromImage(image)
    refuse_non_numbers(stored.dtype, path)
    plane = stored[0] if image.GetDimension() == 3 else stored
    return np.ascontiguousarray(np.moveaxis(plane, 0, 1))


def _image(file: pathlib.Path, path: pathlib.Path) -> Any:
    try:
        return toolkit().ReadImage(str(file), imageIO="GDCMImageIO")
    except RuntimeError as error:  # its text names source files of ITK
        raise InputError(f"{short(path)}: the slice {file.name} cannot be read: damaged. Copy it again.") from error


def _once(
    slices: list[Slice], planes: list[np.ndarray], path: pathlib.Path, warnings: list[str]
) -> tuple[list[Slice], list[np.ndarray]]:
    """Return the slices without exact copies.

    Raises:
        InputError: Two different slices lie at one place.
    """
    kept = [0]
    for number in range(1, len(slices)):
        if np.abs(slices[number].numbers(POSITION) - slices[kept[-1]].numbers(POSITION)).max() > 1e-3:
            kept.append(number)
        elif not np.array_equal(planes[number], planes[kept[-1]]):
            _refuse_doubled(slices, path)
    if copies := len(slices) - len(kept):
        warnings.append(f"{copies} of its {len(slices)} slices are copies of others: taken once")
    return [slices[number] for number in kept], [planes[number] for number in kept]


def _refuse_doubled(slices: Sequence[Slice], path: pathlib.Path) -> None:
    """Say which tag tells apart slices at one place."""
    for tag, name in TIMES.items():
        values = sorted({slice_.tags.get(tag, "") for slice_ in slices})
        if 1 < len(values) <= len(slices) // 2:
            raise InputError(
                f"{short(path)}: {len(values)} volumes in one series: its slices differ in {name} "
                f"({', '.join(values[:3])}{', …' if len(values) > 3 else ''}). Give each volume a folder."
            )
    raise InputError(
        f"{short(path)}: different slices lie at one place: one is double, or there are several volumes. Give each "
        "volume a folder, or export the series again."
    )


def _affine(slices: Sequence[Slice], path: pathlib.Path) -> np.ndarray:
    """Return the affine in LPS; its third axis follows the slices' positions, also where they are sheared."""
    places = np.array([slice_.numbers(POSITION) for slice_ in slices])
    affine, normal = np.eye(4), _normal(slices[0])
    orientation = slices[0].numbers(ORIENTATION)
    affine[:3, 0] = orientation[:3] * slices[0].spacing[0]
    affine[:3, 1] = orientation[3:] * slices[0].spacing[1]
    affine[:3, 2] = normal * slices[0].spacing[-1]
    affine[:3, 3] = places[0]
    if len(places) == 1:
        return affine
    gaps = np.diff(places, axis=0) @ normal
    usual = float(np.median(gaps))
    if usual <= 0 or np.abs(gaps - usual).max() > UNEVEN * usual:
        raise InputError(
            f"{short(path)}: slices lie {gaps.min():.4g} to {gaps.max():.4g} mm apart: one is missing or double. "
            "Export the series again, or list the case under `dataset.exclude`."
        )
    step = (places[-1] - places[0]) / (len(places) - 1)
    if np.linalg.norm(places - places[0] - np.outer(np.arange(len(places)), step), axis=1).max() > 0.5 * usual:
        raise InputError(f"{short(path)}: its slices lie on no straight line. Export the series again.")
    aside = step - (step @ normal) * normal
    affine[:3, 2] = step if np.linalg.norm(aside) > axes.SHEAR_ACCEPTED * usual else normal * (step @ normal)
    return affine


def _alone(slice_: Slice, path: pathlib.Path, warnings: tuple[str, ...]) -> Raw:
    """Return one file as ITK places it: a slice, or frames of which no place is told."""
    image = _image(slice_.file, path)
    array, affine, sides = of_itk(image, path)
    return Raw(array, affine, sides, warnings)


def of_itk(image: Any, path: pathlib.Path) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Return array, affine in RAS and voxel sizes of an ITK image of two to four dimensions."""
    stored = toolkit().GetArrayFromImage(image)  # (…, z, y, x), then the components of a voxel
    refuse_non_numbers(stored.dtype, path)
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
    return at_least_3d(array, path), axes.RAS_FROM_LPS @ matrix, tuple(shortest(side) for side in spacing)


def toolkit() -> Any:
    """Return SimpleITK, with its own warnings off."""
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)  # the checks here report the same faults in one line
    return SimpleITK
