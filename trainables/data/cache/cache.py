"""The cache of prepared cases: each is prepared once for all trials, under a key of its content, and memory-mapped.

ROOT/digests/        digests of input files, by path, size and time of change
ROOT/facts/KEY.json  facts of cases that were looked at, whether prepared or not (`inspect`)
ROOT/keys/KEY.json    what was made of (digests of a case's files, options, code): the entry's name and facts
ROOT/entries/        arrays under the digest of their content: equal cases share one entry
ROOT/datasets/       indices: case → entry
"""

import dataclasses
import functools
import json
import pathlib
from collections.abc import Sequence

from trainables.data.cache.dataset import CachedCase as CachedCase
from trainables.data.cache.dataset import Dataset as Dataset
from trainables.data.cases import case as cases
from trainables.data.cases import digests, keys
from trainables.data.cases.options import PreprocessOptions
from trainables.data.finding.layouts import CaseFiles
from trainables.data.inspecting import inspect
from trainables.data.inspecting.inspect import CaseFacts
from trainables.data.preparing import preprocess
from trainables.storage import whole_files

NOT_ALWAYS = ("components", "component_voxels", "excluded", "foreground_intensities")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CaseRecord:
    """A case in the cache.

    Attributes:
        name: The case's name.
        entry: Name of its arrays' entry.
        facts: Its facts.
        built: Whether it was made now; False when it was there.
        content: `digests.of_case` of the files that it was made of.
    """

    name: str
    entry: str
    facts: CaseFacts
    built: bool = False
    content: tuple[str, ...] = ()


def prepare_case(
    files: CaseFiles,
    how: PreprocessOptions,
    root: str | pathlib.Path,
    group: str | None = None,
    *,
    verify: bool = False,
) -> CaseRecord:
    """Prepare one case, or find it prepared. Any number of processes may do so at once.

    Args:
        files: The case.
        how: Preprocessing of the case.
        root: The cache's folder.
        group: The case's group; None where each case is its own.
        verify: Whether to compare an entry that is there with its checksums too, not with sizes only.

    Raises:
        InputError: Something is wrong with the case: one line that begins with the file.
    """
    root = pathlib.Path(root)
    found = _find(files, how, root, group, verify)
    if found is not None:
        return found
    content, (entry, facts) = keys.steady(files, root, functools.partial(_build, files, how, root, group))
    whole_files.write_json(_key_file(content, how, root), {"entry": entry, "facts": facts.plain()})
    return CaseRecord(name=files.name, entry=entry, facts=facts, built=True, content=content)


def _build(files: CaseFiles, how: PreprocessOptions, root: pathlib.Path, group: str | None) -> tuple[str, CaseFacts]:
    """Return the name of the entry that is made of a case, and its facts."""
    case = cases.read_for(files, how)
    label = inspect.training_label(files, case, how)
    facts = inspect.facts_of(files, case, how, label, group)
    prepared = preprocess.prepare(case, how, label)
    arrays = {name: getattr(prepared, name) for name in ("image", "label", "foreground", "reference", "grey")}
    arrays |= {name: array for name in NOT_ALWAYS if (array := getattr(prepared, name)) is not None}
    meta = {
        "spacing": prepared.spacing,
        "reference_spacing": prepared.reference_spacing,
        "padding": prepared.padding,
        "foreground_counts": prepared.foreground_counts,
        "box": prepared.box,
    }
    if prepared.components is not None:
        meta["component_counts"] = prepared.component_counts
    return whole_files.write_entry(root / "entries", arrays, json.loads(json.dumps(meta))), facts


def _find(
    files: CaseFiles, how: PreprocessOptions, root: pathlib.Path, group: str | None, verify: bool
) -> CaseRecord | None:
    content = digests.of_case(files, root)
    known = whole_files.read_json(_key_file(content, how, root))
    if known is None:
        return None
    folder = whole_files.entry_folder(root / "entries", known["entry"])
    if not whole_files.intact(folder):
        return None
    if verify and not whole_files.verify(folder):
        (folder / whole_files.MANIFEST).unlink(missing_ok=True)  # no longer an entry, so that it is built again
        return None
    facts = CaseFacts.from_plain({**known["facts"], "name": files.name, "group": group or files.name})
    return CaseRecord(name=files.name, entry=known["entry"], facts=facts, content=content)


def _key_file(content: Sequence[str], how: PreprocessOptions, root: pathlib.Path) -> pathlib.Path:
    return root / "keys" / f"{keys.key_of(content, how)}.json"


def write_index(root: str | pathlib.Path, records: Sequence[CaseRecord], how: PreprocessOptions) -> pathlib.Path:
    """Write the index of a dataset, case by entry; `Dataset.open` takes the path."""
    index = {
        "options": how.plain(),
        "classes": how.classes,
        "cases": {record.name: {"entry": record.entry, "facts": record.facts.plain()} for record in records},
    }
    name = digests.of_text(json.dumps(index, sort_keys=True))
    path = pathlib.Path(root) / "datasets" / f"{name}.json"
    if whole_files.read_json(path) is None:
        whole_files.write_json(path, index)
    return path
