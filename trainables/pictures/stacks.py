"""Stacks: slices of a volume through its reference, as thumbnails, to scroll through on a page."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainables.pictures.kept import Preview, Stack
from trainables.pictures.previews import nearest, size_of, smooth

MOST = 16
"""Slices at most."""
LONGEST = 160
"""Pixels of a slice's longer side at most: half a megabyte a case before it is deflated."""
LEVELS = 64
"""Grey levels: the eye misses none, and noise that is not kept takes no bytes."""

Pixels = NDArray[np.uint8]


def slices_through(reference: Pixels, most: int = MOST) -> tuple[int, ...]:
    """Choose indices along z, evenly from below the reference to above it, its fullest slice among them.

    The choice depends on the reference alone: every prediction is shown on the same slices.

    Args:
        reference: Class indices `[z, y, x]`; without foreground the whole volume is gone through.
        most: Slices at most.
    """
    areas = np.count_nonzero(reference, axis=(1, 2))
    there = np.flatnonzero(areas)
    low, high = (int(there[0]), int(there[-1])) if there.size else (0, len(areas) - 1)
    if there.size:
        margin = max(1, round(0.15 * (high - low + 1)))
        low, high = max(0, low - margin), min(len(areas) - 1, high + margin)
    chosen = np.unique(np.linspace(low, high, min(most, high - low + 1)).round().astype(int)).tolist()
    if there.size:
        fullest = int(areas.argmax())
        nearest = min(range(len(chosen)), key=lambda at: abs(chosen[at] - fullest))
        chosen[nearest] = fullest
    return tuple(chosen)


def with_slices(
    shown: Preview, grey: Pixels, reference: Pixels, prediction: Pixels, *, spacing: Sequence[float] | None
) -> Preview:
    """Add a stack of slices through the reference to a preview; a 2D preview stays as it is.

    Args:
        shown: Result of `trainables.pictures.previews.preview` for the rest.
        grey: Image on the original grid, `[z, y, x]` of closest RAS, windowed to 0 to 255.
        reference: Class indices, likewise.
        prediction: Class indices, likewise.
        spacing: mm along the same axes; None where it is unknown.
    """
    if grey.ndim == 2:
        return shown
    chosen = slices_through(reference)
    shape = size_of(grey.shape[1:], spacing[1:] if spacing is not None else (1.0, 1.0), LONGEST)
    step = 256 // LEVELS
    image = [smooth(np.flip(grey[index]), shape) // step * step for index in chosen]
    classes = [[nearest(np.flip(labels[index]), shape) for index in chosen] for labels in (reference, prediction)]
    planes = (b"".join(plane.tobytes() for plane in planes) for planes in (image, *classes))
    return dataclasses.replace(shown, stack=Stack(chosen, shape, *planes))
