"""Files that are whole or absent: written beside their place, synced, renamed; arrays with sizes and checksums."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import uuid
from collections.abc import Mapping
from typing import Any

import numpy as np

MANIFEST = "entry.json"


class DamagedEntryError(OSError):
    """A cache entry is missing, cut short or altered. `cache.prepare_case` builds it again."""


def write_json(path: pathlib.Path, data: Any) -> None:
    """Writes a JSON file in one step: readers see the old or the new one, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        _write_synced(part, json.dumps(data, sort_keys=True, allow_nan=False).encode())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def read_json(path: pathlib.Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is no such file, or no object in it."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None


def write_entry(entries: pathlib.Path, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> str:
    """Stores arrays under the digest of their content, unless they are there already.

    Args:
        entries: Folder of all entries.
        arrays: Name → array; each becomes `NAME.npy`.
        facts: Further facts of the content; JSON-able.

    Returns:
        The entry's name: equal content, equal name.
    """
    contents = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    described = {
        name: {"sha256": _checksum(array), "dtype": array.dtype.str, "shape": list(array.shape)}
        for name, array in contents.items()
    }
    manifest = {"arrays": described, "facts": dict(facts)}
    name = hashlib.sha256(json.dumps(manifest, sort_keys=True, allow_nan=False).encode()).hexdigest()
    place = entry_folder(entries, name)
    if not intact(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f".{name}.{uuid.uuid4().hex}")
        try:
            _write_parts(part, contents, manifest)
            _move_into_place(part, place)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return name


def entry_folder(entries: pathlib.Path, name: str) -> pathlib.Path:
    """Where an entry lies."""
    return entries / name[:2] / name


def read_manifest(folder: pathlib.Path) -> dict[str, Any]:
    """The entry's manifest.

    Raises:
        DamagedEntryError: It is missing or unreadable, or a file has not its size.
    """
    manifest = read_json(folder / MANIFEST)
    if manifest is None or "sizes" not in manifest:
        raise DamagedEntryError(f"{folder}: not a whole cache entry; run the command again to build it.")
    for name, size in manifest["sizes"].items():
        try:
            found = (folder / name).stat().st_size
        except OSError:
            found = -1
        if found != size:
            raise DamagedEntryError(f"{folder / name}: {found} bytes of {size}; run the command again to build it.")
    return manifest


def intact(folder: pathlib.Path) -> bool:
    """Tell whether the manifest exists and every file has its size: a few microseconds a file."""
    try:
        read_manifest(folder)
    except DamagedEntryError:
        return False
    return True


def verify(folder: pathlib.Path) -> bool:
    """Tell whether every array also has its checksum; reads the whole entry."""
    try:
        manifest = read_manifest(folder)
        return all(
            _checksum(load(folder, name)) == described["sha256"] for name, described in manifest["arrays"].items()
        )
    except (OSError, ValueError):
        return False


def load(folder: pathlib.Path, name: str) -> np.ndarray:
    """One of the entry's arrays, read-only and memory-mapped: trials on one machine share its pages."""
    array: np.ndarray = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    return array


def _write_parts(folder: pathlib.Path, arrays: Mapping[str, np.ndarray], manifest: Mapping[str, Any]) -> None:
    folder.mkdir()
    sizes = {}
    for name, array in arrays.items():
        with (folder / f"{name}.npy").open("wb") as file:
            np.save(file, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
            sizes[f"{name}.npy"] = file.tell()
    _write_synced(folder / MANIFEST, json.dumps({**manifest, "sizes": sizes}, sort_keys=True).encode())
    _sync_folder(folder)


def _move_into_place(part: pathlib.Path, place: pathlib.Path) -> None:
    """Renames; where another process was first its entry stays, where a damaged one lies it goes."""
    for _ in range(10):
        try:
            part.rename(place)
        except OSError:
            if intact(place):
                return
            with contextlib.suppress(OSError):
                damaged = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
                place.rename(damaged)
                shutil.rmtree(damaged, ignore_errors=True)
        else:
            _sync_folder(place.parent)
            return
    raise DamagedEntryError(f"{place}: cannot be replaced. Remove the folder and run the command again.")


def _write_synced(path: pathlib.Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: pathlib.Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _checksum(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data if array.size else b"").hexdigest()
