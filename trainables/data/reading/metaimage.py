"""Checks of MetaImage headers before ITK reads them, which reports damage on standard error or not at all."""

import contextlib
import math
import pathlib
import re
import zlib

from trainables.data.reading import parts
from trainables.data.reading.raw import short
from trainables.errors import InputError

BYTES = {
    "MET_CHAR": 1,
    "MET_UCHAR": 1,
    "MET_SHORT": 2,
    "MET_USHORT": 2,
    "MET_INT": 4,
    "MET_UINT": 4,
    "MET_LONG": 4,
    "MET_ULONG": 4,
    "MET_LONG_LONG": 8,
    "MET_ULONG_LONG": 8,
    "MET_FLOAT": 4,
    "MET_DOUBLE": 8,
}
"""Voxel type → bytes."""
NEEDED = ("NDims", "DimSize", "ElementType", "ElementDataFile")
FIELD = re.compile(rb"[ \t]*([A-Za-z][A-Za-z0-9_]*)[ \t]*=[ \t]*([^\r\n]*)\r?\n")
PIECE = 1 << 22


def check(path: pathlib.Path) -> None:
    """Check that a header is complete and that all of its data are present.

    Raises:
        InputError: A field is missing or invalid, or data are missing.
    """
    fields, end = _fields(path)
    for name in NEEDED:
        if name not in fields:
            raise InputError(f"{short(path)}: damaged header: it has no {name}. Copy it again.")
    sizes = fields["DimSize"].split()
    if fields["NDims"] not in ("2", "3", "4") or len(sizes) != int(fields["NDims"]):
        raise InputError(
            f"{short(path)}: damaged header: NDims {fields['NDims']} and DimSize {fields['DimSize']!r} make no image. "
            "Copy it again."
        )
    if not all(re.fullmatch(r"[1-9]\d{0,8}", size) for size in sizes):
        raise InputError(f"{short(path)}: damaged header: DimSize is {fields['DimSize']!r}. Copy it again.")
    if fields["ElementType"] not in BYTES:
        raise InputError(
            f"{short(path)}: ElementType {fields['ElementType']} is not among {', '.join(BYTES)}. Convert the file."
        )
    _check_data(path, fields, end, math.prod(int(size) for size in sizes))


def _fields(path: pathlib.Path) -> tuple[dict[str, str], int]:
    """Return the header's fields and the offset of its end, after `ElementDataFile`."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        header = file.read(parts.LONGEST_HEADER) + b"\n"
    end = 0
    while "ElementDataFile" not in fields and (match := FIELD.match(header, end)) is not None:
        fields[match[1].decode()] = match[2].decode("utf-8", "replace").strip()
        end = match.end()
    return fields, end


def _check_data(path: pathlib.Path, fields: dict[str, str], end: int, voxels: int) -> None:
    local = fields["ElementDataFile"].upper() == "LOCAL"
    files = parts.of(path)[1:]
    for file in files:
        if not file.exists():
            raise InputError(f"{short(path)}: its data file {file.name} is not there. Copy it too.")
    if fields.get("BinaryData", "True").lower() == "false" or (not local and len(files) != 1):
        return  # text, and slices in separate files, have no fixed size
    data, begin = (path, end) if local else (files[0], 0)
    expected = voxels * BYTES[fields["ElementType"]] * int(fields.get("ElementNumberOfChannels", "1"))
    if fields.get("CompressedData", "False").lower() == "true":
        found = _inflated(data, begin, expected)
    else:
        found = data.stat().st_size - begin  # HeaderSize is not used: more bytes than voxels are no damage
    if found < expected:
        raise InputError(
            f"{short(path)}: cut short or damaged: {max(found, 0):,} of {expected:,} bytes of voxels in "
            f"{'it' if local else data.name}. Copy it again."
        )


def _inflated(file: pathlib.Path, begin: int, expected: int) -> int:
    """Return the number of bytes that compressed data expand to, up to any damage, which ITK would ignore."""
    inflate, count = zlib.decompressobj(zlib.MAX_WBITS | 32), 0
    with file.open("rb") as content:
        content.seek(begin)
        with contextlib.suppress(zlib.error):  # damaged: the bytes before it count
            while count < expected and (piece := inflate.unconsumed_tail or content.read(PIECE)):
                count += len(inflate.decompress(piece, PIECE))  # a mask can be 1,000 times as large as its file
            count += len(inflate.flush())
    return count
