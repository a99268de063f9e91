"""EXIF orientation: pixels are taken as stored in every format, as nnU-Net and MONAI take them, and a note says so."""

from typing import Any

import numpy as np

TAG = 0x0112
UPRIGHT = 1


def asked(picture: Any) -> int:
    """Return the orientation that a loaded picture asks for, 1 to 8; 1 is upright."""
    found = picture.getexif().get(TAG, UPRIGHT)
    return found if isinstance(found, int) and 1 <= found <= 8 else UPRIGHT


def as_stored(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo a turn, which Pillow applies to TIFF files alone.

    Args:
        pixels: `(y, x)` or `(y, x, samples)`, turned as `orientation` asks.
        orientation: 1 to 8.
    """
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 7, 8):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 6, 7):
        pixels = pixels[::-1]
    return pixels


def note(orientation: int) -> str:
    """Return the note of a picture that asks to be turned."""
    return (
        f"EXIF orientation {orientation} asks viewers to turn the picture; pixels are taken as stored, so its mask "
        "must not be turned either"
    )
