"""Files of a folder by case, as a layout finds them, before they are checked."""

import dataclasses
import pathlib
from collections.abc import Mapping

from trainables.data.reading import readers
from trainables.errors import InputError


@dataclasses.dataclass(frozen=True)
class Found:
    """Files by case.

    Attributes:
        images: Case → channel → file.
        masks: Case → file.
        where: The places looked at, in the words of an error.
        channels: Names of the channels, by number, where they have any.
        passed_over: Files of formats that have no reader, for messages.
    """

    images: Mapping[str, Mapping[int, pathlib.Path]]
    masks: Mapping[str, pathlib.Path]
    where: str
    channels: tuple[str, ...] = ()
    passed_over: tuple[pathlib.Path, ...] = ()


def by_stem(folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Return the folder's images by name without ending.

    Raises:
        InputError: Two of them have one name.
    """
    found: dict[str, pathlib.Path] = {}
    for file in sorted(folder.iterdir()):
        if is_hidden(file) or not readers.is_image(file):
            continue
        other = found.setdefault(readers.stem(file), file)
        if other != file:
            raise InputError(f"{folder.name}: {other.name} and {file.name} are one case by name. Take one away.")
    return found


def passed_over(*folders: pathlib.Path) -> tuple[pathlib.Path, ...]:
    """Return the files of folders that are images by their ending, but of formats without a reader."""
    return tuple(
        file
        for folder in folders
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if not is_hidden(file) and readers.unread(file)
    )


def is_hidden(file: pathlib.Path) -> bool:
    """Return whether the name begins with a dot, as files of operating systems do (`.DS_Store`, `._x`)."""
    return file.name.startswith(".")
