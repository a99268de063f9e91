"""One case in memory: image and class indices on one grid, axes `[z, y, x]`, everything checked."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from trainables.data.cases import area, coding
from trainables.data.cases.label_values import IGNORED, Label, OtherLabels, holds
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles
from trainables.data.reading import readers, shear
from trainables.data.reading.volume import Volume, finite
from trainables.errors import InputError


@dataclasses.dataclass(frozen=True, eq=False)
class Case:
    """A case as it is scored, before any resampling.

    Attributes:
        image: float32 `(channel, z, y, x)`, or `(channel, y, x)` in 2D; finite.
        reference: uint8 class indices `(z, y, x)` or `(y, x)`.
        spacing: mm along the same axes; None where the files do not say (PNG, JPEG).
        warnings: Warnings, one line each, without the file's name.
        ignored: True where a voxel is neither trained on nor scored, of `reference`'s shape; None where none is.
        roi: True inside the region of interest; None where that is the whole case.
        box: The part kept for training, in voxels; None is all.
        mask_values: The different values of the mask other than 0, rising; the first 16.
    """

    image: np.ndarray
    reference: np.ndarray
    spacing: tuple[float, ...] | None
    warnings: tuple[str, ...]
    ignored: np.ndarray | None = None
    roi: np.ndarray | None = None
    box: area.Box | None = None
    mask_values: tuple[float, ...] = ()

    @property
    def excluded(self) -> np.ndarray | None:
        """True where a voxel is not scored: ignored, or outside the region of interest; None where all are."""
        if self.roi is None:
            return self.ignored
        return ~self.roi if self.ignored is None else ~self.roi | self.ignored

    @property
    def kept(self) -> tuple[slice, ...]:
        """The box as an index of `reference`."""
        return (slice(None),) * self.reference.ndim if self.box is None else area.slices(self.box)


def read_for(files: CaseFiles, options: PreprocessOptions) -> Case:
    """Read a case with the options that apply to reading."""
    return read(
        files,
        options.labels,
        dim=options.dim,
        other=options.other_labels,
        colour=options.colour,
        ignore=options.ignore,
        roi=options.roi,
        crop=options.crop,
        unshear=options.unshear,
    )


def read(
    files: CaseFiles,
    labels: Sequence[Label],
    *,
    dim: int,
    other: OtherLabels = "refuse",
    colour: readers.Colour = "grey",
    ignore: Sequence[Label] = (),
    roi: area.Roi | None = None,
    crop: area.Crop | None = None,
    unshear: bool = False,
) -> Case:
    """Read a case from its files.

    Args:
        files: Which.
        labels: Meaning of the mask's values.
        dim: 2 or 3 sides of a patch; where it is 2 a volume of one slice is flat, and others are volumes of slices.
        other: Treatment of mask values that no label names.
        colour: Treatment of the colours of pictures: one `grey` channel or three `channels`.
        ignore: Mask values whose voxels are ignored.
        roi: Where the case is scored; None everywhere.
        crop: The part kept for training; None: all.
        unshear: Whether volumes with sheared axes are resampled to right angles; else they are refused.

    Raises:
        InputError: A file cannot be read, NaN or infinite voxels, shapes or grids that differ, a flat picture in 3D,
            mask values that no label names, or nothing to crop to. One line that begins with the file.
    """
    if readers.suffix(files.mask) in readers.LOSSY and not any(label.splits for label in labels):
        raise InputError(
            f"{readers.short(files.mask)}: JPEG blurs the values of a mask. Give each label a rule such as '>127'."
        )
    first = Volume.of(files.images[0], colour, may_be_sheared=unshear)
    warnings = list(first.raw.warnings)
    mask = Volume.of(files.mask, "refuse", on=first, may_be_sheared=unshear)
    warnings += [f"the mask: {text}" for text in mask.raw.warnings if text not in warnings]
    mask = mask.beside(first, "the mask", warnings)
    if mask.raw.segments:
        rules = (*labels, *ignore, *(rule for rule in (roi and roi.rule, crop and crop.rule) if rule))
        mask = mask.with_values(rules, others_count=other != "background")
    if len(mask.array) != 1:
        raise InputError(
            f"{readers.short(mask.path)}: {len(mask.array)} volumes in one mask. Save class numbers in one."
        )
    with named(mask.path):
        coded = coding.decoded(mask.array[0], labels, other, ignore, levels=mask.raw.levels, step=mask.raw.step)
        by_values = {rule: holds(coded.values, rule) for rule in (roi and roi.rule, crop and crop.rule) if rule}
    reference, mask_values = coded.classes, coding.values_of(coded.values)
    del mask, coded  # one volume at a time: it can take gigabytes
    ignored = reference == IGNORED if ignore or other == "ignore" else None
    if ignored is not None:
        reference[ignored] = 0
    image = channels_of(files.images, first, colour, warnings, unshear=unshear)
    inside = None if roi is None or roi.box is not None else inside_region(files, roi, by_values, first, warnings)
    flat = first.axes is None
    case = Case(image, reference, first.spacing, tuple(warnings), ignored, inside, mask_values=mask_values)
    if unshear and first.affine is not None:
        with named(first.path):
            case = straightened(case, first.affine)
    case = of_dimension(case, dim, first.path, flat=flat)
    if roi is not None and roi.box is not None:
        with named(first.path):
            case = dataclasses.replace(case, roi=area.box_mask(roi.box, case.reference.shape))
    return case if crop is None else cropped(case, crop, by_values, files)


def channels_of(
    paths: Sequence[pathlib.Path], first: Volume, colour: readers.Colour, warnings: list[str], *, unshear: bool
) -> np.ndarray:
    """Return all channels of an image, float32 `(channel, z, y, x)`.

    Args:
        paths: Its files, in channel order.
        first: The first of them, read.
        colour: As of `read`, and so is `unshear`.
        warnings: List that tolerated displacements are appended to.
        unshear: See there.

    Raises:
        InputError: A file cannot be read, or its grid differs from the first one's.
    """
    channels = [finite(first)]
    for number, path in enumerate(paths[1:], start=1):
        channels.append(
            finite(Volume.of(path, colour, may_be_sheared=unshear).beside(first, f"channel {number}", warnings))
        )
    return channels[0] if len(channels) == 1 else np.concatenate(channels)


def cropped(case: Case, crop: area.Crop, by_values: Mapping[Label, np.ndarray], files: CaseFiles) -> Case:
    """Return the case with the box that `crop` keeps."""
    if crop.to == "nonzero":
        target = (case.image != 0).any(axis=0)
    elif crop.to == "roi":
        assert case.roi is not None, "options demand a region to crop to"
        target = case.roi
    else:
        assert crop.rule is not None, "a crop to the reference names a label"
        target = by_values[crop.rule].reshape(case.reference.shape)
    with named(files.images[0] if crop.to == "nonzero" else files.mask):
        return dataclasses.replace(case, box=area.kept_box(crop, target))


def inside_region(
    files: CaseFiles, roi: area.Roi, by_values: Mapping[Label, np.ndarray], first: Volume, warnings: list[str]
) -> np.ndarray:
    """Return the region of interest from its mask, bool `(z, y, x)`."""
    if roi.rule is not None:
        return by_values[roi.rule]
    if files.roi is None:
        raise InputError(f"{readers.short(files.mask)}: the case has no mask of its region of interest. Add it.")
    if readers.suffix(files.roi) in readers.LOSSY:
        raise InputError(f"{readers.short(files.roi)}: JPEG blurs the edge of a region. Save it as PNG.")
    mask = Volume.of(files.roi, "refuse", on=first, may_be_sheared=True)  # its image has been checked
    drawn = mask.beside(first, "the region's mask", warnings)
    inside = (drawn.array if drawn.raw.levels is None else drawn.raw.levels[drawn.array]) != 0
    if not inside.any():
        raise InputError(
            f"{readers.short(files.roi)}: the region of interest is empty. Draw it, or list the case under "
            "`dataset.exclude`."
        )
    return np.ascontiguousarray(inside.any(axis=0))


@contextlib.contextmanager
def named(path: pathlib.Path) -> Iterator[None]:
    """Put the file's name before an error."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{readers.short(path)}: {error}") from error


