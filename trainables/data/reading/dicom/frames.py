"""DICOM files of many frames, each with its own place: enhanced images and segmentations, read by pydicom."""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from trainables.data.reading import axes
from trainables.data.reading.dicom.onto_grid import on_grid
from trainables.data.reading.quiet import silence
from trainables.data.reading.raw import Grid, Raw, Segment, at_least_3d, refuse_non_numbers, short
from trainables.data.reading.segments import empty_bits
from trainables.errors import InputError

EXTRA = "pip install 'segstudy[dicom]'"
UNEVEN = 0.05
"""Tolerance of a frame's position, as a share of the distance between slices."""


@dataclasses.dataclass(frozen=True, eq=False)
class Frames:
    """Frames and where they lie.

    Attributes:
        pixels: `(frame, row, column)`, or with samples last; as stored.
        places: `(frame, 3)` mm of each first voxel, LPS.
        affine: 4 × 4 to LPS of `(column, row, slice)`; its third axis and origin are those of the lowest slice.
        slices: Number of each frame's slice.
        groups: Functional groups of each frame, then the shared ones.
    """

    pixels: np.ndarray
    places: np.ndarray
    affine: np.ndarray
    slices: np.ndarray
    groups: tuple[Any, ...]

    def value(self, frame: int, sequence: str, name: str) -> Any:
        """Return an attribute of a frame's functional group, or of the shared one; None if there is none."""
        for group in (self.groups[frame], self.groups[-1]):
            if group is not None and (items := group.get(sequence)) and name in items[0]:
                return items[0].get(name)
        return None


def read_enhanced(file: pathlib.Path, path: pathlib.Path) -> Raw:
    """Read an enhanced image: stored values times each frame's slope, plus its intercept, ordered by position.

    Raises:
        InputError: pydicom is missing, or the frames make up no volume, or several.
    """
    frames = _frames(_content(file, path), path)
    count = int(frames.slices.max()) + 1
    if len(frames.slices) != count or len(set(frames.slices.tolist())) != count:
        raise InputError(
            f"{short(path)}: {len(frames.slices)} frames at {len(set(frames.slices.tolist()))} places of {count}: "
            "several volumes, or slices are missing. Export each volume as a file of its own."
        )
    planes = [_rescaled(frames, frame) for frame in np.argsort(frames.slices)]
    dtype = np.result_type(*planes)
    refuse_non_numbers(dtype, path)
    array = np.stack([plane.astype(dtype) for plane in planes])
    array = np.transpose(array, (2, 1, 0, *range(3, array.ndim)))
    return Raw(at_least_3d(array, path), axes.RAS_FROM_LPS @ frames.affine, axes.shortest_sides(frames.affine))


def read_segmentation(file: pathlib.Path, grid: Grid | None, path: pathlib.Path) -> Raw:
    """Read a segmentation's bits: on the image's grid if there is one, else from its first used slice to its last.

    Raises:
        InputError: pydicom is missing, it holds fractions, or it lies on another grid.
    """
    content = _content(file, path)
    frames = _frames(content, path)
    numbers = {int(one.SegmentNumber): str(one.get("SegmentLabel", "")) for one in content.SegmentSequence}
    found = tuple(Segment(number, name) for number, name in numbers.items() if number > 0)
    fractions = str(content.get("SegmentationType", "BINARY")) == "FRACTIONAL"
    most = int(content.get("MaximumFractionalValue", 1)) if fractions else 1
    shape = (frames.pixels.shape[2], frames.pixels.shape[1], int(frames.slices.max()) + 1)
    bits = empty_bits(shape, len(found), path)
    for frame, pixels in enumerate(frames.pixels):
        if fractions and not np.isin(pixels, (0, most)).all():
            raise InputError(f"{short(path)}: a segmentation of fractions. Convert it to a binary one.")
        own = frames.value(frame, "SegmentIdentificationSequence", "ReferencedSegmentNumber")
        for bit, segment in enumerate(found):
            inside = pixels == segment.number if own is None else (pixels > 0) & (int(own) == segment.number)
            bits[:, :, frames.slices[frame]][inside.T] |= bits.dtype.type(1 << bit)
    affine = axes.RAS_FROM_LPS @ frames.affine
    warnings: tuple[str, ...] = ()
    if grid is not None:
        bits, warnings = on_grid(bits, affine, grid, path)
        affine = grid.affine
    return Raw(bits, affine, axes.shortest_sides(affine), warnings, segments=found)


