"""Voxel bytes of files, bounded by what a header explains: sizes are compared before bytes are read or inflated."""

import bz2
import contextlib
import dataclasses
import pathlib
import zlib
from collections.abc import Iterator
from typing import IO, Literal, Self

from trainables import host_memory
from trainables.data.reading.raw import short
from trainables.errors import InputError

Packing = Literal["none", "deflate", "bzip2"]
"""Compression of the bytes; `deflate` is zlib or gzip, told apart by the first bytes."""

GZIP = b"\x1f\x8b"
PIECE = 1 << 22
"""Bytes that are read or inflated at a time."""
MOST_PACKED: dict[Packing, int] = {"none": 1, "deflate": 1032, "bzip2": 50_000}
"""Largest possible ratio of inflated to packed bytes."""


@dataclasses.dataclass(frozen=True)
class Span:
    """Where the voxels of an image lie.

    Attributes:
        image: The file that the user named, for messages.
        data: The file with the voxels, often the same.
        start: First byte; of the inflated bytes where `inside` is set.
        expected: Number of bytes that the header explains, after inflating.
        packing: Compression.
        inside: Whether `start` counts inflated bytes, as in a `.nii.gz`.
    """

    image: pathlib.Path
    data: pathlib.Path
    start: int
    expected: int
    packing: Packing = "none"
    inside: bool = False


def read_span(span: Span) -> tuple[bytearray, int]:
    """Return the expected bytes, and how many more there are, counted up to as many again.

    Raises:
        InputError: There are fewer bytes, they are damaged, or no memory holds them. One line.
    """
    _refuse_impossible(span)
    content = bytearray(span.expected)
    with Source.open(span.data, span.packing, 0 if span.inside else span.start) as source:
        try:
            if span.inside:
                source.skip(span.start)
            found = source.fill(content)
        except (zlib.error, OSError, EOFError) as error:
            raise _truncated(span, source.given, str(error)) from error
        if found < span.expected:
            raise _truncated(span, found)
        if span.packing == "none":
            return content, span.data.stat().st_size - span.start - span.expected
        try:
            more = source.skip(max(span.expected, PIECE))
        except (zlib.error, OSError, EOFError) as error:
            raise _truncated(span, found, str(error)) from error
    return content, more


def judged_excess(span: Span, excess: int, *, known_start: bool, field: str = "HeaderSize = ") -> tuple[str, ...]:
    """Return a warning about bytes after the voxels that the header does not explain; nothing where there are none.

    Args:
        span: The voxels.
        excess: Number of bytes more.
        known_start: Whether the format says where voxels begin. Otherwise the bytes could stand before them.
        field: The header's field that would say so, up to its value.

    Raises:
        InputError: There are too many bytes for the header to be right, or their side is unknown.
    """
    if excess <= 0:
        return ()
    where = "" if span.image == span.data else f" in {span.data.name}"
    total = span.expected + excess
    if excess >= span.expected:
        more = "at least " if span.packing != "none" else ""
        raise InputError(
            f"{short(span.image)}: its data{where} are longer than the header explains: {more}{total:,} bytes for "
            f"{span.expected:,}. The voxel type or a size in the header is wrong: correct it, or convert again."
        )
    if not known_start:
        raise InputError(
            f"{short(span.image)}: its data{where} are {excess:,} bytes longer than the header explains. If these "
            f"stand before the voxels, add `{field}-1` to the header; if after, `{field}0`."
        )
    return (f"its data{where} are {excess:,} bytes longer than the header explains: those after the voxels left out",)


class Source:
    """A file's bytes from a position on, inflated where they are packed.

    Attributes:
        given: Number of bytes that `fill` wrote last.
    """

    def __init__(self, file: IO[bytes], packing: Packing) -> None:
        self.given = 0
        self._file = file
        self._pieces = {"none": _plain, "deflate": _inflated, "bzip2": _unzipped}[packing](file)
        self._left = memoryview(b"")

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: pathlib.Path, packing: Packing, start: int = 0) -> Iterator[Self]:
        """Open a file at a byte."""
        with path.open("rb") as file:
            file.seek(start)
            yield cls(file, packing)

    def fill(self, content: bytearray) -> int:
        """Copy bytes until `content` is full or the source ends; return their number."""
        view, self.given = memoryview(content), 0
        while self.given < len(content):
            piece = self._next(len(content) - self.given)
            if not len(piece):
                break
            view[self.given : self.given + len(piece)] = piece
            self.given += len(piece)
        return self.given

    def skip(self, most: int) -> int:
        """Leave out up to `most` bytes; return their number."""
        skipped = 0
        while skipped < most and len(piece := self._next(most - skipped)):
            skipped += len(piece)
        return skipped

    def take(self, most: int) -> bytes:
        """Return up to `most` bytes, for headers."""
        content = bytearray(most)
        return bytes(content[: self.fill(content)])

    def _next(self, most: int) -> memoryview:
        if not len(self._left):
            self._left = memoryview(next(self._pieces, b""))
        piece, self._left = self._left[:most], self._left[most:]
        return piece


def packing_of(path: pathlib.Path) -> Packing:
    """Return whether a file is gzip, by its first bytes and not by its name."""
    with path.open("rb") as file:
        return "deflate" if file.read(2) == GZIP else "none"


def _plain(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _inflated(file: IO[bytes]) -> Iterator[bytes]:
    """Inflate piece by piece; several gzip members follow each other, and other bytes after one are left out."""
    inflate, packed = zlib.decompressobj(zlib.MAX_WBITS | 32), b""
    begun = False
    while packed := packed or file.read(PIECE):
        begun = True
        if piece := inflate.decompress(packed, PIECE):
            yield piece
        packed = inflate.unconsumed_tail
        if inflate.eof:
            packed = (inflate.unused_data + file.read(PIECE)).lstrip(b"\0")
            begun = False
            if not packed.startswith(GZIP):
                return
            inflate = zlib.decompressobj(zlib.MAX_WBITS | 32)
    if rest := inflate.flush():
        yield rest
    if begun and not inflate.eof:
        raise EOFError("the compressed data end early")


def _unzipped(file: IO[bytes]) -> Iterator[bytes]:
    inflate = bz2.BZ2Decompressor()
    while not inflate.eof:
        packed = file.read(PIECE) if inflate.needs_input else b""
        if inflate.needs_input and not packed:
            raise EOFError("the compressed data end early")
        if piece := inflate.decompress(packed, PIECE):
            yield piece


def _refuse_impossible(span: Span) -> None:
    """Refuse sizes that the file cannot have or the machine cannot hold, before anything is allocated."""
    there = max(0, span.data.stat().st_size - (0 if span.inside else span.start))
    most = there * MOST_PACKED[span.packing] - (span.start if span.inside else 0)
    if most < span.expected:
        raise _truncated(span, most)
    if span.expected > host_memory.limit():
        raise InputError(
            f"{short(span.image)}: its header declares {host_memory.shown(span.expected)} of voxels, more than this "
            f"machine's {host_memory.shown(host_memory.limit())} of memory. Correct the header, or crop the image."
        )


def _truncated(span: Span, found: int, why: str = "") -> InputError:
    kind = {"none": "", "deflate": " gzip", "bzip2": " bzip2"}[span.packing]
    name = "it" if span.image == span.data else span.data.name
    reason = f" ({why})" if why else ""
    return InputError(
        f"{short(span.image)}: truncated or damaged{kind}: {max(found, 0):,} of {span.expected:,} bytes of voxels in "
        f"{name}{reason}. Copy it again."
    )
