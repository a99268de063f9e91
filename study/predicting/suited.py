"""Comparison of a new image with what an arm's networks were trained on: refused, or said, never passed over."""

from collections.abc import Iterator

from study.predicting.trained_arm import TrainedArm
from trainables.data.cases.unlabelled import Unlabelled
from trainables.data.inspecting.measure import content_digest
from trainables.data.reading.readers import short
from trainables.data.reading.volume import times
from trainables.errors import InputError

FURTHER = 1.1
"""Factor by which a voxel may be larger or smaller than all that a network was trained on."""


def refuse_unsuited(read: Unlabelled, arm: TrainedArm, *, any_spacing: bool) -> None:
    """Refuse an image whose channels, dimensions or voxel size the networks were not trained for.

    The orientation needs no comparison: every image is turned to the axes closest to right, front and head.

    Args:
        read: The image.
        arm: The networks.
        any_spacing: Whether voxels of other sizes are let through where the study does not resample.

    Raises:
        InputError: One line that begins with the file.
    """
    name, case = short(read.stored.path), read.case
    if len(case.image) != arm.channels:
        raise InputError(
            f"{name}: {len(case.image)} channels; {arm.arm} was trained on {arm.channels}. Give one file with all, or "
            "NAME_0000, NAME_0001, …"
        )
    dims = {len(known.facts["shape"]) for known in arm.cases}
    if case.reference.ndim not in dims:
        what = "flat" if case.reference.ndim == 2 else "a volume"
        raise InputError(f"{name}: {what}, of {times(case.reference.shape)} voxels; {arm.arm} was trained on others.")
    if not any_spacing and (found := _other_spacing(read, arm)) is not None:
        raise InputError(
            f"{name}: {found}, and the study does not resample (preprocess.spacing: native). Resample the image, or "
            "let it through by --any-spacing."
        )


def _other_spacing(read: Unlabelled, arm: TrainedArm) -> str | None:
    """Return how an image's voxel size differs from those trained on; None where it does not, or is resampled."""
    if arm.options.spacing != "native":
        return None
    ours = read.case.spacing
    known = [case.facts["spacing"] for case in arm.cases if case.facts["spacing"] is not None]
    known = [sides for sides in known if ours is None or len(sides) == len(ours)]
    if ours is None:
        return "no voxel size, unlike the images trained on" if len(known) == len(arm.cases) else None
    if not known:
        return None
    for axis, side in enumerate(ours):
        low, high = min(sides[axis] for sides in known), max(sides[axis] for sides in known)
        if not low / FURTHER <= side <= high * FURTHER:
            size = " x ".join(f"{one:g}" for one in ours)
            return f"voxels of {size} mm; those trained on are {low:g} to {high:g} mm along {'zyx'[-len(ours) :][axis]}"
    return None


def remarks(read: Unlabelled, arm: TrainedArm) -> Iterator[str]:
    """Yield what a person should know of an image, one line each, without its name."""
    yield from read.case.warnings
    if (case := arm.seen.get(content_digest(read.case.image))) is not None:
        yield f"the same image as {case}, which a network was trained or chosen by: its prediction tests nothing"
