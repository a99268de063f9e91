"""NRRD files (`.nrrd`, `.nhdr`, `.seg.nrrd`): header and voxels are read here, so that what is checked is what is used.

Source of the format: https://teem.sourceforge.net/nrrd/format.html.
"""

import dataclasses
import math
import pathlib
import re

import numpy as np

from trainables.data.reading import parts, segments
from trainables.data.reading.bounded import Packing, Source, Span, judged_excess, read_span
from trainables.data.reading.nrrd_place import placed
from trainables.data.reading.raw import Colour, Raw, at_least_3d, short
from trainables.errors import InputError

TYPES = {
    "i1": "signed char, int8, int8_t",
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
"""NumPy's type → names in headers."""
DTYPES = {name.strip(): dtype for dtype, names in TYPES.items() for name in names.split(",")}
PACKINGS: dict[str, Packing] = {
    "raw": "none",
    "gzip": "deflate",
    "gz": "deflate",
    "bzip2": "bzip2",
    "bz2": "bzip2",
}
TEXT = ("text", "txt", "ascii")
SPELLINGS = {"datafile": "data file", "lineskip": "line skip", "byteskip": "byte skip", "centerings": "centers"}
"""Other names of fields."""


@dataclasses.dataclass(frozen=True)
class Header:
    """A NRRD header.

    Attributes:
        fields: Field → text, names in lower case.
        keys: Key → text of the file's own keys (`key:=value`).
        end: Offset of the first byte after it.
    """

    fields: dict[str, str]
    keys: dict[str, str]
    end: int


def read_nrrd(path: pathlib.Path, colour: Colour) -> Raw:
    """Read `.nrrd`, or `.nhdr` with its data file; `colour` is ignored.

    Structures of a `.seg.nrrd` of 3D Slicer come as `segments`, which may overlap.

    Raises:
        InputError: A field is missing or invalid, data are missing or damaged, or longer than the header explains.
    """
    del colour
    if path.stat().st_size == 0:
        raise InputError(f"{short(path)}: the file is empty. Copy it again.")
    header = _header(path)
    sizes, dtype = _sizes(header, path), _dtype(header, path)
    flat, warnings = _voxels(path, header, math.prod(sizes), dtype)
    place = placed(header.fields, sizes, path)
    array = np.moveaxis(flat.reshape(sizes, order="F"), place.spatial, range(len(place.spatial)))
    if len(place.spatial) == 2:
        array = array[:, :, np.newaxis]
    warnings = (*warnings, *place.warnings)
    if any(re.fullmatch(r"Segment\d+_ID", key) for key in header.keys):
        array, found = segments.of_layers(array, header.keys, path)
        return Raw(array, place.affine, place.sides, warnings, segments=found)
    return Raw(at_least_3d(array, path), place.affine, place.sides, warnings)


def _header(path: pathlib.Path) -> Header:
    with path.open("rb") as file:
        content = file.read(parts.LONGEST_HEADER)
    if re.match(rb"NRRD\d{4}\r?\n", content) is None:
        raise InputError(f"{short(path)}: damaged header: it does not begin with NRRD. Is it another kind of file?")
    blank = re.search(rb"\r?\n\r?\n", content)
    end = len(content) if blank is None else blank.end()
    fields: dict[str, str] = {}
    keys: dict[str, str] = {}
    for line in content[: end if blank is None else blank.start()].decode("utf-8", "replace").splitlines()[1:]:
        if match := re.fullmatch(r"([^#:]+):=(.*)", line):
            keys[match[1]] = match[2]
        elif match := re.fullmatch(r"([^#:]+): *(.*)", line):
            name = match[1].strip().lower()
            name = SPELLINGS.get(name, name)
            if fields.setdefault(name, match[2].strip()) != match[2].strip():
                raise InputError(f"{short(path)}: damaged header: {name} stands twice, with different values.")
    return Header(fields, keys, end)


def _sizes(header: Header, path: pathlib.Path) -> tuple[int, ...]:
    for name in ("dimension", "type", "sizes", "encoding"):
        if name not in header.fields:
            raise InputError(f"{short(path)}: damaged header: it has no {name}. Copy it again.")
    sizes, dims = header.fields["sizes"].split(), header.fields["dimension"]
    if not all(re.fullmatch(r"[1-9]\d{0,8}", size) for size in sizes) or str(len(sizes)) != dims:
        raise InputError(
            f"{short(path)}: damaged header: dimension {dims} and sizes {' '.join(sizes)!r} make no image."
        )
    return tuple(int(size) for size in sizes)


def _dtype(header: Header, path: pathlib.Path) -> np.dtype:
    name = " ".join(header.fields["type"].lower().split())
    if name not in DTYPES:
        raise InputError(f"{short(path)}: voxels of type {name} are not grey values. Convert it to numbers.")
    dtype = np.dtype(DTYPES[name])
    endian = header.fields.get("endian", "").lower()
    if dtype.itemsize > 1 and header.fields["encoding"].lower() not in TEXT and endian not in ("little", "big"):
        raise InputError(f"{short(path)}: damaged header: it has no endian (little or big). Copy it again.")
    return dtype.newbyteorder(">" if endian == "big" else "<")


def _voxels(path: pathlib.Path, header: Header, count: int, dtype: np.dtype) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return all voxels in stored order, in this machine's byte order, and warnings."""
    detached = "data file" in header.fields
    files = parts.data_files(path) if detached else (path,)
    for file in files:
        if not file.exists():
            raise InputError(f"{short(path)}: its data file {file.name} is not there. Copy it too.")
    if not files or count % len(files):
        raise InputError(f"{short(path)}: its {len(files)} data files make no volume of its sizes.")
    contents = []
    warnings: tuple[str, ...] = ()
    for file in files:
        voxels, said = _file(path, file, header, 0 if detached else header.end, count // len(files), dtype)
        contents.append(voxels)
        warnings = warnings or said
    flat = contents[0] if len(contents) == 1 else np.concatenate(contents)
    return (flat if flat.dtype.isnative else flat.astype(flat.dtype.newbyteorder("="))), warnings


def _file(
    path: pathlib.Path, data: pathlib.Path, header: Header, start: int, count: int, dtype: np.dtype
) -> tuple[np.ndarray, tuple[str, ...]]:
    encoding = header.fields["encoding"].lower()
    lines, skipped = (_skip(header, name, path) for name in ("line skip", "byte skip"))
    start += _lines(data, start, lines)
    if encoding in TEXT or encoding == "hex":
        return _text(path, data, start, dtype, encoding, count), ()
    if encoding not in PACKINGS:
        raise InputError(f"{short(path)}: encoding {encoding!r} is not among raw, gzip, bzip2, text, hex. Convert it.")
    packing, expected = PACKINGS[encoding], count * dtype.itemsize
    if skipped < 0:
        start, skipped = (max(0, data.stat().st_size - expected), 0) if packing == "none" else (start, 0)
    span = Span(path, data, start, skipped + expected, packing)
    content, more = read_span(span)
    known_start = data == path or packing != "none" or "byte skip" in header.fields
    warnings = judged_excess(span, more, known_start=known_start, field="byte skip: ")
    return np.frombuffer(content, dtype, offset=skipped), warnings


def _skip(header: Header, name: str, path: pathlib.Path) -> int:
    value = header.fields.get(name, "0")
    if re.fullmatch(r"-?\d{1,12}", value) is None:
        raise InputError(f"{short(path)}: damaged header: {name} is {value!r}. Copy it again.")
    return int(value)


def _lines(data: pathlib.Path, start: int, count: int) -> int:
    """Return the bytes of some lines of a file."""
    with data.open("rb") as file:
        file.seek(start)
        return sum(len(file.readline(parts.LONGEST_HEADER)) for _ in range(min(count, 10_000)))


def _text(path: pathlib.Path, data: pathlib.Path, start: int, dtype: np.dtype, encoding: str, count: int) -> np.ndarray:
    with Source.open(data, "none", start) as source:
        content = source.take(max(0, data.stat().st_size - start))
    try:
        if encoding == "hex":
            voxels = np.frombuffer(bytes.fromhex(content.decode("ascii")), dtype)
        else:
            voxels = np.array([float(word) for word in content.split()]).astype(dtype.newbyteorder("="))
    except ValueError as error:
        raise InputError(
            f"{short(path)}: its voxels are no {encoding}, which its encoding says. Copy it again."
        ) from error
    if voxels.size != count:
        raise InputError(f"{short(path)}: {voxels.size:,} voxels in it, {count:,} expected. Copy it again.")
    return voxels
