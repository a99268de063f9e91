"""PNG files below Pillow: header fields, rows that end early, and 16-bit grey with transparency."""

import dataclasses
import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from trainables.data.reading.raw import short
from trainables.errors import InputError

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Colour type → samples of a pixel."""
INTERLACED = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Adam7's passes: first column, first row, step of columns, step of rows."""
PIECE = 1 << 20


@dataclasses.dataclass(frozen=True)
class Header:
    """Fields of a PNG's IHDR chunk."""

    width: int
    height: int
    bits: int
    colour_type: int
    interlaced: bool

    @property
    def row_bytes(self) -> int:
        """Return the bytes of all rows before compression, each with its filter type."""
        passes = INTERLACED if self.interlaced else ((0, 0, 1, 1),)
        total = 0
        for x, y, across, down in passes:
            columns, rows = -(-(self.width - x) // across), -(-(self.height - y) // down)
            if columns > 0 and rows > 0:
                total += rows * (1 + -(-columns * self.bits * SAMPLES.get(self.colour_type, 1) // 8))
        return total


def header(path: pathlib.Path) -> Header:
    """Return the header of a PNG.

    Raises:
        InputError: It is cut short.
    """
    with path.open("rb") as file:
        begin = file.read(29)
    if len(begin) < 29:
        raise InputError(f"{short(path)}: cannot be read: it ends within its header. Copy it again.")
    width, height, bits, colour_type, _, _, interlaced = struct.unpack(">IIBBBBB", begin[16:29])
    return Header(width, height, bits, colour_type, bool(interlaced))


def check_rows(path: pathlib.Path) -> None:
    """See that a PNG's compressed data hold all of its rows; Pillow fills missing ones with zeros without a word.

    Raises:
        InputError: Rows are missing.
    """
    expected, found = header(path).row_bytes, 0
    inflating = zlib.decompressobj()
    with path.open("rb") as file:
        try:
            for piece in _data(file):
                while piece and found < expected:
                    found += len(inflating.decompress(piece, PIECE))
                    piece = inflating.unconsumed_tail
                if found >= expected:
                    return
        except zlib.error:
            pass  # what came before the error counts
    if found < expected:
        raise InputError(
            f"{short(path)}: cannot be read: its rows end early, {found:,} of {expected:,} bytes. Copy it again."
        )


def as_bytes_of_rgba(path: pathlib.Path) -> bytes:
    """Return a PNG of 16-bit grey and alpha as one of 8-bit RGBA, whose four samples are the same four bytes.

    Filters work on bytes at the distance of a pixel, which is four bytes in both, so only the header changes. Pillow
    decodes the result without loss; of the original it keeps the upper 8 bits.
    """
    with path.open("rb") as file:
        begin = file.read(29)
        rows = b"".join(_data(file))
    fields = bytearray(begin[16:29])
    fields[8:10] = bytes((8, 6))
    return SIGNATURE + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in ((b"IHDR", bytes(fields)), (b"IDAT", rows), (b"IEND", b""))
    )


def _data(file: BinaryIO) -> Iterator[bytes]:
    """Yield the content of the IDAT chunks, at most a megabyte at a time."""
    file.seek(len(SIGNATURE))
    while len(begin := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", begin)
        if kind == b"IEND":
            return
        if kind != b"IDAT":
            file.seek(length + 4, 1)
            continue
        while length:
            piece = file.read(min(length, PIECE))
            if not piece:
                return
            length -= len(piece)
            yield piece
        file.seek(4, 1)
