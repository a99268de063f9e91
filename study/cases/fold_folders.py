"""Folds from paths: `fold_0/`, `fold_1/`, …, or whatever a pattern finds in a case's path."""

import pathlib
import re
from collections.abc import Mapping, Sequence

from study.cases.splits import Named, Role, deal, empty, listing, members_of, named_roles, natural, of_cases
from study.in_words import counted
from study.study_file.errors import SpecError
from study.study_file.split import FOLD, Split
from trainables.data.finding.layouts import CaseFiles
from trainables.errors import InputError

FOLDERS = re.compile(r"(?:^|/)fold[_-]?([^/]+)/")


def fold_names(files: Sequence[CaseFiles], root: str | pathlib.Path, by: str) -> dict[str, str]:
    """Return the fold of each case: case → name of its fold.

    Args:
        files: The cases.
        root: The data's folder, to which paths are relative.
        by: `fold`: the folder `fold_NAME` (or `fold-NAME`, `foldNAME`) of a case's first image; otherwise a
            regular expression that is searched for in that image's path below `root`, such as
            `subset3/scan_1.mhd`, or in the case's name if it matches no path at all. Its one group is the fold.

    Raises:
        InputError: A case is in no fold.
    """
    pattern = FOLDERS if by == FOLD else re.compile(by)
    base = pathlib.Path(root).expanduser()
    paths = {case.name: case.images[0].relative_to(base).as_posix() for case in files}
    found = _found(pattern, paths) or _found(pattern, {name: name for name in paths})
    if without := [paths[name] for name in paths if name not in found]:
        what = "no folder fold_0, fold_1, … in the path of" if by == FOLD else f"{by!r} finds no fold in"
        raise InputError(f"dataset.split.by: {what} {listing(without)}. Change it, or exclude these cases.")
    return found


def assign_by_fold(cases: Named, fold_of: Mapping[str, str], split: Split) -> tuple[dict[str, Role], ...]:
    """Return the role of every case in every split, assigning whole folds.

    If `validation` and `test` name folds, there is one split and the other folds train. With `test` alone each of
    the others validates once; without either each fold, in natural order, tests once while the next one validates.

    Args:
        cases: (name, group) of each.
        fold_of: Case → its fold.
        split: The study file's `split`.

    Returns:
        Case → role for each fold; cases in natural order.

    Raises:
        SpecError: A named fold does not exist, a group lies in two folds, or there are too few folds.
    """
    problems = _divided(members_of(cases), fold_of)
    folds = sorted(set(fold_of.values()), key=natural)
    chosen, misnamed = named_roles(folds, split, "fold")
    problems += misnamed
    if not problems:
        free = [fold for fold in folds if fold not in chosen]
        roles, problems = _roles(chosen, free, split)
    if not problems:
        problems = empty(roles)
    if problems:
        raise SpecError("dataset.split", problems)
    return of_cases([(name, fold_of[name]) for name, _ in cases], roles)


def _roles(chosen: Mapping[str, Role], free: list[str], split: Split) -> tuple[list[dict[str, Role]], list[str]]:
    """Return fold → role in each split, and the problems."""
    if split.validation is not None:
        return [{**chosen, **dict.fromkeys(free, "train")}], []
    least = 2 if split.test is not None else 3
    if len(free) < least:
        return [], [
            f"by: found {len(free)} folds ({', '.join(free)}), which leave nothing to train on: it takes {least}."
        ]
    if split.folds not in (None, len(free)):
        return [], [f"folds: the file says {split.folds}, the cases lie in {len(free)} ({', '.join(free)})."]
    return deal(chosen, lambda _: free, split.model_copy(update={"folds": len(free)}), "fold")


def _found(pattern: re.Pattern[str], texts: Mapping[str, str]) -> dict[str, str]:
    matches = {name: pattern.search(text) for name, text in texts.items()}
    return {name: match[1] for name, match in matches.items() if match is not None and match[1]}


def _divided(members: Mapping[str, Sequence[str]], fold_of: Mapping[str, str]) -> list[str]:
    """Return a message about the first group that lies in two folds, and their number; empty if there is none."""
    found = []
    for group, names in members.items():
        there: dict[str, str] = {}
        for name in names:
            there.setdefault(fold_of[name], name)
        if len(there) > 1:
            where = " and ".join(f"{fold!r} ({name})" for fold, name in there.items())
            found.append(f"group {group!r} is in {len(there)} folds, {where}")
    if not found:
        return []
    more = f" ({counted(len(found) - 1, 'more group')} too)" if len(found) > 1 else ""
    return [f"{found[0]}{more}: put all cases of a group in one."]
