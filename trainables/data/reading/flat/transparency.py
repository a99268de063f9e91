"""Transparency of masks: a mask may stand in the alpha channel; where colours and alpha disagree it is refused."""

import dataclasses
import pathlib

import numpy as np

from trainables.data.reading.flat.pixels import Pixels
from trainables.data.reading.raw import short
from trainables.errors import InputError

TAKEN = "the mask stands in its transparency: alpha (0 is transparent) is taken as its values"
UNUSED = "it has transparency, which is not used"


def varies(pixels: Pixels) -> bool:
    """Return whether some pixels are more transparent than others."""
    return pixels.alpha is not None and bool((pixels.alpha != pixels.alpha.flat[0]).any())


def resolved(pixels: Pixels, path: pathlib.Path) -> tuple[Pixels, tuple[str, ...]]:
    """Return a mask without transparency, and notes.

    Colours that are the same everywhere leave the alpha channel as the mask. Otherwise transparent pixels must be 0 (or
    black) already, since a value that nobody sees may or may not be meant.

    Raises:
        InputError: Transparent pixels have other values than 0 while the visible ones vary.
    """
    alpha = pixels.alpha
    if alpha is None or not varies(pixels):
        return dataclasses.replace(pixels, alpha=None), ()
    colours = pixels.values if pixels.palette is None else pixels.palette[pixels.values]
    if (colours == colours[:1, :1]).all():
        return Pixels(alpha, orientation=pixels.orientation), (TAKEN,)
    hidden = _is_not_zero(pixels.values) & (alpha < pixels.opaque)
    if hidden.any():
        raise InputError(
            f"{short(path)}: a mask with transparency: {int(hidden.sum()):,} of its transparent pixels have a value "
            "other than 0, and nobody can know which is meant. Save it without transparency (alpha channel)."
        )
    return dataclasses.replace(pixels, alpha=None), ()


def _is_not_zero(values: np.ndarray) -> np.ndarray:
    other: np.ndarray = values != 0
    return other if values.ndim == 2 else np.asarray(other.any(axis=-1))
