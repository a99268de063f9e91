"""Masks that keep their structures apart (`.seg.nrrd`, DICOM-SEG, RTSTRUCT): structures may overlap, and have names.

A voxel's structures are bits of one integer until the study's labels say which of them count.
"""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from trainables.data.reading.raw import Raw, Segment, at_least_3d, short
from trainables.errors import InputError

MOST = 64
BASE = 1000
"""A voxel in structures 1 and 2 has the value 1002, in 1, 2 and 3 the value 1002003: the same in every file."""
BITS = (np.uint8, np.uint16, np.uint32, np.uint64)


class Named(Protocol):
    """A label of the study."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def splits(self) -> bool:
        """Whether it is an inequality."""

    @property
    def number(self) -> float:
        """The mask's value."""


def empty_bits(shape: Sequence[int], count: int, path: pathlib.Path) -> np.ndarray:
    """Return zeros that have a bit for each structure.

    Raises:
        InputError: There are more than 64.
    """
    if count > MOST:
        raise InputError(f"{short(path)}: {count} structures in one file, {MOST} at most. Split it.")
    return np.zeros(shape, next(kind for kind in BITS if np.dtype(kind).itemsize * 8 >= count))


def of_layers(array: np.ndarray, keys: Mapping[str, str], path: pathlib.Path) -> tuple[np.ndarray, tuple[Segment, ...]]:
    """Return bits and segments of a `.seg.nrrd`.

    Args:
        array: `(x, y, z)` or `(x, y, z, layer)` of label values.
        keys: The file's own keys: `Segment0_LabelValue`, `Segment0_Layer`, `Segment0_Name`.
        path: The file, for messages.

    Raises:
        InputError: A key is no number, or a layer is missing.
    """
    layers = array if array.ndim == 4 else array[..., np.newaxis]
    found: list[tuple[int, int, str]] = []
    number = 0
    while f"Segment{number}_ID" in keys:
        given = [keys.get(f"Segment{number}_{key}", default) for key, default in (("Layer", "0"), ("LabelValue", "1"))]
        if not all(text.strip().isdigit() for text in given) or int(given[0]) >= layers.shape[3]:
            raise InputError(f"{short(path)}: damaged header: Segment{number} has layer {given[0]}, value {given[1]}.")
        found.append((int(given[0]), int(given[1]), keys.get(f"Segment{number}_Name", "")))
        number += 1
    for layer in range(layers.shape[3]):
        known = [value for where, value, _ in found if where == layer]
        found += [(layer, int(value), "") for value in np.setdiff1d(layers[..., layer], [0, *known])]
    bits = empty_bits(layers.shape[:3], len(found), path)
    for bit, (layer, value, _) in enumerate(found):
        bits[layers[..., layer] == value] |= bits.dtype.type(1 << bit)
    values = [value for _, value, _ in found]
    segments = tuple(Segment(value if values.count(value) == 1 else None, name) for _, value, name in found)
    return at_least_3d(bits, path), segments


def as_values(raw: Raw, labels: Sequence[Named], path: pathlib.Path, *, others_count: bool) -> np.ndarray:
    """Return a mask's values as the study's labels name them.

    A label takes the structure of its own name (upper and lower case, blanks and underscores alike), whatever its
    number is; else the structure of its number, if no label has that one's name. A structure without label keeps its
    number where `others_count`; else it is left out. A voxel in several structures has the value that `BASE` makes.

    Args:
        raw: A mask with segments.
        labels: The study's.
        path: The file, for messages.
        others_count: Whether structures without label have values; False leaves them out.

    Returns:
        int64 of the array's shape.

    Raises:
        InputError: Structures of two labels overlap and no label names the overlap, or a structure has neither a label
            nor a number of its own.
    """
    meant = _labels_of(raw.segments, labels, path)
    patterns, places = np.unique(raw.array, return_inverse=True)
    values = np.zeros(len(patterns), np.int64)
    for index, pattern in enumerate(patterns.tolist()):
        inside = [bit for bit in range(len(raw.segments)) if pattern >> bit & 1]
        named = [bit for bit in inside if meant[bit] is not None]
        counted = named or (inside if others_count else [])
        if counted:
            numbers = [_value(meant[bit], raw.segments[bit], labels, path) for bit in counted]
            values[index] = _joined(sorted(set(numbers)), labels, raw, path)
    return values[places].reshape(raw.array.shape)


def _labels_of(segments: Sequence[Segment], labels: Sequence[Named], path: pathlib.Path) -> list[Named | None]:
    """Return the label of each segment, None where it has none."""
    exact = [label for label in labels if not label.splits]
    by_name = {_plain(label.name): label for label in exact}
    meant = [by_name.get(_plain(segment.name)) for segment in segments]
    taken = {id(label) for label in meant if label is not None}
    by_number = {label.number: label for label in exact if id(label) not in taken}
    found = [
        by_number.get(segment.number) if label is None and segment.number is not None else label
        for segment, label in zip(segments, meant, strict=True)
    ]
    names = [label.name for label in found if label is not None]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"{short(path)}: two structures in it are called {twice!r}. Rename one.")
    return found


def _plain(name: str) -> str:
    return "".join(name.casefold().replace("_", " ").replace("-", " ").split())


def _value(label: Named | None, segment: Segment, labels: Sequence[Named], path: pathlib.Path) -> int:
    if label is not None:
        return int(label.number)
    if any(other.splits for other in labels):
        return 1 if segment.number is None else segment.number
    if segment.number is None or segment.number >= BASE:
        raise InputError(
            f"{short(path)}: structure {segment.name!r} has no number of its own. Name a label of `dataset.labels` "
            "like it, or set `dataset.other_labels: background`."
        )
    if any(not other.splits and other.number == segment.number for other in labels):
        raise InputError(
            f"{short(path)}: structure {segment.name!r} has the number {segment.number}, which `dataset.labels` gives "
            "to another structure of this file by name. Name a label like it, or set `other_labels: background`."
        )
    return segment.number


def _joined(numbers: list[int], labels: Sequence[Named], raw: Raw, path: pathlib.Path) -> int:
    """Return the value of a voxel that is in these structures."""
    value = 0
    for number in numbers:
        value = value * BASE + number
    if len(numbers) == 1 or any(not label.splits and label.number == value for label in labels):
        return value
    if any(label.splits for label in labels):
        return value
    names = {int(label.number): label.name for label in labels}
    told = " and ".join(names.get(number, str(number)) for number in numbers)
    raise InputError(
        f"{short(path)}: structures {told} overlap. Give the overlap a label of the value {value} (`both: {value}`) "
        "and list it in each structure's region under `dataset.regions`; or remove the overlap."
    )
