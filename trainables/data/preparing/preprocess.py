"""Preprocessing: turns a checked case into the arrays for training and scoring. Pure functions of content."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from trainables.data.cases.area import Box, slices
from trainables.data.cases.case import Case
from trainables.data.cases.label_values import IGNORED
from trainables.data.cases.options import PreprocessOptions
from trainables.data.preparing import resample
from trainables.data.preparing.components import components_of, thinned
from trainables.data.preparing.normalization import CHUNK, normalize, percentiles
from trainables.errors import InputError

FOREGROUND_CAP = 10_000
"""Voxels kept of each class as centres of foreground patches."""
GREY_SAMPLE = 1_000_000


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
    """A case ready for training and scoring.

    Attributes:
        image: float32 `(channel, *spatial)` on the training grid, normalised (with `zscore_training` not yet).
        label: uint8 class indices `(*spatial)`; `labels.IGNORED` (255) where a voxel is not trained on.
        foreground: int32 flat indices into `label`: of each class in turn at most 10,000 voxels, spread evenly.
        foreground_counts: How many of them belong to each class, background's being 0.
        reference: uint8 class indices on the original grid; 0 where a voxel is not scored.
        grey: uint8 picture of the first channel on the original grid.
        spacing: mm of the training grid; None where unknown.
        reference_spacing: mm of the original grid; None where unknown: then distances are in pixels.
        padding: For each channel the value that stands for "nothing here" beyond the edges; None is 0 after the
            normalisation that `zscore_training` leaves to the reader.
        box: The box of the original grid that the training grid spans; None is all of it.
        excluded: True where a voxel of the original grid is not scored; None where all are.
        foreground_intensities: float32 `(channel, n)` of at most 10,000 foreground voxels on the training grid, where
            `zscore_training` asks for them.
        components: int32 `(*spatial)`: lesion numbers on the training grid (`components.Components.numbers`); None
            where they were not asked for, as the two below.
        component_voxels: int32 flat indices into `components`, component by component.
        component_counts: How many of them belong to each component.
    """

    image: np.ndarray
    label: np.ndarray
    foreground: np.ndarray
    foreground_counts: tuple[int, ...]
    reference: np.ndarray
    grey: np.ndarray
    spacing: tuple[float, ...] | None
    reference_spacing: tuple[float, ...] | None
    padding: tuple[float | None, ...]
    box: Box | None = None
    excluded: np.ndarray | None = None
    foreground_intensities: np.ndarray | None = None
    components: np.ndarray | None = None
    component_voxels: np.ndarray | None = None
    component_counts: tuple[int, ...] | None = None


def prepare(case: Case, options: PreprocessOptions, label: np.ndarray | None = None) -> Prepared:
    """Prepare a case: crop, resample, fill outside its ROI, clip, normalise, in this order.

    Held in memory at once: the case as it was read (4 bytes a voxel and channel, 1 for the reference), what comes out
    (4 bytes a voxel of the training grid and channel, 1 for the label, 1 for the picture), and one channel between the
    two grids. On its own grid a case of one channel takes 11 to 13 bytes a voxel (`benchmarks/large_volume.py`).

    Args:
        case: The case.
        options: Preprocessing of the case.
        label: Its `training_label`, where that was computed already.

    Raises:
        InputError: A voxel size is asked for and the case's own is unknown, or `normalize` names another number of
            channels.
    """
    check_channels(case, options)
    label = training_label(case, options) if label is None else label
    shape = label.shape
    image, padding = training_image(case, options, shape)
    foreground, counts = foreground_sample(label, len(options.classes))
    same_box = case.spacing is not None and options.spacing != "unknown"
    return Prepared(
        image=image,
        label=label,
        foreground=foreground,
        foreground_counts=counts,
        reference=scored_reference(case),
        grey=grey_levels(case.image[0], options.clip),
        spacing=_true_spacing(case, shape) if same_box else None,
        reference_spacing=case.spacing if same_box else None,
        padding=padding,
        box=case.box,
        excluded=case.excluded,
        foreground_intensities=_of_foreground(image, label) if options.scaled_by_training else None,
        **(_lesions(label, options) if options.components else {}),
    )


def training_image(
    case: Case, options: PreprocessOptions, shape: tuple[int, ...]
) -> tuple[np.ndarray, tuple[float | None, ...]]:
    """Return a case's image on the training grid, normalised, and each channel's padding (as of `Prepared`).

    Args:
        case: The case.
        options: What to do to it.
        shape: Its `training_shape`.
    """
    image = np.empty((len(case.image), *shape), np.float32)
    for channel, volume in enumerate(image):
        _fill_channel(volume, case, options, channel)
    return image, tuple(_padding(volume, options, channel) for channel, volume in enumerate(image))


def _lesions(label: np.ndarray, options: PreprocessOptions) -> dict[str, Any]:
    """Return `Prepared`'s fields about components."""
    found = components_of(label, len(options.classes))
    return {
        "components": found.numbers,
        "component_voxels": found.voxels,
        "component_counts": found.counts,
    }


