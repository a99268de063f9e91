"""The local copy of a cache in an object store: downloads entries to this machine, once for all its processes."""

import contextlib
import fcntl
import json
import pathlib
import shutil
import uuid
from collections.abc import Iterator

from trainables.storage import whole_files
from trainables.storage.object_store import ObjectStorage, is_url, local_copy


def local_folder(url: str) -> pathlib.Path:
    """Return the folder of the local copy of a cache at a URL; a cache in a folder is used in place."""
    return local_copy(url) if is_url(url) else pathlib.Path(url)


def here(index: str) -> pathlib.Path:
    """Return the local index of a dataset; missing entries are downloaded by one process.

    Args:
        index: Its URL, as `write_index` gave it.

    Raises:
        FileNotFoundError: The store has not all of it.
        OSError: The store is out of reach, or the disk full.
    """
    head, question, query = index.partition("?")
    base, _, name = head.rpartition("/datasets/")
    url = base + question + query
    there, local = ObjectStorage(url), local_folder(url)
    path = local / "datasets" / name
    local.mkdir(parents=True, exist_ok=True)
    with _alone(local):
        known = whole_files.read_json(path)
        if known is None:
            known = json.loads(there.read(f"datasets/{name}"))
            whole_files.write_json(path, known)
        for case in known["cases"].values():
            _download(there, local, case["entry"])
    return path


def _entry(name: str) -> str:
    return whole_files.entry_folder(pathlib.Path("entries"), name).as_posix()


def _download(there: ObjectStorage, local: pathlib.Path, name: str) -> None:
    """Download an entry if it is missing: to a temporary folder, verified, then renamed."""
    place = whole_files.entry_folder(local / "entries", name)
    if whole_files.intact(place):
        return
    part = place.with_name(f".{name}.{uuid.uuid4().hex}")
    part.mkdir(parents=True)
    try:
        there.download(_entry(name), part)
        if not whole_files.verify(part):
            raise whole_files.DamagedEntryError(
                f"{there.root}/{_entry(name)}: damaged; remove it, and it is made again."
            )
        shutil.rmtree(place, ignore_errors=True)
        part.rename(place)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextlib.contextmanager
def _alone(folder: pathlib.Path) -> Iterator[None]:
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def below(url: str, name: str) -> str:
    """Append a name to a folder's path or a URL, whose query stays at the end."""
    head, question, query = url.partition("?")
    return f"{head.rstrip('/')}/{name}{question}{query}"
