"""Memory that a case takes while it is prepared, predicted and scored, estimated before any of it is allocated."""

import math
from collections.abc import Sequence

from trainables import host_memory
from trainables.errors import InputError

FLOAT = 4


def needed(shape: Sequence[int], prepared: Sequence[int], *, channels: int, classes: int) -> int:
    """Return the bytes that one process takes for a case at its peak, at least.

    On its own grid a case holds its image, its reference and its picture; on the training grid its image and label;
    in prediction a score of each class there.

    Args:
        shape: Voxels of the case's own grid.
        prepared: Voxels of the training grid.
        channels: Image channels.
        classes: Classes, background included.
    """
    own = math.prod(shape) * (FLOAT * channels + 2)
    return own + math.prod(prepared) * (FLOAT * (channels + classes) + 1)


def refuse_too_large(
    shape: Sequence[int], prepared: Sequence[int], *, channels: int, classes: int, spacing: object
) -> None:
    """Refuse a training grid that this machine's memory does not hold; arguments as of `needed`.

    Args:
        shape: See there.
        prepared: See there.
        channels: See there.
        classes: See there.
        spacing: `preprocess.spacing` of the study, for the message.

    Raises:
        InputError: The line names both grids and the memory.
    """
    need, limit = needed(shape, prepared, channels=channels, classes=classes), host_memory.limit()
    if need <= limit:
        return
    own, made = (" x ".join(f"{side:,}" for side in sides) for sides in (shape, prepared))
    how, remedy = f"its {own} voxels need", "Crop it (preprocess.crop), or exclude the case"
    if isinstance(spacing, tuple):
        how = f"preprocess.spacing {list(spacing)} makes its {own} voxels {made}, which need"
        remedy = "Give larger voxels: sides are in mm"
    raise InputError(
        f"{how} about {host_memory.shown(need)} of memory; this machine has {host_memory.shown(limit)}. {remedy}."
    )
