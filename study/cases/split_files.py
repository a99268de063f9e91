"""Splits from files: nnU-Net's `splits_final.json`, the same as YAML, or a CSV table `case,role[,fold]`."""

import csv
import fnmatch
import io
import json
import pathlib
from collections import Counter
from collections.abc import Mapping, Sequence

from study.cases.splits import Named, Role, by_group, empty, listing, members_of, named_roles, natural, of_cases
from study.study_file import yaml_subset
from study.study_file.errors import SpecError, shown, suggestion
from study.study_file.sections_base import named
from study.study_file.split import Split
from trainables.errors import InputError

ROLES: dict[str, Role] = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
"""Names of roles in files."""
LONGEST = 50_000_000
"""Maximum size of a split file in bytes."""
Fold = Mapping[str, Role]


def read_split(path: str | pathlib.Path) -> list[Fold]:
    """Read a split file; return case → role for each fold that it lists.

    Args:
        path: `.json`, `.yaml` or `.yml`: a list with `{train: […], val: […]}` for each fold, `test` if there is
            one, or one such mapping; `.csv`: columns `case`, `role` (train, validation or val, test) and, where there
            are several, `fold`; folds are in natural order of their names.

    Raises:
        InputError: There is no such file, or it has another format.
    """
    path = pathlib.Path(path)
    where = f"dataset.split.file: {path.name}"
    try:
        if path.stat().st_size > LONGEST:
            raise InputError(f"{where}: has more than {LONGEST:,} bytes, which no split has.")
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"dataset.split.file: no file {str(path)!r}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{where}: cannot be read as text ({error}).") from None
    kind = path.suffix.lower()
    if kind == ".csv":
        return _table(text, where)
    if kind not in (".json", ".yaml", ".yml"):
        raise InputError(f"{where}: expected a file .json, .yaml or .csv.")
    return _list(_parsed(text, kind, where), where)


def assign_listed(cases: Named, folds: Sequence[Fold], split: Split, exclude: Sequence[str] = ()) -> tuple[Fold, ...]:
    """Return the role of every case in every fold, as a file lists them.

    If no test cases are named (nnU-Net's file has none), each case is scored once, out of fold: fold k tests the
    cases that the file has as `val` in fold k, and selects by those of the next fold, which then do not train.

    Args:
        cases: (name, group) of each.
        folds: The result of `read_split`.
        split: The study file's `split`; its `test` names cases that the file does not list.
        exclude: Patterns of excluded cases, which may still be listed.

    Returns:
        Case → role for each fold; cases in natural order.

    Raises:
        SpecError: A listed case does not exist, an existing one is not listed, a group would be divided, or a
            part is empty.
    """
    members = members_of(cases)
    names = [name for name, _ in cases]
    held, problems = named_roles(names, split)
    listed = [
        {name: role for name, role in fold.items() if not any(fnmatch.fnmatchcase(name, out) for out in exclude)}
        for fold in folds
    ]
    problems += _strangers(names, listed) + _both(held, listed)
    if not problems:
        complete, problems = _complete(listed, held, split)
        listed = [{**fold, **held} for fold in complete]
    for number, fold in enumerate(listed if not problems else (), start=1):
        problems += _unlisted(names, fold, number) or by_group(members, fold)[1]
    if not problems:
        problems = empty([dict(fold) for fold in listed])
    if problems:
        raise SpecError("dataset.split", list(dict.fromkeys(problems)))
    return of_cases([(name, name) for name in names], listed)


