"""An image without a reference mask, as a network is to predict it, and the way back to its file's own axes."""

import dataclasses
import pathlib

import numpy as np

from trainables.data.cases import area
from trainables.data.cases.case import (
    Case,
    channels_of,
    cropped,
    inside_region,
    named,
    of_dimension,
    straightened,
)
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles
from trainables.data.reading import axes, shear
from trainables.data.reading.volume import Volume
from trainables.errors import InputError


@dataclasses.dataclass(frozen=True)
class ImageFiles:
    """The files of one image.

    Attributes:
        name: Unique among those that are predicted together.
        images: One file a channel, in channel order.
        roi: The mask of its region of interest; None where it has none.
    """

    name: str
    images: tuple[pathlib.Path, ...]
    roi: pathlib.Path | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Stored:
    """How an image's first file stores its voxels.

    Attributes:
        path: The file, or the folder of a series.
        shape: `(x, y, z)` as stored; of a flat picture `(1, y, x)`.
        affine: 4 × 4, from the stored indices to millimetres in RAS+; None for a flat picture.
        sides: Voxel sizes in mm along the stored axes; None where unknown.
        orientation: Of the stored axes; None for a flat picture.
        straight: The grid that sheared axes were resampled to; None where they are as stored.
        flattened: Axis of `[z, y, x]` that was taken out, of one slice; None where none was.
    """

    path: pathlib.Path
    shape: tuple[int, ...]
    affine: np.ndarray | None
    sides: tuple[float, ...] | None
    orientation: axes.Orientation | None
    straight: shear.StraightGrid | None
    flattened: int | None

    def classes(self, found: np.ndarray) -> np.ndarray:
        """Return class indices, uint8 on the case's grid, along the file's own axes: `(x, y, z)`, or flat `(y, x)`."""
        found = self._unflattened(found)
        if self.straight is not None:
            found = shear.sheared_labels(found, self.straight, self._ras_shape)
        return self._as_stored(found)

    def values(self, found: np.ndarray) -> np.ndarray:
        """Return one channel of numbers, float32, along the file's own axes, as `classes` does."""
        found = self._unflattened(found)
        if self.straight is not None:
            found = shear.sheared_values(found, self.straight, self._ras_shape)
        return self._as_stored(found)

    @property
    def _ras_shape(self) -> tuple[int, ...]:
        assert self.orientation is not None, "only volumes have sheared axes"
        return tuple(self.shape[axis] for axis in np.argsort(self.orientation[:, 0])[::-1])

    def _unflattened(self, found: np.ndarray) -> np.ndarray:
        return found if self.flattened is None else np.expand_dims(found, self.flattened)

    def _as_stored(self, found: np.ndarray) -> np.ndarray:
        return found[0] if self.orientation is None else axes.from_zyx(found, self.orientation)


@dataclasses.dataclass(frozen=True, eq=False)
class Unlabelled:
    """An image that was read: a case whose reference is empty, and how its file stores it."""

    case: Case
    stored: Stored


def read_unlabelled(files: ImageFiles, options: PreprocessOptions) -> Unlabelled:
    """Read an image as a study reads those of its cases (`case.read`), without a mask.

    Args:
        files: Which.
        options: The study's.

    Raises:
        InputError: As of `case.read`; or the study needs a region of the image that only a reference mask has.
    """
    refuse_oracles(options)
    first = Volume.of(files.images[0], options.colour, may_be_sheared=options.unshear)
    warnings = list(first.raw.warnings)
    image = channels_of(files.images, first, options.colour, warnings, unshear=options.unshear)
    case = Case(image, np.zeros(image.shape[1:], np.uint8), first.spacing, ())
    if options.roi is not None and options.roi.box is None and options.roi.rule is None:
        case = dataclasses.replace(case, roi=_region(files, options, first, warnings))
    straight = None
    if options.unshear and first.affine is not None:
        with named(first.path):
            straight = shear.straight_grid(first.affine, image.shape[1:])
            case = straightened(case, first.affine)
    warnings += case.warnings
    whole = case.reference.shape
    case = of_dimension(case, options.dim, first.path, flat=first.axes is None)
    if options.roi is not None and options.roi.box is not None:
        with named(first.path):
            case = dataclasses.replace(case, roi=area.box_mask(options.roi.box, case.reference.shape))
    if options.crop is not None:
        case = cropped(case, options.crop, {}, _files(files))
    stored = Stored(
        path=first.path,
        shape=first.raw.array.shape[:3] if first.axes is not None else (1, *first.raw.array.shape[:2]),
        affine=first.raw.affine,
        sides=first.raw.sides,
        orientation=first.axes,
        straight=straight,
        flattened=whole.index(1) if case.reference.ndim < len(whole) else None,
    )
    return Unlabelled(dataclasses.replace(case, warnings=tuple(warnings)), stored)


def refuse_oracles(options: PreprocessOptions) -> None:
    """Refuse options that need the reference mask of an image before it can be predicted.

    Raises:
        InputError: The image is cropped to a label, or cut off outside of one.
    """
    by_label = options.roi is not None and options.roi.rule is not None
    to_roi = options.outside_roi == "minimum" or (options.crop is not None and options.crop.to == "roi")
    if (options.crop is not None and options.crop.to == "reference") or (by_label and to_roi):
        raise InputError(
            "the study crops or fills its images by their own reference masks (an oracle, preprocess.crop or "
            "outside_roi), which a new image does not have. Train a study without it."
        )


def _region(files: ImageFiles, options: PreprocessOptions, first: Volume, warnings: list[str]) -> np.ndarray | None:
    """Return the region of interest; None where the image has none and its network does not need it."""
    if files.roi is None and options.outside_roi == "keep" and not (options.crop and options.crop.to == "roi"):
        warnings.append("no mask of its region of interest: predicted everywhere")
        return None
    assert options.roi is not None, "the caller looked"
    if files.roi is None:
        raise InputError(
            f"{first.path.parent.name}/{first.path.name}: the study cuts its images to a region of interest "
            "(dataset.roi), and this one has no mask of it. Give a folder that has it where the study's data have it."
        )
    return inside_region(_files(files), options.roi, {}, first, warnings)


def _files(files: ImageFiles) -> CaseFiles:
    return CaseFiles(files.name, files.images, files.images[0], files.roi)
