"""Kinds of DICOM files: an image's slice, a multi-frame image, or a mask, told from the file's first bytes."""

import pathlib
import struct

SOP_CLASS = 0x0002_0002
MOST_META = 4096
"""Bytes that the file meta information takes at most."""
STORAGE = "1.2.840.10008.5.1.4.1.1."
SEGMENTATIONS = (f"{STORAGE}66.4", f"{STORAGE}66.7")
STRUCTURES = f"{STORAGE}481.3"
MULTI_FRAME = tuple(
    STORAGE + end for end in ("2.1", "2.2", "4.1", "4.3", "4.4", "130", "128.1", "6.2", "13.1.1", "13.1.3", "77.1.6")
)
"""Enhanced images: each frame has its own place and rescale."""
NO_IMAGES = ("11.", "66", "67", "88.", "104.", "481.5", "481.8", "481.9")
"""Presentation states, raw data, registrations, reports, documents and plans: ends of their classes begin so."""


def sop_class(path: pathlib.Path) -> str:
    """Return the SOP class that a DICOM file's meta information names; empty if it has none."""
    try:
        with path.open("rb") as file:
            content = file.read(132 + MOST_META)
    except OSError:
        return ""
    if content[128:132] != b"DICM":
        return ""
    at = 132
    while at + 12 <= len(content):
        group, element = struct.unpack_from("<HH", content, at)
        long = content[at + 4 : at + 6] in (b"OB", b"OW", b"UN", b"SQ", b"UT")
        length = struct.unpack_from("<I", content, at + 8)[0] if long else struct.unpack_from("<H", content, at + 6)[0]
        begin = at + (12 if long else 8)
        if group != 2:
            return ""
        if group << 16 | element == SOP_CLASS:
            return content[begin : begin + length].rstrip(b"\0 ").decode("ascii", "replace")
        at = begin + length
    return ""


def is_mask(kind: str) -> bool:
    """Return whether a SOP class is a segmentation or a structure set."""
    return kind in SEGMENTATIONS or kind == STRUCTURES


def is_image(kind: str) -> bool:
    """Return whether a SOP class has pixels of an image; an unknown one counts as an image."""
    return not is_mask(kind) and not kind.removeprefix(STORAGE).startswith(NO_IMAGES)
