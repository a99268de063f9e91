"""Which cases share a patient: as the study file says it, and what their names look like where it is silent."""

import contextlib
import itertools
import os
import pathlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from study.cases.from_study_file import root_of
from study.cases.splits import Named, groups, natural
from study.study_file import Study
from study.study_file.errors import SpecError
from trainables.data.finding.layouts import CaseFiles
from trainables.errors import InputError

PARTS = (
    "slice|slc|frame|tile|patch|crop|view|phase|section|level|"
    "ses|session|visit|timepoint|time|scan|study|exam|followup|fu|baseline|series|run|acq|day|week|month|year"
)
"""Words that stand before the number of a slice or a visit."""
SHORT_PARTS = "sl|fr|z|t|tp|v"
"""The same, where a separator stands before them and the number right after."""
NUMBERED = re.compile(rf"^(.+?)[_. -]*(?:(?:{PARTS})[_. -]*|[_. -](?:{SHORT_PARTS}))[0-9]+(?![A-Za-z])", re.I)
BIDS = re.compile(r"^(sub-[A-Za-z0-9]+)")
NUMBER = re.compile(r"[0-9]")
LETTERED = re.compile(r"^(.*[0-9])[_. -]?(?:[a-d]|l|r|lh|rh|left|right|od|os)$", re.I)
SEPARATED = re.compile(r"[_ -]")
NO_PATIENT = re.compile(r"(?:fold|part|split|batch|set|site|center|centre|hospital|train|test|val)", re.I)
"""Folders that hold many patients, by how their names begin."""
FEW = 3
"""Different words from which on a word without a number is taken for a patient."""


def grouped(study: Study, files: Sequence[CaseFiles]) -> list[tuple[str, str]]:
    """Return (case, group) of each case.

    Raises:
        InputError: `dataset.group` finds no group in a name.
    """
    if study.dataset.group == "folder":
        return by_folder(files, root_of(study))
    return groups([case.name for case in files], study.dataset.group)


def refuse_unsaid(study: Study, files: Sequence[CaseFiles]) -> None:
    """Refuse a study file without `group` where cases look like several of one patient.

    Raises:
        SpecError: The line names two such cases and proposes a group.
    """
    if "group" in study.dataset.model_fields_set:
        return
    names = sorted((case.name for case in files), key=natural)
    found_one = proposed(names, files, root_of(study))
    if found_one is None:
        return
    pattern, found = found_one
    size = Counter(group for _, group in found)
    alike = [name for name, group in found if group == next(group for _, group in found if size[group] > 1)]
    written = pattern if pattern == "folder" else f"'{pattern}'"
    raise SpecError(
        "dataset.group",
        [
            f"missing, and {alike[0]} and {alike[1]} look like two cases of one patient. Write "
            f"`group: {written}` ({len(size)} groups), another pattern, `unknown`, or `case` if each is a patient."
        ],
    )


def proposed(names: Sequence[str], files: Sequence[CaseFiles], root: pathlib.Path) -> tuple[str, Named] | None:
    """Return a value for `dataset.group` and the groups that it makes, by names or else by numbered folders.

    Args:
        names: Cases, in natural order.
        files: Their files.
        root: The data set's folder.

    Returns:
        None where no two cases look like those of one patient.
    """
    if (by_names := proposal(names)) is not None:
        return by_names
    found = _folders(by_folder(files, root))
    return None if found is None else ("folder", found)


def proposal(names: Sequence[str]) -> tuple[str, Named] | None:
    """Return a pattern for `dataset.group` and the groups that it makes, where names look like slices or visits.

    Args:
        names: Cases, in natural order.

    Returns:
        None where no two names look like cases of one patient, or all look like cases of the same one.
    """
    for prefixes in _candidates(names):
        patients = set(prefixes)
        named = len(patients) >= FEW or all(BIDS.match(prefix) or NUMBER.search(prefix) for prefix in patients)
        if named and 1 < len(patients) < len(names):
            return _pattern(names, prefixes), list(zip(names, prefixes, strict=True))
    return None


def _candidates(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield for each way to read the names their part that may be the patient; only ways that read all of them."""
    for pattern in (BIDS, NUMBERED, LETTERED):
        matches = [pattern.match(name) for name in names]
        if all(matches):
            yield [match[1] for match in matches if match is not None]
    yield from _by_numbers(names)


def _by_numbers(names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the parts before trailing numbers, shortest first: `10092_76` is slice 76 of 10092."""
    words = [SEPARATED.split(name) for name in names]
    for kept in range(1, min(map(len, words), default=1)):
        heads, tails = [each[:kept] for each in words], [each[kept:] for each in words]
        numbers = all(word.isdigit() for word in itertools.chain.from_iterable(tails))
        if numbers and all(any(letter.isdigit() for word in head for letter in word) for head in heads):
            yield [name[: len("_".join(head))] for name, head in zip(names, heads, strict=True)]


def _pattern(names: Sequence[str], prefixes: Sequence[str]) -> str:
    """Return a regular expression that finds these prefixes: their common shape, or what follows them."""
    shapes = {re.sub(r"[0-9]+", "[0-9]+", re.sub(r"\\([- ])", r"\1", re.escape(prefix))) for prefix in prefixes}
    tails = {re.sub(r"[0-9]+", "[0-9]+", name[len(prefix) :]) for name, prefix in zip(names, prefixes, strict=True)}
    wanted = list(zip(names, prefixes, strict=True))
    for pattern in (f"^({min(shapes)})", BIDS.pattern, f"^(.+){min(tails)}$", "^(.+?)[_. -]"):
        with contextlib.suppress(InputError):  # a name in which it finds nothing
            if groups(names, pattern) == wanted:
                return pattern
    return f"^({'|'.join(sorted(shapes))})"


def _folders(found: Named) -> Named | None:
    """Return the groups by folder where folders are numbered and some hold several cases."""
    names = {group.rpartition("/")[2] for _, group in found}
    numbered = all(any(letter.isdigit() for letter in name) and not NO_PATIENT.match(name) for name in names)
    return found if numbered and 1 < len({group for _, group in found}) < len(found) else None


def by_folder(files: Sequence[CaseFiles], root: pathlib.Path) -> list[tuple[str, str]]:
    """Return each case with the folder of its first image, below the data set's."""
    return [(case.name, pathlib.Path(os.path.relpath(case.images[0].parent, root)).as_posix()) for case in files]
