"""Opens picture files by their first bytes, and looks at their size before any pixel is decoded."""

import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

from trainables import host_memory
from trainables.data.reading.flat import png
from trainables.data.reading.raw import short
from trainables.errors import InputError

SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"BM": "BMP",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
}
"""First bytes → format. Pillow knows many more, some of which start other programs; none of them is tried."""
ENDINGS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".bmp": "BMP",
    ".gif": "GIF",
}
"""Ending → format that it promises."""
BYTES_PER_PIXEL = 13
"""Memory that a case of one channel takes for each pixel while it is read, prepared and scored."""
SUPPORTED_TIFF = "1 to 16-bit, 32-bit and float32 grey values, 8 and 16-bit colours in one plane"


def kind_of(path: pathlib.Path) -> str | None:
    """Return the format of a picture by its first bytes; None if it is none of those that are read."""
    with path.open("rb") as file:
        begin = file.read(8)
    return next((kind for signature, kind in SIGNATURES.items() if begin.startswith(signature)), None)


@contextlib.contextmanager
def opened(path: pathlib.Path) -> Iterator[Any]:
    """Open a picture of one page with Pillow; pixels are not decoded yet.

    Raises:
        InputError: It is of no known format, is cut short, has several pages, or is too large for the memory.
    """
    kind = kind_of(path)
    if kind is None:
        promised = next(kind for ending, kind in ENDINGS.items() if path.name.lower().endswith(ending))
        empty = path.stat().st_size == 0
        raise InputError(
            f"{short(path)}: the file is empty. Copy it again."
            if empty
            else f"{short(path)}: cannot be read: it does not begin as a {promised} file. Is it damaged, or misnamed?"
        )
    with path.open("rb") as file:
        picture = _pillow(kind, file, path)
        _refuse_too_large(picture, path)
        if kind == "PNG":
            png.check_rows(path)
        pages = getattr(picture, "n_frames", 1)
        if pages > 1:
            what = "frames" if kind in ("PNG", "GIF") else "pages"
            raise InputError(f"{short(path)}: {pages} {what} in one file. Write one file for each slice.")
        yield picture


def _pillow(kind: str, file: Any, path: pathlib.Path) -> Any:
    """Return Pillow's picture; its own limit of 89 million pixels is for servers and is not applied here."""
    from PIL import BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

    classes: dict[str, Any] = {
        "PNG": PngImagePlugin.PngImageFile,
        "JPEG": JpegImagePlugin.JpegImageFile,  # of a file with several pictures, as telephones write it, the first
        "TIFF": TiffImagePlugin.TiffImageFile,
        "BMP": BmpImagePlugin.BmpImageFile,
        "GIF": GifImagePlugin.GifImageFile,
    }
    try:
        return classes[kind](file)  # no name: Pillow 13 maps named TIFFs and scrambles those of EXIF 5 to 8
    except SyntaxError as error:
        if kind != "TIFF":
            raise
        raise InputError(
            f"{short(path)}: cannot be read ({error}): it is damaged, or of a kind of TIFF that is not supported "
            f"(supported are {SUPPORTED_TIFF}). Copy it again, or convert it."
        ) from error


def _refuse_too_large(picture: Any, path: pathlib.Path) -> None:
    width, height = picture.size
    need = width * height * (BYTES_PER_PIXEL + 4 * (len(picture.getbands()) - 1))
    if need > host_memory.limit():
        raise InputError(
            f"{short(path)}: {height}x{width} = {width * height / 1e6:,.0f} million pixels need about "
            f"{host_memory.shown(need)} of memory, this machine has {host_memory.shown(host_memory.limit())}. "
            "Cut it into tiles, save it smaller, or list the case under `dataset.exclude`."
        )
