"""Flat pictures (PNG, JPEG, TIFF, BMP, GIF): one slice, without a position in space."""

import pathlib

import numpy as np

from trainables.data.reading.flat import orientation, transparency
from trainables.data.reading.flat.opened import ENDINGS, kind_of, opened
from trainables.data.reading.flat.pixels import Pixels, pixels_of
from trainables.data.reading.raw import Colour, Raw, short
from trainables.errors import InputError

LOSSY = (".jpg", ".jpeg")
"""Endings of formats that blur values, so that a mask's colours or numbers are near what was meant, not equal."""
LUMA = np.array([0.299, 0.587, 0.114])
"""Share of red, green and blue in a grey value.

Source: ITU-R BT.601.
"""
MADE_GREY = "its colours are made grey values; `dataset.colour: channels` keeps red, green and blue"


def read_picture(path: pathlib.Path, colour: Colour) -> Raw:
    """Read a picture of one page.

    Args:
        path: The file; its first bytes decide the format, and a note says so where its ending is another's.
        colour: `grey` gives `(y, x)` as viewers show it; `channels` gives `(y, x, 3)`, of grey pictures too; `refuse`,
            for masks, gives `(y, x)` values or palette indices as stored, with the grey values that viewers show for
            them (`Raw.levels`).

    Raises:
        InputError: It is damaged, has several pages, is too large for the memory, or is a mask in colours.
    """
    warnings = _misnamed(path, colour)
    with opened(path) as picture:
        lossy = picture.format == "JPEG"
        pixels = pixels_of(picture, path)
    if pixels.orientation != orientation.UPRIGHT:
        warnings += (orientation.note(pixels.orientation),)
    if colour == "refuse":
        pixels, said = transparency.resolved(pixels, path)
        return Raw(_mask(pixels, path, lossy), None, warnings=(*warnings, *said), levels=pixels.levels)
    if transparency.varies(pixels):
        warnings += (transparency.UNUSED,)
    shown = _shown(pixels)
    if colour == "grey" and shown.ndim == 3 and (shown != shown[..., :1]).any():
        warnings += (MADE_GREY,)
    return Raw(_three_channels(shown) if colour == "channels" else _grey(shown), None, warnings=warnings)


def _misnamed(path: pathlib.Path, colour: Colour) -> tuple[str, ...]:
    """Return a note on a file whose content is of another format than its ending says."""
    kind = kind_of(path)
    promised = next(kind for ending, kind in ENDINGS.items() if path.name.lower().endswith(ending))
    if kind is None or kind == promised:
        return ()
    if colour == "refuse" and kind == "JPEG":
        raise InputError(
            f"{short(path)}: a JPEG by content, which blurs the values of a mask. Name it .jpg and give each label a "
            "rule such as '>127', or export it again."
        )
    return (f"the file is a {kind} by content, whatever its ending says",)


def _shown(pixels: Pixels) -> np.ndarray:
    """Return `(y, x)` or `(y, x, 3)` values as viewers show them."""
    if pixels.levels is not None:
        return np.asarray(pixels.levels[pixels.values])
    return pixels.values if pixels.palette is None else np.asarray(pixels.palette[pixels.values])


def _three_channels(shown: np.ndarray) -> np.ndarray:
    """Return red, green and blue; a grey picture three times, so that all cases have as many channels."""
    return shown if shown.ndim == 3 else np.repeat(shown[..., np.newaxis], 3, axis=-1)


def _grey(shown: np.ndarray) -> np.ndarray:
    if shown.ndim == 2:
        return shown
    if (shown == shown[..., :1]).all():
        return np.ascontiguousarray(shown[..., 0])
    if shown.dtype == np.uint8:
        from PIL import Image

        return np.asarray(Image.fromarray(shown).convert("L"))
    return np.asarray(np.rint(shown @ LUMA), shown.dtype)


def _mask(pixels: Pixels, path: pathlib.Path, lossy: bool) -> np.ndarray:
    """Return `(y, x)` values as stored."""
    if pixels.values.ndim == 2:
        return pixels.values
    if lossy or (pixels.values == pixels.values[..., :1]).all():
        return _grey(pixels.values)
    raise InputError(f"{short(path)}: a mask in colours. Save class numbers as grey values (or palette indices).")
