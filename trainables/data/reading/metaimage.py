"""MetaImage files (`.mha`, `.mhd`): header and voxels are read here, so that what is checked is what is used."""

import math
import pathlib
import re

import numpy as np

from trainables.data.reading import axes, parts
from trainables.data.reading.bounded import Span, judged_excess, read_span
from trainables.data.reading.raw import Colour, Raw, at_least_3d, positive_sides, short, shortest
from trainables.errors import InputError

TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
"""Type of a voxel → NumPy's."""
NEEDED = ("NDims", "DimSize", "ElementType", "ElementDataFile")
FIELD = re.compile(rb"[ \t]*([^=\r\n]*?)[ \t]*=[ \t]*([^\r\n]*)\r?\n|[^=\r\n]*\r?\n")
"""One line; ITK writes the image's whole dictionary (`dim[0] = 3`, `0008|0016 = …`) before the sizes."""
ORIGINS = ("Offset", "Position", "Origin")
DIRECTIONS = ("TransformMatrix", "Rotation", "Orientation")
BYTE_ORDERS = ("BinaryDataByteOrderMSB", "ElementByteOrderMSB")
SPACINGS = ("ElementSpacing", "ElementSize")


def read_metaimage(path: pathlib.Path, colour: Colour) -> Raw:
    """Read `.mha`, or `.mhd` with its data file; `colour` is ignored.

    Raises:
        InputError: A field is missing or invalid, data are missing or damaged, or longer than the header explains.
    """
    del colour
    if path.stat().st_size == 0:
        raise InputError(f"{short(path)}: the file is empty. Copy it again.")
    fields, end = _fields(path)
    sizes = _sizes(fields, path)
    stored, warnings = _voxels(path, fields, end, sizes)
    array = np.moveaxis(stored, 0, -1)  # from one channel fastest to channels last
    used = min(len(sizes), 3)
    affine, sides = _place(fields, len(sizes), path)
    if used == 2:
        array = array[:, :, np.newaxis]
    return Raw(at_least_3d(array, path), affine, sides, warnings)


def _fields(path: pathlib.Path) -> tuple[dict[str, str], int]:
    """Return the header's fields and the offset of its end, after `ElementDataFile`.

    Raises:
        InputError: A field that matters stands twice with different values.
    """
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        header = file.read(parts.LONGEST_HEADER) + b"\n"
    end = 0
    while "ElementDataFile" not in fields and (match := FIELD.match(header, end)) is not None:
        end = match.end()
        if match[1] is None:
            continue
        name, value = match[1].decode("utf-8", "replace"), match[2].decode("utf-8", "replace").strip()
        if fields.setdefault(name, value) != value and name in USED:
            raise InputError(f"{short(path)}: damaged header: {name} stands twice, as {fields[name]} and {value}.")
    return fields, end


def _sizes(fields: dict[str, str], path: pathlib.Path) -> tuple[int, ...]:
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
    if fields["ElementType"] not in TYPES:
        raise InputError(
            f"{short(path)}: ElementType {fields['ElementType']} is not among {', '.join(TYPES)}. Convert the file."
        )
    return tuple(int(size) for size in sizes)


