"""A cache in an object store: each case is prepared once a cluster, copied once to each machine, memory-mapped there.

In the store it has the cache's own names (`cache`). On a machine all of it lies in a folder of its own, below
`SEGSTUDY_CACHE` or `~/.cache/segstudy`, where every process of that machine reads the one copy.
"""

import contextlib
import json
import pathlib
from collections.abc import Sequence

from trainables.data.cache import cache
from trainables.data.cache.cache import CaseRecord
from trainables.data.cache.local_copy import _entry, below, local_folder
from trainables.data.cases import digests, keys
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles
from trainables.data.inspecting.inspect import CaseFacts
from trainables.storage import whole_files
from trainables.storage.object_store import ObjectStorage


def prepare_case(
    files: CaseFiles, how: PreprocessOptions, url: str, group: str | None = None, *, verify: bool = False
) -> CaseRecord:
    """Prepare one case for a cache at a URL, unless another machine has.

    Args:
        files: The case.
        how: Preprocessing of the case.
        url: The cache's.
        group: The case's group; None where each case is its own.
        verify: Whether to compare an entry that is on this machine with its checksums too.

    Raises:
        InputError: Something is wrong with the case.
        OSError: The object store is out of reach.
    """
    there, local = ObjectStorage(url), local_folder(url)
    content = digests.of_case(files, local)
    key = f"keys/{keys.key_of(content, how)}.json"
    with contextlib.suppress(FileNotFoundError):
        known = json.loads(there.read(key))
        if there.has(f"{_entry(known['entry'])}/{whole_files.MANIFEST}"):
            facts = CaseFacts.from_plain({**known["facts"], "name": files.name, "group": group or files.name})
            return CaseRecord(name=files.name, entry=known["entry"], facts=facts, content=content)
    record = cache.prepare_case(files, how, local, group, verify=verify)
    _upload(there, local, record.entry)
    key = f"keys/{keys.key_of(record.content, how)}.json"  # files may have changed since
    there.write(key, json.dumps({"entry": record.entry, "facts": record.facts.plain()}).encode())
    return record


def write_index(url: str, records: Sequence[CaseRecord], how: PreprocessOptions) -> str:
    """Write the index for a cache at a URL; returns its URL, which `Dataset.open` takes."""
    path = cache.write_index(local_folder(url), records, how)
    ObjectStorage(url).write(f"datasets/{path.name}", path.read_bytes())
    return below(url, f"datasets/{path.name}")


def _upload(there: ObjectStorage, local: pathlib.Path, name: str) -> None:
    """Upload an entry, its manifest last; files of an interrupted upload are overwritten."""
    folder = whole_files.entry_folder(local / "entries", name)
    if not there.has(f"{_entry(name)}/{whole_files.MANIFEST}"):
        for file in sorted(folder.iterdir(), key=lambda file: (file.name == whole_files.MANIFEST, file.name)):
            there.write(f"{_entry(name)}/{file.name}", file.read_bytes())