def _complete(listed: list[dict[str, Role]], held: Fold, split: Split) -> tuple[list[dict[str, Role]], list[str]]:
    """Return the folds with test cases, also if the file has none."""
    if split.folds not in (None, len(listed)):
        return listed, [f"folds: the study file says {split.folds}, the split's file lists {len(listed)}."]
    tested = sum("test" in fold.values() for fold in listed)
    if held or tested:
        if tested not in (0, len(listed)):
            return listed, [f"file: {tested} of {len(listed)} folds have test cases: name some in all, or in none."]
        return listed, []
    if len(listed) < 3:
        return listed, [
            f"file: names no test cases in {len(listed)} folds; scoring each case out of fold takes 3. "
            "Add `test` to the file, or name the cases by `split.test`."
        ]
    times = Counter(name for fold in listed for name, role in fold.items() if role == "validation")
    if wrong := sorted((name for fold in listed for name in fold if times[name] != 1), key=natural):
        return listed, [
            f"file: case {wrong[0]!r} is in `val` of {times[wrong[0]]} folds: without test cases each case is scored "
            "once, so one fold must have it."
        ]
    return [_out_of_fold(fold, listed[(k + 1) % len(listed)]) for k, fold in enumerate(listed)], []


def _out_of_fold(fold: Fold, following: Fold) -> dict[str, Role]:
    tested: dict[str, Role] = {name: "test" if role == "validation" else role for name, role in fold.items()}
    return tested | {name: "validation" for name, role in following.items() if role == "validation"}


def _strangers(names: Sequence[str], listed: Sequence[Fold]) -> list[str]:
    known = set(names)
    strangers = sorted({name for fold in listed for name in fold} - known, key=natural)
    if not strangers:
        return []
    more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
    return [f"file: there is no case {strangers[0]!r}{more}.{suggestion(strangers[0], names)}"]


def _both(held: Fold, listed: Sequence[Fold]) -> list[str]:
    if both := sorted({name for fold in listed for name in fold} & held.keys(), key=natural):
        return [f"test: {listing(both)}: in the file too; keep one of them."]
    return []


def _unlisted(names: Sequence[str], fold: Fold, number: int) -> list[str]:
    if left := sorted((name for name in names if name not in fold), key=natural):
        return [
            f"file: {listing(left)}: in no part of fold {number}. Add it, or list it under `dataset.exclude`, or under "
            "`split.test`."
        ]
    return []


def _parsed(text: str, kind: str, where: str) -> object:
    try:
        return json.loads(text) if kind == ".json" else yaml_subset.read(text).value
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: is no JSON ({error}).") from None


def _list(tree: object, where: str) -> list[Fold]:
    entries = tree if isinstance(tree, list) else [tree]
    if not entries or not all(isinstance(entry, Mapping) for entry in entries):
        raise InputError(f"{where}: expected [{{train: […], val: […]}}, …], found {shown(tree)}.")
    return [_entry(entry, f"{where}, fold {number}") for number, entry in enumerate(entries, start=1)]


def _entry(entry: Mapping[object, object], where: str) -> Fold:
    fold: dict[str, Role] = {}
    for word, cases in entry.items():
        names = [named(case) for case in cases] if isinstance(cases, list) else [None]
        if word not in ROLES or not all(isinstance(name, str) for name in names):
            raise InputError(
                f"{where}: expected train, val and test with lists of cases, found {shown({word: cases})}."
            )
        for name in names:
            _put(fold, str(name), ROLES[str(word)], where)
    return fold


def _table(text: str, where: str) -> list[Fold]:
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    columns = [column.strip() for column in rows.fieldnames or ()]
    if not {"case", "role"} <= set(columns):
        raise InputError(
            f"{where}: expected the columns case, role and, for several, fold; found {', '.join(columns)}."
        )
    rows.fieldnames = columns
    folds: dict[str, dict[str, Role]] = {}
    for row in rows:
        case, role, fold = ((row.get(column) or "").strip() for column in ("case", "role", "fold"))
        place = f"{where}, line {rows.line_num}"
        if not case or role not in ROLES:
            raise InputError(
                f"{place}: expected a case and train, validation or test, found {shown(f'{case},{role}')}."
            )
        _put(folds.setdefault(fold, {}), case, ROLES[role], place)
    if not folds:
        raise InputError(f"{where}: lists no case.")
    return [folds[fold] for fold in sorted(folds, key=natural)]


def _put(fold: dict[str, Role], name: str, role: Role, where: str) -> None:
    other = fold.setdefault(name, role)
    if other != role:
        raise InputError(f"{where}: case {name!r} is in {other} and in {role}: keep it in one.")
