"""A prepared dataset in an object store: made once a cluster, copied once to each machine, memory-mapped there.

In the store it has the cache's own names (`cache`). On a machine all of it lies in a folder of its own, below
`SEGSTUDY_CACHE` or `~/.cache/segstudy`, where every process of that machine reads the one copy.
"""

import contextlib
import fcntl
import json
import pathlib
import shutil
import uuid
from collections.abc import Iterator, Sequence

from trainables.data import cache, keys, store
from trainables.data.cache import CaseRecord
from trainables.data.inspect import CaseFacts
from trainables.data.layouts import CaseFiles
from trainables.data.options import PreprocessOptions
from trainables.object_storage import ObjectStorage, is_url, local_copy


def local_folder(url: str) -> pathlib.Path:
    """Where this machine keeps its copy of the cache at a URL; a cache in a folder lies where it lies."""
    return local_copy(url) if is_url(url) else pathlib.Path(url)


def prepare_case(
    files: CaseFiles, how: PreprocessOptions, url: str, group: str | None = None, *, verify: bool = False
) -> CaseRecord:
    """`cache.prepare_case` for a cache at a URL: what another machine has made is not made again.

    Args:
        files: The case.
        how: What to do to it.
        url: The cache's.
        group: The case's group; None where each case is its own.
        verify: Whether to compare an entry that is on this machine with its checksums too.

    Raises:
        InputError: Something is wrong with the case.
        OSError: The object store is out of reach.
    """
    there, local = ObjectStorage(url), local_folder(url)
    key = f"keys/{keys.key(files, how, local)}.json"
    with contextlib.suppress(FileNotFoundError):
        known = json.loads(there.read(key))
        if there.has(f"{_entry(known['entry'])}/{store.MANIFEST}"):
            facts = CaseFacts.from_plain({**known["facts"], "name": files.name, "group": group or files.name})
            return CaseRecord(name=files.name, entry=known["entry"], facts=facts)
    record = cache.prepare_case(files, how, local, group, verify=verify)
    _upload(there, local, record.entry)
    there.write(key, json.dumps({"entry": record.entry, "facts": record.facts.plain()}).encode())
    return record


def write_index(url: str, records: Sequence[CaseRecord], how: PreprocessOptions) -> str:
    """`cache.write_index` for a cache at a URL; `Dataset.open` takes the index's URL, which this gives."""
    path = cache.write_index(local_folder(url), records, how)
    ObjectStorage(url).write(f"datasets/{path.name}", path.read_bytes())
    return below(url, f"datasets/{path.name}")


def here(index: str) -> pathlib.Path:
    """The index of a dataset on this machine, with all its entries; what is lacking is copied, by one process.

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
        known = store.read_json(path)
        if known is None:
            known = json.loads(there.read(f"datasets/{name}"))
            store.write_json(path, known)
        for case in known["cases"].values():
            _download(there, local, case["entry"])
    return path


def _entry(name: str) -> str:
    return store.entry_folder(pathlib.Path("entries"), name).as_posix()


def _upload(there: ObjectStorage, local: pathlib.Path, name: str) -> None:
    """An entry to the store, its manifest last; files of an upload that was cut short are written over."""
    folder = store.entry_folder(local / "entries", name)
    if not there.has(f"{_entry(name)}/{store.MANIFEST}"):
        for file in sorted(folder.iterdir(), key=lambda file: (file.name == store.MANIFEST, file.name)):
            there.write(f"{_entry(name)}/{file.name}", file.read_bytes())


def _download(there: ObjectStorage, local: pathlib.Path, name: str) -> None:
    """An entry from the store, if it is not here: beside its place, checked, then moved."""
    place = store.entry_folder(local / "entries", name)
    if store.intact(place):
        return
    part = place.with_name(f".{name}.{uuid.uuid4().hex}")
    part.mkdir(parents=True)
    try:
        there.download(_entry(name), part)
        if not store.verify(part):
            raise store.DamagedEntryError(f"{there.root}/{_entry(name)}: damaged; remove it, and it is made again.")
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
    """The address of what lies below a folder's path or a URL, whose query stays at the end."""
    head, question, query = url.partition("?")
    return f"{head.rstrip('/')}/{name}{question}{query}"