def _voxels(
    path: pathlib.Path, fields: dict[str, str], end: int, sizes: tuple[int, ...]
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return `(channel, x, y, z)` or more axes, and warnings."""
    channels = _whole(fields, "ElementNumberOfChannels", 1, path)
    if channels < 1:
        raise InputError(f"{short(path)}: damaged header: ElementNumberOfChannels is {channels}.")
    order = "".join(">" if _true(fields, name) else "" for name in BYTE_ORDERS)[:1] or "<"
    dtype = np.dtype(order + TYPES[fields["ElementType"]])
    local = fields["ElementDataFile"].upper() == "LOCAL"
    files = (path,) if local else parts.data_files(path)
    for file in files:
        if not file.exists():
            raise InputError(f"{short(path)}: its data file {file.name} is not there. Copy it too.")
    shape = (channels, *sizes)
    if not _true(fields, "BinaryData", default=True):
        return _text(path, files, end if local else 0, dtype, math.prod(shape)).reshape(shape, order="F"), ()
    expected = math.prod(shape) * dtype.itemsize
    if not files or expected % len(files):
        raise InputError(f"{short(path)}: its {len(files)} data files make no volume of DimSize {fields['DimSize']!r}.")
    warnings: tuple[str, ...] = ()
    contents = []
    for file in files:
        content, said = _file(path, file, fields, end if local else 0, expected // len(files))
        contents.append(np.frombuffer(content, dtype))
        warnings = warnings or said
    flat = contents[0] if len(contents) == 1 else np.concatenate(contents)
    native = flat if dtype.isnative else flat.astype(dtype.newbyteorder("="))
    return native.reshape(shape, order="F"), warnings


def _file(
    path: pathlib.Path, data: pathlib.Path, fields: dict[str, str], end: int, expected: int
) -> tuple[bytearray, tuple[str, ...]]:
    """Return the voxels of one data file."""
    skipped = _whole(fields, "HeaderSize", 0, path)
    packed = _true(fields, "CompressedData")
    if skipped < 0 and not packed:
        end = max(0, data.stat().st_size - expected)
    span = Span(path, data, end + max(0, skipped), expected, "deflate" if packed else "none")
    content, more = read_span(span)
    known_start = data == path or packed or "HeaderSize" in fields
    return content, judged_excess(span, more, known_start=known_start)


def _text(path: pathlib.Path, files: tuple[pathlib.Path, ...], begin: int, dtype: np.dtype, count: int) -> np.ndarray:
    """Return the numbers of text files, which have no fixed size."""
    words: list[bytes] = []
    for file in files:
        words += file.read_bytes()[begin:].split()
    if len(words) != count:
        raise InputError(f"{short(path)}: {len(words):,} numbers in its text, {count:,} expected. Copy it again.")
    try:
        return np.array([float(word) for word in words]).astype(dtype.newbyteorder("="))
    except ValueError as error:
        raise InputError(f"{short(path)}: its voxels are not the numbers that BinaryData = False announces.") from error


def _place(fields: dict[str, str], dims: int, path: pathlib.Path) -> tuple[np.ndarray, tuple[float, ...]]:
    """Return the affine in RAS and the voxel sizes; in the file, axes point to the left, back and head."""
    name = next((name for name in SPACINGS if name in fields), SPACINGS[0])
    spacing = positive_sides(_numbers(fields, (name,), [1.0] * dims, path), name, path)
    origin = _numbers(fields, ORIGINS, [0.0] * dims, path)
    axes_of = np.reshape(_numbers(fields, DIRECTIONS, np.eye(dims).reshape(-1).tolist(), path), (dims, dims))
    used = min(dims, 3)
    sides, matrix = np.ones(3), np.eye(4)
    sides[:used] = spacing[:used]
    matrix[:used, :used] = axes_of[:used, :used].T  # each row of the file is the direction of one axis
    matrix[:3, :3] *= sides
    matrix[:used, 3] = origin[:used]
    return axes.RAS_FROM_LPS @ matrix, tuple(shortest(side) for side in sides)


def _numbers(
    fields: dict[str, str], names: tuple[str, ...], default: list[float], path: pathlib.Path
) -> tuple[float, ...]:
    """Return the numbers of the first of some fields that is there."""
    name = next((name for name in names if name in fields), None)
    if name is None:
        return tuple(default)
    try:
        numbers = tuple(float(word) for word in fields[name].split())
    except ValueError:
        numbers = ()
    if len(numbers) != len(default) or not np.isfinite(numbers).all():
        raise InputError(f"{short(path)}: damaged header: {name} is {fields[name]!r}. Copy it again.")
    return numbers


def _whole(fields: dict[str, str], name: str, default: int, path: pathlib.Path) -> int:
    value = fields.get(name, str(default))
    if re.fullmatch(r"-?\d{1,12}", value) is None:
        raise InputError(f"{short(path)}: damaged header: {name} is {value!r}. Copy it again.")
    return int(value)


def _true(fields: dict[str, str], name: str, *, default: bool = False) -> bool:
    """Return a flag as MetaIO reads it: by its first letter."""
    value = fields.get(name, "")
    return value[:1] in "Tt1" if value else default


FLAGS = ("BinaryData", "CompressedData")
NUMBERS = ("HeaderSize", "ElementNumberOfChannels")
USED = frozenset((*NEEDED, *ORIGINS, *DIRECTIONS, *BYTE_ORDERS, *SPACINGS, *FLAGS, *NUMBERS))
"""Fields that decide something."""
