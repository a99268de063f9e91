"""DICOM structure sets (RTSTRUCT): closed contours, filled on the slices of their image."""

import pathlib
from typing import Any

import numpy as np

from trainables.data.reading import axes
from trainables.data.reading.dicom.contours import filled
from trainables.data.reading.quiet import silence
from trainables.data.reading.raw import Grid, Raw, Segment, short
from trainables.data.reading.segments import empty_bits
from trainables.errors import InputError

EXTRA = "pip install 'segstudy[dicom]'"
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
OFF_SLICE = 0.25
"""Distance of a contour from a slice, in slices, from which it belongs to another image."""


def read_structures(file: pathlib.Path, grid: Grid | None, path: pathlib.Path) -> Raw:
    """Read the structures of a structure set on the grid of its image.

    Args:
        file: The structure set.
        grid: The image's.
        path: The file, or its folder, for messages.

    Returns:
        Bits on the grid, and a segment for each structure that has contours; its number is the ROI's.

    Raises:
        InputError: pydicom is missing, there is no image, or a contour lies outside it or between its slices.
    """
    if grid is None:
        raise InputError(f"{short(path)}: contours without an image. Give it as the mask of an image with slices.")
    content = _content(file, path)
    names = {int(roi.ROINumber): str(roi.get("ROIName", "")) for roi in content.get("StructureSetROISequence", [])}
    drawn = {
        int(roi.ReferencedROINumber): contours
        for roi in content.get("ROIContourSequence", [])
        if (contours := [c for c in roi.get("ContourSequence", []) if c.get("ContourGeometricType") in CLOSED])
    }
    bits = empty_bits(grid.shape, len(drawn), path)
    to_grid = np.linalg.inv(grid.affine) @ axes.RAS_FROM_LPS
    for bit, (number, contours) in enumerate(drawn.items()):
        for (axis, index), polygons in _by_slice(contours, to_grid, grid, names.get(number, ""), path).items():
            plane: list[Any] = [slice(None)] * 3
            plane[axis] = index
            inside = filled(polygons, tuple(size for other, size in enumerate(grid.shape) if other != axis))
            bits[tuple(plane)][inside] |= bits.dtype.type(1 << bit)
    found = tuple(Segment(number, names.get(number, "")) for number in drawn)
    if not found:
        raise InputError(f"{short(path)}: a structure set without closed contours.")
    return Raw(bits, grid.affine, axes.shortest_sides(grid.affine), segments=found)


def _content(file: pathlib.Path, path: pathlib.Path) -> Any:
    try:
        import pydicom
    except ImportError as error:
        raise InputError(f"{short(path)}: structure sets need the package pydicom: {EXTRA}.") from error
    silence("pydicom")
    return pydicom.dcmread(file)


def _by_slice(
    contours: list[Any], to_grid: np.ndarray, grid: Grid, name: str, path: pathlib.Path
) -> dict[tuple[int, int], list[np.ndarray]]:
    """Return axis and index of each slice → its polygons, `(n, 2)` in voxels of the other two axes."""
    found: dict[tuple[int, int], list[np.ndarray]] = {}
    axis: int | None = None
    all_points = []
    for contour in contours:
        points = np.array([float(value) for value in contour.ContourData]).reshape(-1, 3)
        all_points.append(points @ to_grid[:3, :3].T + to_grid[:3, 3])
    largest = max(all_points, key=len)
    axis = int(np.argmin(np.ptp(largest, axis=0)))
    for points in all_points:
        exact = points[:, axis]
        index = int(np.rint(exact.mean()))
        if np.abs(exact - index).max() > OFF_SLICE:
            raise InputError(
                f"{short(path)}: contours of {name!r} lie between the slices of the image. Was it drawn on another one?"
            )
        if not 0 <= index < grid.shape[axis]:
            raise InputError(f"{short(path)}: contours of {name!r} lie outside the image. Was it drawn on another one?")
        found.setdefault((axis, index), []).append(np.delete(points, axis, axis=1))
    return found
