"""A dataset in an object store: `check` and the driver copy all of it once, a worker the files of its case.

A file counts as copied where its size and time of change are the store's, so a file that changed there comes again.
"""

import dataclasses
import fcntl
import os
import pathlib
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager

from trainables.data.finding.layouts import CaseFiles
from trainables.data.reading import parts
from trainables.errors import InputError
from trainables.storage import whole_files
from trainables.storage.object_store import ObjectStorage, StoreAwayError, StoredFile, is_url, local_copy

AT_ONCE = 8
"""Files that are copied at the same time: a store answers one slowly and many at once."""
BESIDE = ".part"
"""End of a folder's name, beside the copy, where files lie until they are whole."""
ABANDONED = 86400.0
"""Seconds after which nobody is copying any more."""


@dataclasses.dataclass(frozen=True)
class Remote:
    """Source of one case's files.

    Attributes:
        url: The dataset's.
        root: The copy that the case's paths point into; on another machine it may lie elsewhere.
        files: All that the case's paths lead to, headers' data files and slices included.
    """

    url: str
    root: pathlib.Path
    files: tuple[StoredFile, ...]


def folder(path: str) -> pathlib.Path:
    """Return the folder of a dataset on this machine; for a URL that of its local copy."""
    return local_copy(path) if is_url(path) else pathlib.Path(path)


def copy(url: str, tell: Callable[[int, int], None]) -> None:
    """Update this machine's copy of a dataset; files that the store no longer has are deleted.

    Args:
        url: The dataset's.
        tell: Hears how many bytes of how many have come, also at the start, and never where nothing is lacking; may
            raise, which ends the copying.

    Raises:
        InputError: The store is out of reach, or has no files there.
        OSError: The disk is full.
    """
    there, local = ObjectStorage(url), local_copy(url)
    try:
        files = ObjectStorage(url, patience=0.0).files()
    except StoreAwayError as error:
        raise InputError(_unreachable(error)) from error
    if not files:
        raise InputError(f"dataset.path: {url} has no files: is the bucket's folder right?")
    local.mkdir(parents=True, exist_ok=True)
    with _alone(local):
        _remove_abandoned(local)
        _bring(there, local, files, tell)
        _remove_others(local, {file.name for file in files})
        whole_files.write_json(_list(local), {file.name: [file.size, file.changed] for file in files})


def of_cases(url: str, cases: Sequence[CaseFiles]) -> dict[str, Remote]:
    """Return for each case the source of its files, for another machine to copy from."""
    local = local_copy(url)
    listed = whole_files.read_json(_list(local)) or {}
    known = {name: StoredFile(name, size, changed) for name, (size, changed) in listed.items()}

    def files(case: CaseFiles) -> Iterator[StoredFile]:
        for path in _paths(case):
            for part in parts.of(path):
                if (name := part.relative_to(local).as_posix()) in known:  # else: whoever reads the case says so
                    yield known[name]

    return {case.name: Remote(url, local, tuple(dict.fromkeys(files(case)))) for case in cases}


def here(case: CaseFiles, remote: Remote) -> CaseFiles:
    """Return a case with its files on this machine; missing ones are copied.

    Raises:
        InputError: The store is out of reach.
        OSError: The disk is full.
    """
    local = local_copy(remote.url)
    _bring(ObjectStorage(remote.url), local, remote.files)

    def at(path: pathlib.Path) -> pathlib.Path:
        return local / path.relative_to(remote.root)

    images, roi = tuple(at(path) for path in case.images), None if case.roi is None else at(case.roi)
    return dataclasses.replace(case, images=images, mask=at(case.mask), roi=roi)


def _paths(case: CaseFiles) -> tuple[pathlib.Path, ...]:
    return (*case.images, case.mask, *(() if case.roi is None else (case.roi,)))


def _bring(
    there: ObjectStorage,
    local: pathlib.Path,
    files: Sequence[StoredFile],
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    lacking = [file for file in files if not _is_here(local, file)]
    if not lacking:
        return
    total, done = sum(file.size for file in lacking), 0
    tell(done, total)
    with _folder_beside(local) as beside, ThreadPoolExecutor(AT_ONCE) as pool:
        under_way = {pool.submit(_copy_one, there, local, beside, file): file for file in lacking}
        try:
            for ended in as_completed(under_way):
                ended.result()
                done += under_way[ended].size
                tell(done, total)
        finally:
            pool.shutdown(cancel_futures=True)


def _is_here(local: pathlib.Path, file: StoredFile) -> bool:
    try:
        state = (local / file.name).stat()
    except OSError:
        return False
    return (state.st_size, state.st_mtime_ns) == (file.size, file.changed)


def _copy_one(there: ObjectStorage, local: pathlib.Path, beside: pathlib.Path, file: StoredFile) -> None:
    part, target = beside / uuid.uuid4().hex, local / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        there.copy(file.name, part)
    except (StoreAwayError, FileNotFoundError) as error:
        raise InputError(_unreachable(error)) from error
    if part.stat().st_size != file.size:
        raise InputError(f"{there.root}: {file.name} changed while it was copied. Give the command again.")
    os.utime(part, ns=(file.changed, file.changed))
    part.replace(target)


def _remove_others(local: pathlib.Path, names: set[str]) -> None:
    for path in sorted(local.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.relative_to(local).as_posix() not in names:
            path.unlink()


def _remove_abandoned(local: pathlib.Path) -> None:
    """Delete partial copies that are older than any running copy can be."""
    for left in local.with_name(f"{local.name}{BESIDE}").glob("*"):
        if left.stat().st_mtime + ABANDONED < time.time():
            shutil.rmtree(left, ignore_errors=True)


def _unreachable(error: OSError) -> str:
    return f"dataset.path: {error.filename or ''}: {error.strerror}"


def _list(local: pathlib.Path) -> pathlib.Path:
    """Path of the file beside the copy that lists the store's files."""
    return local.with_name(f"{local.name}.json")


@contextmanager
def _folder_beside(local: pathlib.Path) -> Iterator[pathlib.Path]:
    beside = local.with_name(f"{local.name}{BESIDE}") / uuid.uuid4().hex
    beside.mkdir(parents=True)
    try:
        yield beside
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def _alone(local: pathlib.Path) -> Iterator[None]:
    """Hold a lock: one command at a time."""
    with open(local.with_name(f"{local.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
