"""A predicted mask and its reference, read from files onto one grid as a case's reference is read for training."""

import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np

from trainables.data.cases import area, coding
from trainables.data.cases.case import Case, named, of_dimension
from trainables.data.cases.label_values import IGNORED, Label, OtherLabels, holds
from trainables.data.cases.options import PreprocessOptions
from trainables.data.reading import readers, shear
from trainables.data.reading.volume import Volume
from trainables.errors import InputError


@dataclasses.dataclass(frozen=True, eq=False)
class MaskPair:
    """Two label maps of one shape.

    Attributes:
        reference: uint8 class indices `(z, y, x)` of closest RAS, or `(y, x)`; 0 where nothing is scored.
        prediction: Likewise.
        spacing: Voxel size in mm along the same axes; None where it is unknown.
        unscored: Number of voxels that are not scored: ignored, or outside the region of interest.
        warnings: Warnings, one line each.
    """

    reference: np.ndarray
    prediction: np.ndarray
    spacing: tuple[float, ...] | None
    unscored: int
    warnings: tuple[str, ...]


def read_pair(
    reference: pathlib.Path, prediction: pathlib.Path, how: PreprocessOptions, *, resample: bool = False
) -> MaskPair:
    """Read a reference and a prediction.

    Args:
        reference: A mask file, or a folder of DICOM slices.
        prediction: Likewise, in the same or another format.
        how: Labels, ignored values, region of interest and dimension; the other options do not matter.
        resample: Whether a prediction on another grid is resampled onto the reference's, by the nearest voxel; else it
            is refused.

    Raises:
        InputError: A file cannot be read, has values that no label names, or the grids differ.
    """
    for path in (reference, prediction):
        if readers.suffix(path) in readers.LOSSY and not any(label.splits for label in how.labels):
            raise InputError(
                f"{readers.short(path)}: JPEG blurs the values of a mask. Give a rule such as 'organ=>127'."
            )
    warnings: list[str] = []
    first = Volume.of(reference, "refuse", may_be_sheared=how.unshear)
    values, truth = _decoded(first, first.array, how, how.other_labels, how.ignore)
    excluded = truth == IGNORED
    inside = _inside(how, values)
    if inside is not None:
        excluded |= ~inside
    second = Volume.of(prediction, "refuse", on=first, may_be_sheared=how.unshear)
    second, array = _on_grid_of(first, second, resample, warnings)
    others: OtherLabels = "background" if how.other_labels == "background" else "refuse"
    found = _decoded(second, array, how, others, ())[1]
    case = _case(truth, found, excluded, first, how)
    if how.roi is not None and how.roi.box is not None:
        case = dataclasses.replace(case, roi=area.box_mask(how.roi.box, case.reference.shape))
    out = case.excluded
    assert out is not None, "excluded voxels were given"
    kept = ~out
    spacing = None if how.spacing == "unknown" else case.spacing
    return MaskPair(case.reference * kept, case.image[0] * kept, spacing, int(np.count_nonzero(out)), tuple(warnings))


def _decoded(
    volume: Volume, array: np.ndarray, how: PreprocessOptions, other: OtherLabels, ignore: Sequence[Label]
) -> tuple[np.ndarray, np.ndarray]:
    """Return values and class indices, `(z, y, x)`."""
    if volume.raw.segments:
        rule = how.roi.rule if how.roi is not None else None
        rules = (*how.labels, *ignore, *((rule,) if rule is not None else ()))
        array = volume.with_values(rules, others_count=other != "background").array
    if len(array) != 1:
        raise InputError(f"{readers.short(volume.path)}: {len(array)} volumes in one mask. Save class numbers in one.")
    with named(volume.path):
        coded = coding.decoded(array[0], how.labels, other, ignore, levels=volume.raw.levels, step=volume.raw.step)
    return coded.values, coded.classes


def _inside(how: PreprocessOptions, values: np.ndarray) -> np.ndarray | None:
    """Return the region of interest that the reference itself has, bool; None without one."""
    if how.roi is None or how.roi.box is not None:
        return None
    if how.roi.rule is None:
        raise InputError(
            "the study scores inside regions of interest that are files of their own (dataset.roi), which two folders "
            "of masks do not have. Set voxels outside them to an ignored value, and score without --study."
        )
    return holds(values, how.roi.rule)


def _on_grid_of(first: Volume, second: Volume, resample: bool, warnings: list[str]) -> tuple[Volume, np.ndarray]:
    """Return the prediction, and its array `(1, z, y, x)` on the reference's grid.

    Raises:
        InputError: The grids differ, and it is not to be resampled or has no position.
    """
    try:
        placed = second.beside(first, "the prediction", warnings)
        return placed, placed.array
    except InputError:
        if not resample or first.affine is None or second.affine is None or second.raw.segments:
            raise
    from scipy.ndimage import affine_transform

    to = np.linalg.inv(second.affine) @ first.affine
    warnings.append("the prediction was resampled onto its reference's grid (nearest voxel)")
    moved = affine_transform(
        np.ascontiguousarray(second.array[0]),
        to[2::-1, 2::-1],
        to[2::-1, 3],
        output_shape=first.array.shape[1:],
        order=0,
        mode="grid-constant",
        cval=0,
    )
    return second, np.asarray(moved)[np.newaxis]


def _case(truth: np.ndarray, found: np.ndarray, excluded: np.ndarray, first: Volume, how: PreprocessOptions) -> Case:
    """Return both maps as a case: the prediction as its one channel."""
    spacing = first.spacing
    if how.unshear and first.affine is not None:
        with named(first.path):
            grid = shear.straight_grid(first.affine, truth.shape)
        if grid is not None:
            truth, found = shear.straight_labels(truth, grid), shear.straight_labels(found, grid)
            excluded = shear.straight_labels(excluded.astype(np.uint8), grid).astype(bool)
            spacing = grid.spacing
    case = Case(found[np.newaxis], truth, spacing, (), ignored=excluded)
    return of_dimension(case, how.dim, first.path, flat=first.axes is None)