def training_label(case: Case, options: PreprocessOptions) -> np.ndarray:
    """Class indices on the training grid, uint8; `labels.IGNORED` where a voxel is ignored.

    Raises:
        InputError: A voxel size is asked for and the case's own is unknown.
    """
    count, shape = len(options.classes), training_shape(case, options)
    reference = case.reference[case.kept]
    if options.outside_roi == "minimum" and case.roi is not None:
        reference = np.where(case.roi[case.kept], reference, np.uint8(0))
    if case.ignored is None:
        return resample.class_map(reference, shape, count)
    label = resample.class_map(np.where(case.ignored[case.kept], np.uint8(count), reference), shape, count + 1)
    label[label == count] = IGNORED
    return label


def scored_reference(case: Case) -> np.ndarray:
    """Class indices on the original grid, uint8; 0 where a voxel is not scored."""
    excluded = case.excluded
    return case.reference if excluded is None else np.where(excluded, np.uint8(0), case.reference)


def check_channels(case: Case, options: PreprocessOptions) -> None:
    """Compare the number of channels in the options with the image's.

    Raises:
        InputError: The numbers differ.
    """
    if not isinstance(options.normalize, str) and len(options.normalize) != len(case.image):
        raise InputError(
            f"`preprocess.normalize` is given for {len(options.normalize)} channels, the image has {len(case.image)}. "
            "Give one for each."
        )


def training_shape(case: Case, options: PreprocessOptions) -> tuple[int, ...]:
    """Return the shape of the training grid."""
    kept = case.reference[case.kept].shape
    if not isinstance(options.spacing, tuple):
        return kept
    if case.spacing is None:
        raise InputError(
            "the voxel size is unknown (PNG and JPEG have none), but `preprocess.spacing` asks for "
            f"{list(options.spacing)} mm. Set it to `native`."
        )
    apart = case.spacing[: len(kept) - len(options.spacing)]  # where patches are slices, slices stay as they are
    return resample.shape_at(kept, case.spacing, (*apart, *options.spacing))


def _true_spacing(case: Case, shape: tuple[int, ...]) -> tuple[float, ...]:
    assert case.spacing is not None
    kept = case.reference[case.kept].shape
    sides = [size * old / new for size, old, new in zip(kept, case.spacing, shape, strict=True)]
    return tuple(round(side, 6) if side >= 0.1 else float(f"{side:.6g}") for side in sides)  # of microscopes too


def _fill_channel(volume: np.ndarray, case: Case, options: PreprocessOptions, channel: int) -> None:
    """Fill `volume`, float32 on the training grid, with one channel; makes no second array of its size."""
    stored, how = case.image[channel][case.kept], options.normalization(channel)
    volume[...] = resample.image(stored, volume.shape)
    if options.outside_roi == "minimum" and case.roi is not None:
        outside = resample.class_map((~case.roi[case.kept]).astype(np.uint8), volume.shape, 2)
        volume[outside > 0] = volume.min()
    inside = None
    if how == "zscore_nonzero":
        inside = resample.class_map((stored != 0).astype(np.uint8), volume.shape, 2).astype(bool)
    if how == "zscore_training":
        normalize(volume, options.clip, "none")
        return
    clip = options.clip
    if options.percentiles is not None:
        clip = percentiles(volume if inside is None else volume[inside], options.percentiles)
    normalize(volume, clip, how, inside)


