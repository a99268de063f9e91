"""Pixels of a picture as stored, in any mode that Pillow gives: grey values, palette indices or colours, and alpha."""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from trainables.data.reading.flat import deep, orientation, png
from trainables.data.reading.raw import short
from trainables.errors import InputError

CONVERTED = ("RGBX", "CMYK", "YCbCr", "HSV")
"""Modes whose colours Pillow converts to red, green and blue."""
BITS_PER_SAMPLE, PHOTOMETRIC, SAMPLE_FORMAT = 258, 262, 339
"""TIFF tags."""
SIGNED, WHITE_IS_ZERO = 2, 0


@dataclasses.dataclass(frozen=True, eq=False)
class Pixels:
    """Pixels of a picture before its colours are treated.

    Attributes:
        values: `(y, x)` grey values or palette indices as stored, or `(y, x, 3)` red, green and blue.
        alpha: `(y, x)`; 0 is transparent, `opaque` is not transparent at all; None without transparency.
        opaque: Greatest alpha.
        palette: `(n, 3)` uint8 colour of each index; None where `values` are no indices.
        levels: Grey value that viewers show for each stored value, where that differs: of 1, 2 and 4-bit pictures, and
            of palettes that are grey; None elsewhere.
        orientation: EXIF orientation that the picture asks for.
    """

    values: np.ndarray
    alpha: np.ndarray | None = None
    opaque: int = 255
    palette: np.ndarray | None = None
    levels: np.ndarray | None = None
    orientation: int = orientation.UPRIGHT


def pixels_of(picture: Any, path: pathlib.Path) -> Pixels:
    """Decode an opened picture.

    Raises:
        InputError: Its mode is not supported.
    """
    is_tiff = picture.format == "TIFF"
    before = orientation.asked(picture) if is_tiff else orientation.UPRIGHT  # Pillow turns TIFFs, then forgets it
    if deep.has_deep_colours(picture):
        values, alpha = deep.read(picture, path)
        found = Pixels(values, alpha, deep.OPAQUE)
        found = _with_transparent_value(found, picture.info.get("transparency"))
    else:
        bits, facts = _bits(picture, path), _tiff_facts(picture)
        picture.load()
        found = _decoded(picture, path, bits, facts)
    asked = orientation.asked(picture) if before == orientation.UPRIGHT else before
    found = dataclasses.replace(found, orientation=asked)
    return _turned_back(found) if is_tiff else found


def _turned_back(found: Pixels) -> Pixels:
    values = orientation.as_stored(found.values, found.orientation)
    alpha = None if found.alpha is None else orientation.as_stored(found.alpha, found.orientation)
    return dataclasses.replace(found, values=values, alpha=alpha)


def _decoded(picture: Any, path: pathlib.Path, bits: int, facts: tuple[int, int]) -> Pixels:
    mode, transparent = picture.mode, picture.info.get("transparency")
    if mode in ("P", "PA"):
        return _indexed(picture, transparent)
    if mode in ("L", "LA", "1", "I", "F") or mode.startswith("I;16"):
        alpha = np.asarray(picture.getchannel("A")) if mode == "LA" else None
        values, levels = _grey(np.asarray(picture.getchannel("L") if mode == "LA" else picture), bits, facts)
        return _with_transparent_value(Pixels(values, alpha, levels=levels), transparent)
    if mode == "RGBA":
        samples = np.asarray(picture)
        return Pixels(samples[..., :3], samples[..., 3])
    if mode == "RGB" or mode in CONVERTED:
        return _with_transparent_value(Pixels(np.asarray(picture.convert("RGB"))), transparent)
    raise InputError(f"{short(path)}: its pixels are of mode {mode}, which is not read. Save it as grey or RGB.")


def _indexed(picture: Any, transparent: object) -> Pixels:
    indices = np.asarray(picture.getchannel("P") if picture.mode == "PA" else picture)
    palette = np.zeros((256, 3), np.uint8)
    given = np.array(picture.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    palette[: len(given)] = given
    if picture.mode == "PA":
        alpha = np.asarray(picture.getchannel("A"))
    elif transparent is None:
        alpha = None
    else:
        table = np.full(256, 255, np.uint8)
        if isinstance(transparent, bytes):
            table[: len(transparent)] = np.frombuffer(transparent[:256], np.uint8)
        elif isinstance(transparent, int):
            table[transparent] = 0
        alpha = table[indices]
    used = np.flatnonzero(np.bincount(indices.reshape(-1), minlength=256))
    grey = bool((palette[used] == palette[used, :1]).all())
    levels = palette[:, 0] if grey and (palette[used, 0] != used).any() else None
    return Pixels(indices, alpha, palette=palette, levels=levels)


def _grey(values: np.ndarray, bits: int, facts: tuple[int, int]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return grey values as stored, and the levels of less than 8 bits, which Pillow spreads over 0 to 255."""
    sample_format, photometric = facts
    if values.dtype == bool:
        return values.astype(np.uint8), np.array([0, 255], np.uint8)
    if bits in (2, 4) and values.dtype == np.uint8:
        factor = 255 // (2**bits - 1)
        return values // factor, (np.arange(2**bits) * factor).astype(np.uint8)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype == np.uint8 and sample_format == SIGNED:
        return values.view(np.int8), None
    if values.dtype == np.int32 and bits == 32 and sample_format == 1:
        return values.view(np.uint32), None  # Pillow shows 2**31 and more as negative
    if values.dtype == np.uint16 and photometric == WHITE_IS_ZERO:
        return np.asarray(np.uint16(2**bits - 1) - values), None  # of 8 bits Pillow does so itself
    return values, None


def _bits(picture: Any, path: pathlib.Path) -> int:
    """Return bits of a sample where the file tells; 0 where it does not matter."""
    if picture.format == "PNG":
        return png.header(path).bits
    if picture.format == "TIFF":
        return int(picture.tag_v2.get(BITS_PER_SAMPLE, (1,))[0])
    return 0


def _tiff_facts(picture: Any) -> tuple[int, int]:
    """Return sample format and photometric interpretation."""
    if picture.format != "TIFF":
        return 1, 1
    formats, photometric = picture.tag_v2.get(SAMPLE_FORMAT, (1,)), picture.tag_v2.get(PHOTOMETRIC, 1)
    return int(formats[0]), int(photometric)


def _with_transparent_value(found: Pixels, transparent: object) -> Pixels:
    """Make alpha of the one grey value or colour that a PNG names as transparent."""
    if found.alpha is not None or not isinstance(transparent, int | tuple):
        return found
    hidden = found.values == np.array(transparent)
    if found.values.ndim == 3:
        hidden = hidden.all(axis=-1)
    return dataclasses.replace(found, alpha=np.where(hidden, 0, found.opaque).astype(np.uint16))
