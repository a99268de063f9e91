"""Colours of 16 bits a sample, of which Pillow gives the upper 8: the lower 8 are decoded in a second pass."""

import io
import pathlib
import re
from typing import Any

import numpy as np

from trainables.data.reading.flat import png
from trainables.data.reading.raw import short
from trainables.errors import InputError

OPAQUE = 65535
LAYOUT = re.compile(r"([A-Za-z]+);16([BLN])")
"""Pillow's name of the samples in the file: bands, then the order of bytes (big, little, this machine's)."""
READ = ("RGB", "RGBA", "RGBX")
PLANAR_CONFIGURATION, SEPARATE, BITS_PER_SAMPLE = 284, 2, 258


def has_deep_colours(picture: Any) -> bool:
    """Return whether a picture that is not loaded yet has several samples of 16 bits."""
    if any(_layout(tile) is not None for tile in picture.tile):
        return True
    return picture.format == "TIFF" and len(picture.getbands()) > 1 and max(picture.tag_v2.get(BITS_PER_SAMPLE)) > 8


def read(picture: Any, path: pathlib.Path) -> tuple[np.ndarray, np.ndarray | None]:
    """Decode a picture of deep colours.

    Args:
        picture: Opened, not loaded.
        path: Its file.

    Returns:
        `(y, x)` grey or `(y, x, 3)` red, green and blue, and alpha `(y, x)` or None; uint16.

    Raises:
        InputError: Its samples are in separate planes, or of other colours than grey or RGB.
    """
    layouts = {_layout(tile) for tile in picture.tile}
    layout = layouts.pop() if len(layouts) == 1 else None
    separate = picture.format == "TIFF" and picture.tag_v2.get(PLANAR_CONFIGURATION) == SEPARATE
    if layout is not None and layout[0] == "LA" and picture.format == "PNG":
        return _grey_and_alpha(path)
    if layout is None or layout[0] not in READ or separate:
        how = "in separate planes" if separate else f"as {layout[0] if layout else picture.mode}"
        raise InputError(f"{short(path)}: colours of 16 bits {how} are not read. Save it as RGB, or as 16-bit grey.")
    upper, lower = (_decoded(path, picture, kept) for kept in ("upper", "lower"))
    samples = upper.astype(np.uint16) << 8 | lower
    return samples[..., :3], samples[..., 3] if picture.mode == "RGBA" else None


def _layout(tile: Any) -> tuple[str, str] | None:
    args = tile.args if isinstance(tile.args, str) else tile.args[0] if tile.args else ""
    match = LAYOUT.fullmatch(args) if isinstance(args, str) else None
    return None if match is None or match[1] == "I" else (match[1], match[2])


def _decoded(path: pathlib.Path, picture: Any, kept: str) -> np.ndarray:
    """Return one byte of each sample; told the wrong order of bytes, Pillow keeps the lower one."""
    with path.open("rb") as file:
        again = type(picture)(file)
        if kept == "lower":
            again.tile = [_swapped(tile) for tile in again.tile]
        again.load()
        return np.asarray(again)


def _swapped(tile: Any) -> Any:
    layout = _layout(tile)
    assert layout is not None, "only deep colours are decoded twice"
    little = layout[1] == "L" or (layout[1] == "N" and np.little_endian)
    name = f"{layout[0]};16{'B' if little else 'L'}"
    return tile._replace(args=name if isinstance(tile.args, str) else (name, *tile.args[1:]))


def _grey_and_alpha(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
    from PIL.PngImagePlugin import PngImageFile

    with PngImageFile(io.BytesIO(png.as_bytes_of_rgba(path))) as picture:
        picture.load()
        samples = np.asarray(picture).astype(np.uint16)
    return samples[..., 0] << 8 | samples[..., 1], samples[..., 2] << 8 | samples[..., 3]
