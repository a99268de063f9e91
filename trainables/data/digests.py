"""Digests of files, remembered by path, size and time of change so that an unchanged file is read once."""

import hashlib
import json
import os
import pathlib
from collections.abc import Iterable

from trainables.data import store
from trainables.data.layouts import CaseFiles
from trainables.data.readers import short
from trainables.errors import InputError


def of_file(path: pathlib.Path, root: pathlib.Path | None = None) -> str:
    """SHA-256 of a file's bytes, in hex.

    Args:
        path: The file.
        root: Cache folder in which the digest is remembered; None reads the file each time.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        state = path.stat()
        stamp = [str(path.absolute()), state.st_size, state.st_mtime_ns]
        memo = None if root is None else root / "digests" / f"{of_text(stamp[0])[:32]}.json"
        known = store.read_json(memo) if memo is not None else None
        if known is not None and known.get("stamp") == stamp:
            return str(known["sha256"])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{short(path)}: cannot be read ({error.strerror}).") from error
    if memo is not None:
        store.write_json(memo, {"stamp": stamp, "sha256": digest})
    return digest


def of_text(text: object) -> str:
    """SHA-256 of a text, in hex."""
    return hashlib.sha256(str(text).encode()).hexdigest()


def of_case(files: CaseFiles, root: pathlib.Path | None = None) -> tuple[str, ...]:
    """Digests of a case's images in channel order, then of its mask."""
    return tuple(of_file(path, root) for path in (*files.images, files.mask))


def of_dataset(cases: Iterable[CaseFiles], root: pathlib.Path | None = None) -> str:
    """One digest for the names and contents of all cases, whatever their order and wherever they lie."""
    content = sorted((case.name, *of_case(case, root)) for case in cases)
    return of_text(json.dumps(content))


def of_code(paths: Iterable[str | os.PathLike[str]]) -> str:
    """SHA-256 of source files: what was made by other code is not taken for the same."""
    digest = hashlib.sha256()
    for path in sorted(str(path) for path in paths):
        digest.update(pathlib.Path(path).read_bytes())
    return digest.hexdigest()
