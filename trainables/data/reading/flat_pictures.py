"""Flat pictures (PNG, JPEG, TIFF, BMP): one slice, without a position in space."""

import pathlib
from typing import Any

import numpy as np

from trainables.data.reading.raw import Colour, Raw, short
from trainables.errors import InputError

LOSSY = (".jpg", ".jpeg")
"""Endings of formats that blur values, so that a mask's colours or numbers are near what was meant, not equal."""


def read_picture(path: pathlib.Path, colour: Colour) -> Raw:
    """A picture of one page as `(y, x)`; as `(y, x, 3)` where colours are to be channels, grey pictures too."""
    from PIL import Image

    with Image.open(path) as picture:
        pages = getattr(picture, "n_frames", 1)
        if pages > 1:
            raise InputError(f"{short(path)}: {pages} pages in one file. Write one file for each slice.")
        picture.load()
        if colour == "channels":
            return Raw(_three_channels(picture), None)
        return Raw(_one_channel(picture, path, colour), None)


def _three_channels(picture: Any) -> np.ndarray:
    """Red, green, blue; of a grey picture three times the same, so that all cases have as many channels."""
    grey = _as_stored(picture)
    if grey is not None and picture.mode != "P":
        return np.repeat(grey[..., np.newaxis], 3, axis=-1)
    return np.asarray(picture.convert("RGB"))


def _one_channel(picture: Any, path: pathlib.Path, colour: Colour) -> np.ndarray:
    """`(y, x)`; a palette's indices are a mask's values, but an image's colours."""
    stored = _as_stored(picture)
    if stored is not None and not (picture.mode == "P" and colour == "grey"):
        return stored
    colours = np.asarray(picture.convert("RGB"))
    if (colours == colours[..., :1]).all():
        return np.ascontiguousarray(colours[..., 0])
    if colour == "grey" or path.name.lower().endswith(LOSSY):
        return np.asarray(picture.convert("RGB").convert("L"))
    raise InputError(f"{short(path)}: a mask in colours. Save class numbers as grey values (or palette indices).")


def _as_stored(picture: Any) -> np.ndarray | None:
    """The picture's own numbers, without its transparency; None where it has colours."""
    if picture.mode == "LA":
        return np.asarray(picture.getchannel("L"))
    if picture.mode in ("L", "I", "F", "1", "P") or picture.mode.startswith("I;16"):
        array = np.asarray(picture)
        return array.astype(np.uint8) if array.dtype == bool else array
    return None
