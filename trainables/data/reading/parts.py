"""Files that one image consists of, found without reading voxels.

A MetaImage header (`.mhd`) and a NRRD header (`.nhdr`) name their data files; a DICOM series is a folder of slices.
"""

import pathlib
import re
from collections.abc import Iterator

SLICES = (".dcm", ".ima")
"""Endings of DICOM slices; many have none."""
LOOKED_AT = 8
"""Number of files of a folder that are opened before it counts as no DICOM series."""
PAIRS = (".hdr", ".img", ".hdr.gz", ".img.gz")
HEADERS = (".mhd", ".mha", ".nhdr", ".nrrd")
LONGEST_HEADER = 1 << 20
IN_METAIMAGE = re.compile(rb"^[ \t]*ElementDataFile[ \t]*=[ \t]*([^\r\n]*)\r?\n?(.*)", re.M | re.S)
IN_NRRD = re.compile(rb"^data ?file:(?!=)[ \t]*([^\r\n]*)\r?\n?(.*)", re.M | re.S | re.I)


def of(path: pathlib.Path) -> tuple[pathlib.Path, ...]:
    """Return the image's own path (not for a folder), then its data files, sorted. They need not exist.

    Args:
        path: A file, or the folder of a DICOM series.
    """
    if path.is_dir():
        return tuple(sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith(".")))
    if path.name.lower().endswith(PAIRS):
        return (path, *(file for file in pair_of(path) if file != path))
    if not path.name.lower().endswith(HEADERS):
        return (path,)
    return (path, *sorted(set(data_files(path))))


def data_files(path: pathlib.Path) -> tuple[pathlib.Path, ...]:
    """Return the data files that a header names, in its order; () if its voxels are in itself."""
    return tuple(path.parent / name for name in _named(_header(path)))


def pair_of(path: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Return the header (`.hdr`) and the data file (`.img`) of a pair, given one of them; neither need exist."""
    packed = ".gz" if path.name.lower().endswith(".gz") else ""
    stem, mine = path.name[: -len(packed) - 4], path.name[-len(packed) - 4 :]
    header = mine.lower().startswith(".hdr")
    other = ".img" if header else ".hdr"
    names = [other + packed, other, f"{other}.gz"]
    partners = [path.with_name(stem + (name.upper() if mine.isupper() else name)) for name in names]
    partner = next((file for file in partners if file.exists()), partners[0])
    return (path, partner) if header else (partner, path)


def is_series(folder: pathlib.Path) -> bool:
    """Return whether one of the folder's first files is a DICOM slice."""
    return any(is_slice(file) for file in of(folder)[:LOOKED_AT])


def is_slice(file: pathlib.Path) -> bool:
    """Return whether a file is a DICOM slice, by its ending or its first bytes; a DICOMDIR is an index, not a slice."""
    if file.name.lower().endswith(SLICES) or file.name == "DICOMDIR":
        return file.name != "DICOMDIR"
    try:
        with file.open("rb") as content:
            return content.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _header(path: pathlib.Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_HEADER)
    except OSError:
        return b""  # the reader that opens it next reports the error


def _named(header: bytes) -> Iterator[str]:
    """Yield the data files that a header names: one, a list, or a numbered pattern (`slice%03d.raw 1 90 1`)."""
    pattern = IN_METAIMAGE
    if header.startswith(b"NRRD"):
        pattern = IN_NRRD
        header = header.replace(b"\r\n", b"\n").split(b"\n\n", 1)[0] + b"\n"  # after a blank line come voxels
    match = pattern.search(header)
    if match is None:
        return
    value = match[1].decode("utf-8", "replace").strip()
    words = value.split()
    if value.upper() == "LOCAL" or not words:
        return
    if words[0].upper() == "LIST":
        yield from (line.strip() for line in match[2].decode("utf-8", "replace").splitlines() if line.strip())
    elif "%" in words[0] and len(words) >= 3 and all(re.fullmatch(r"-?\d{1,6}", word) for word in words[1:]):
        first, last, step = (*(int(word) for word in words[1:4]), 1)[:3]
        for number in range(first, last + (1 if step > 0 else -1), step or 1):
            yield _numbered(words[0], number)
    else:
        yield value


def _numbered(pattern: str, number: int) -> str:
    """Fill a number into `slice%03d.raw`; return other patterns unchanged."""
    match = re.fullmatch(r"([^%]*)%0?(\d?)d([^%]*)", pattern)
    return pattern if match is None else f"{match[1]}{number:0{match[2] or 1}d}{match[3]}"
