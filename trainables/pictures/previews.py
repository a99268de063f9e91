"""Makes previews: one slice of a case with reference and prediction, small enough for the ledger."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from trainables.pictures.kept import Preview

LONGEST = 256
"""Pixels of a preview's longer side at most."""

Pixels = NDArray[np.uint8]


def preview(
    case: str, grey: Pixels, reference: Pixels, prediction: Pixels, *, spacing: Sequence[float] | None
) -> Preview:
    """Make the preview of a case: the slice with most of the reference, or the middle one if it is empty.

    Volumes are shown as radiologists do: front at the top, the patient's right on the left. Pixels become square.

    Args:
        case: The case's name.
        grey: Image on the original grid, `[z, y, x]` of closest RAS or `[y, x]`, windowed to 0 to 255.
        reference: Class indices, likewise.
        prediction: Class indices, likewise.
        spacing: mm along the same axes; None where it is unknown.
    """
    index = 0
    if grey.ndim == 3:
        index = fullest_slice(reference)
        grey, reference, prediction = (np.flip(volume[index]) for volume in (grey, reference, prediction))
    shape = size_of(grey.shape, spacing[-2:] if spacing is not None else (1.0, 1.0))
    return Preview.of(case, index, smooth(grey, shape), nearest(reference, shape), nearest(prediction, shape))


def fullest_slice(reference: Pixels) -> int:
    """Return the index of the slice with most foreground (ties: the first), or the middle one without any."""
    areas = np.count_nonzero(reference, axis=(1, 2))
    return int(areas.argmax()) if areas.any() else len(areas) // 2


def size_of(shape: Sequence[int], spacing: Sequence[float], longest: int = LONGEST) -> tuple[int, int]:
    """Return rows and columns of square pixels that show `shape` pixels of `spacing`, at most `longest`."""
    lengths = [n * s / min(spacing) for n, s in zip(shape, spacing, strict=True)]
    scale = min(1.0, longest / max(lengths))
    rows, columns = (max(1, round(length * scale)) for length in lengths)
    return rows, columns


def smooth(image: Pixels, shape: tuple[int, int]) -> Pixels:
    """Resize by linear interpolation; downsampling averages."""
    if image.shape == shape:
        return image
    given = torch.from_numpy(np.array(image, dtype=np.float32))[None, None]
    scaled = torch.nn.functional.interpolate(given, shape, mode="bilinear", antialias=True)
    return scaled[0, 0].round().clamp(0, 255).to(torch.uint8).numpy()


def nearest(labels: Pixels, shape: tuple[int, int]) -> Pixels:
    """Resize class indices: each pixel takes the class under its centre."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.intp) for new, old in zip(shape, labels.shape, strict=True)
    )
    return labels[np.ix_(rows, columns)]