def _padding(volume: np.ndarray, options: PreprocessOptions, channel: int) -> float | None:
    """Return the padding value of a channel on the training grid."""
    how = options.normalization(channel)
    if options.pad == "minimum" or how in ("minmax", "none"):
        return float(volume.min())
    return None if how == "zscore_training" else 0.0


def _of_foreground(image: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Return intensities of at most `FOREGROUND_CAP` foreground voxels, spread evenly: every case has equal weight."""
    chosen = thinned(np.flatnonzero((label > 0) & (label < IGNORED)), FOREGROUND_CAP, 0)
    return np.ascontiguousarray(image.reshape(len(image), -1)[:, chosen])


def foreground_sample(label: np.ndarray, classes: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """Choose the voxels that foreground patches are centred on.

    Args:
        label: Class indices.
        classes: Number of classes, background included.

    Returns:
        Flat indices, class by class, and how many there are of each class: all, or 10,000 spread evenly (`thinned`).
    """
    flat = label.reshape(-1)
    chosen, counts = [], [0]
    for index in range(1, classes):
        voxels = thinned(np.flatnonzero(flat == index), FOREGROUND_CAP, index)
        chosen.append(voxels.astype(np.int32))
        counts.append(len(voxels))
    return np.concatenate(chosen), tuple(counts)


def grey_levels(volume: np.ndarray, clip: tuple[float, float] | None) -> np.ndarray:
    """Return a volume as uint8 for pictures, scaled from `clip`, or from its 0.5th to 99.5th percentile."""
    if clip is None:
        sample = volume.reshape(-1)[:: max(1, volume.size // GREY_SAMPLE)]
        low, high = float(np.percentile(sample, 0.5)), float(np.percentile(sample, 99.5))
    else:
        low, high = clip
    flat, grey = volume.reshape(-1), np.empty(volume.shape, np.uint8)
    for start in range(0, flat.size, CHUNK):
        part = np.clip(flat[start : start + CHUNK], np.float32(low), np.float32(high))
        part -= np.float32(low)
        part *= np.float32(255 / max(high - low, 1e-30))
        grey.reshape(-1)[start : start + CHUNK] = np.rint(part)
    return grey


def ceilings(
    label: np.ndarray,
    reference: np.ndarray,
    regions: Mapping[str, tuple[int, ...]],
    classes: int,
    *,
    box: Box | None = None,
    excluded: np.ndarray | None = None,
) -> dict[str, float | None]:
    """Return the highest possible Dice: that of the reference resampled to the training grid and back.

    Args:
        label: Class indices on the training grid.
        reference: Class indices on the original grid.
        regions: Region → class indices whose union it is.
        classes: Number of classes, background included.
        box: The part of the original grid that the training grid spans; None is all.
        excluded: True where a voxel is not scored; None where all are.

    Returns:
        Dice of each region in `[0, 1]`; None where the reference has nothing of it.
    """
    kept = reference.shape if box is None else tuple(high - low for low, high in box)
    returned = resample.class_map(np.where(label == IGNORED, np.uint8(0), label), kept, classes)
    if box is not None:
        whole = np.zeros(reference.shape, np.uint8)
        whole[slices(box)] = returned
        returned = whole
    if excluded is not None:
        returned = np.where(excluded, np.uint8(0), returned)
    dice: dict[str, float | None] = {}
    for region, members in regions.items():
        member = np.zeros(256, bool)
        member[list(members)] = True
        truth, guess = member[reference], member[returned]
        total = int(truth.sum()) + int(guess.sum())
        dice[region] = 2 * int((truth & guess).sum()) / total if truth.any() else None
    return dice