def straightened(case: Case, affine: np.ndarray) -> Case:
    """The case with right angles between its axes; itself where they have them already."""
    grid = shear.straight_grid(affine, case.reference.shape)
    if grid is None:
        return case

    def straight(inside: np.ndarray | None) -> np.ndarray | None:
        return None if inside is None else shear.straight_labels(inside.astype(np.uint8), grid).astype(bool)

    return dataclasses.replace(
        case,
        image=np.stack([shear.straight_image(channel, grid) for channel in case.image]),
        reference=shear.straight_labels(case.reference, grid),
        spacing=grid.spacing,
        warnings=(
            *case.warnings,
            f"axes sheared by {grid.degrees:.3g}° were resampled to right angles; its scores are on that grid",
        ),
        ignored=straight(case.ignored),
        roi=straight(case.roi),
    )


def of_dimension(case: Case, dim: int, path: pathlib.Path, *, flat: bool) -> Case:
    """Return a case as patches of `dim` sides take it: for 2, without the axis of its one slice, if it has one.

    Raises:
        InputError: The case is a flat picture and patches have three sides.
    """
    shape, spacing = case.reference.shape, case.spacing
    if dim == 3:
        if flat:
            raise InputError(f"{readers.short(path)}: a flat picture, but `patch.size` has 3 sizes. Give 2, as [y, x].")
        return case
    if 1 not in shape:
        return case
    axis = shape.index(1)
    return Case(
        case.image.squeeze(axis + 1),
        case.reference.squeeze(axis),
        None if spacing is None else spacing[:axis] + spacing[axis + 1 :],
        case.warnings,
        None if case.ignored is None else case.ignored.squeeze(axis),
        None if case.roi is None else case.roi.squeeze(axis),
        mask_values=case.mask_values,
    )