def _content(file: pathlib.Path, path: pathlib.Path) -> Any:
    try:
        import pydicom
    except ImportError as error:
        raise InputError(f"{short(path)}: DICOM files of many frames need the package pydicom: {EXTRA}.") from error
    silence("pydicom")
    return pydicom.dcmread(file)


def _frames(content: Any, path: pathlib.Path) -> Frames:
    pixels = content.pixel_array
    if int(content.get("NumberOfFrames", 1)) == 1:
        pixels = pixels[np.newaxis]
    shared = content.get("SharedFunctionalGroupsSequence", [None])[0]
    groups = (*content.get("PerFrameFunctionalGroupsSequence", []), shared)
    if len(groups) != len(pixels) + 1:
        raise InputError(f"{short(path)}: {len(pixels)} frames, but places of {len(groups) - 1}. Export it again.")
    bare = Frames(pixels, np.empty(0), np.eye(4), np.empty(0), groups)
    each = range(len(pixels))
    places = [bare.value(frame, "PlanePositionSequence", "ImagePositionPatient") for frame in each]
    ways = [bare.value(frame, "PlaneOrientationSequence", "ImageOrientationPatient") for frame in each]
    spacing = bare.value(0, "PixelMeasuresSequence", "PixelSpacing")
    thickness = bare.value(0, "PixelMeasuresSequence", "SliceThickness")
    if spacing is None or any(place is None or way is None for place, way in zip(places, ways, strict=True)):
        raise InputError(f"{short(path)}: a frame has no position, orientation or pixel spacing. Export it again.")
    if np.ptp(np.array(ways, np.float64), axis=0).max() > 1e-3:
        raise InputError(f"{short(path)}: its frames have several orientations. Export each as a file of its own.")
    at, way = np.array(places, np.float64), np.array(ways[0], np.float64)
    affine, slices = _ordered(at, way, [float(side) for side in spacing], float(thickness or 1.0), path)
    return dataclasses.replace(bare, places=at, affine=affine, slices=slices)


def _ordered(
    places: np.ndarray, way: np.ndarray, spacing: list[float], thickness: float, path: pathlib.Path
) -> tuple[np.ndarray, np.ndarray]:
    """Return the affine to LPS and the slice of each frame, by the frames' own positions."""
    normal = np.cross(way[:3], way[3:])
    heights = places @ normal
    lowest = places[np.argmin(heights)]
    levels = np.unique(np.round(heights - heights.min(), 3))
    gap = float(np.diff(levels).min()) if len(levels) > 1 else thickness
    exact = (heights - heights.min()) / gap
    slices = np.rint(exact).astype(np.int64)
    if len(levels) > 1:  # over many slices, the smallest gap adds up its rounding
        gap = float((heights.max() - heights.min()) / slices.max())
        exact = (heights - heights.min()) / gap
    aside = np.linalg.norm(places - lowest - np.outer(exact * gap, normal), axis=1)
    if np.abs(exact - slices).max() > UNEVEN or aside.max() > UNEVEN * gap:
        raise InputError(f"{short(path)}: its frames are not evenly spaced above each other. Resample it.")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = way[:3] * spacing[1], way[3:] * spacing[0]
    affine[:3, 2], affine[:3, 3] = normal * gap, lowest
    return affine, slices


def _rescaled(frames: Frames, frame: int) -> np.ndarray:
    """Return one frame's values; integers stay integers where slope and intercept are whole."""
    slope = frames.value(frame, "PixelValueTransformationSequence", "RescaleSlope")
    intercept = frames.value(frame, "PixelValueTransformationSequence", "RescaleIntercept")
    by, to = float(1 if slope is None else slope), float(intercept or 0)
    stored = frames.pixels[frame]
    if by == 1 and to == 0:
        return np.asarray(stored)
    whole = by.is_integer() and to.is_integer()
    return np.asarray(
        stored.astype(np.int64 if whole else np.float64) * (int(by) if whole else by) + (int(to) if whole else to)
    )
