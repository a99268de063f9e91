"""Splits: the role of each case in each fold, a pure function of names, groups and the study's split.

Cases of one group (one patient) stay together. The order of the cases does not matter.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from study.cases import strata
from study.study_file.errors import SpecError, suggestion
from study.study_file.split import Split
from trainables.errors import InputError
from trainables.random_streams import key_of

Role = Literal["train", "validation", "test"]
Named = Sequence[tuple[str, str]]
"""(case, group)."""

LONGEST_NAME = 300
_SHOWN = 5


def groups(names: Iterable[str], pattern: str = "case") -> list[tuple[str, str]]:
    """Return each case with its group.

    Args:
        names: The cases.
        pattern: `case` or `unknown`: each is a group of its own; otherwise a regular expression that is searched in the
            name and whose one group is the patient.

    Raises:
        InputError: A name does not match, or is longer than 300 characters.
    """
    names = list(names)
    if long := [name for name in names if len(name) > LONGEST_NAME]:
        raise InputError(f"case {long[0][:60]}…: names have {LONGEST_NAME} letters at most; rename the file.")
    if pattern in ("case", "unknown"):
        return [(name, name) for name in names]
    matches = {name: re.search(pattern, name) for name in names}
    without = [name for name, match in matches.items() if match is None or not match[1]]
    if without:
        found = listing(without)
        raise InputError(f"dataset.group: {pattern!r} finds no group in {found}. Change it, or exclude these cases.")
    return [(name, match[1]) for name, match in matches.items() if match is not None]


def assign(
    cases: Named, split: Split, seed: int, amounts: Mapping[str, strata.Amounts] | None = None
) -> tuple[dict[str, Role], ...]:
    """Return the role of every case in every fold.

    Named cases (ranges `a..b` in natural order, lists) get the role that names them. Fractions refer to the groups
    that no part names. The rest trains. With folds the remaining groups are divided into parts: fold k validates on
    part k; without test cases it tests part k and validates on part k + 1.

    Args:
        cases: (name, group) of each.
        split: The study file's `split`.
        seed: The study's seed, used if the split has none.
        amounts: Case → label → its volume there. Used with `stratify: labels`: fractions and folds are then even over
            labels and volumes (`study.cases.strata`).

    Returns:
        Case → role for each fold, one without folds; cases in natural order.

    Raises:
        SpecError: A named case does not exist, a range is empty, a group would be divided, or a part is empty.
    """
    members = members_of(cases)
    chosen, problems = _chosen(members, split)
    if not problems:
        free = [group for group in members if group not in chosen]
        draw = _drawing({group: members[group] for group in free}, split, seed, amounts)
        roles, problems = _shares(chosen, draw, split) if split.folds is None else deal(chosen, draw, split)
    if not problems:
        problems = empty(roles)
    if problems:
        raise SpecError("dataset.split", problems)
    return of_cases(cases, roles)


def of_cases(cases: Named, folds: Iterable[Mapping[str, Role]]) -> tuple[dict[str, Role], ...]:
    """Convert roles of groups to roles of cases, in natural order."""
    ordered = sorted(cases, key=lambda case: natural(case[0]))
    return tuple({name: fold[group] for name, group in ordered} for fold in folds)


def natural(name: str) -> tuple[tuple[str | int, ...], str]:
    """Return the key of natural order: `case_9` before `case_10`; `case_09` and `case_9` differ last."""
    parts = re.split(r"([0-9]+)", name)  # text, number, text, …: keys compare like with like
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), name


def members_of(cases: Named) -> dict[str, list[str]]:
    """Return group → its cases, both in natural order."""
    names = [name for name, _ in cases]
    if not names:
        raise SpecError("dataset", ["no cases."])
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SpecError("dataset", [f"two cases are called {twice!r}; rename one."])
    members: dict[str, list[str]] = {}
    for name, group in sorted(cases, key=lambda case: (natural(case[1]), natural(case[0]))):
        members.setdefault(group, []).append(name)
    return members


def _chosen(members: Mapping[str, Sequence[str]], split: Split) -> tuple[dict[str, Role], list[str]]:
    """Return group → role for groups whose cases are named, and the problems."""
    role_of, problems = named_roles([name for names in members.values() for name in names], split)
    chosen, divided = by_group(members, role_of)
    return chosen, problems + divided


def named_roles(names: Sequence[str], split: Split, what: str = "case") -> tuple[dict[str, Role], list[str]]:
    """Return name → role for the names in a split, and the problems.

    Args:
        names: Existing names.
        split: Its `validation` and `test`, if they are names and ranges.
        what: Noun for one of them in errors.
    """
    problems: list[str] = []
    role_of: dict[str, Role] = {}
    parts: tuple[tuple[Role, object], ...] = (("validation", split.validation), ("test", split.test))
    for role, part in parts:
        for word in part if isinstance(part, tuple) else ():
            found, problem = _meant(word, names, what)
            if problem:
                problems.append(f"{role}: {problem}")
            for name in found:
                other = role_of.setdefault(name, role)
                if other != role:
                    problems.append(f"{what} {name!r} is in {other} and in {role}: keep it in one.")
    return role_of, problems


def by_group(members: Mapping[str, Sequence[str]], role_of: Mapping[str, Role]) -> tuple[dict[str, Role], list[str]]:
    """Return group → role if its cases are named, and the groups that would be divided."""
    chosen: dict[str, Role] = {}
    problems: list[str] = []
    for group, names in members.items():
        roles: dict[Role, str] = {}
        for name in names:
            roles.setdefault(role_of.get(name, "train"), name)
        if len(roles) > 1:
            where = " and ".join(f"{role} ({name})" for role, name in roles.items())
            problems.append(f"group {group!r} is in two splits, {where}: name all its cases in one.")
        elif "train" not in roles:
            chosen[group] = next(iter(roles))
    return chosen, problems


def _meant(word: str, names: Sequence[str], what: str) -> tuple[list[str], str | None]:
    """Return the cases of a name or a range `a..b`, both ends included, and the problems."""
    low, dots, high = word.partition("..")
    if not dots or word in names:
        return ([word], None) if word in names else ([], f"there is no {what} {word!r}.{suggestion(word, names)}")
    low, high = low.strip(), high.strip()
    bottom, top = natural(low)[0], natural(high)[0]
    if not low or not high:
        return [], f"expected a range with two ends (a..b), found {word!r}."
    if bottom > top:
        return [], f"the range {word!r} is upside down: write {high}..{low}."
    found = [name for name in names if bottom <= natural(name)[0] <= top]
    return (
        found,
        None if found else f"no {what} lies in {word!r}; {what}s are called {listing(sorted(names, key=natural))}.",
    )


Roles = list[dict[str, Role]]
"""Group → role, for each fold."""
Draw = Callable[[Sequence[int]], list[str]]
"""Returns all free groups, the drawn ones first: draws of the given sizes, one after the other."""


def _drawing(
    free: Mapping[str, Sequence[str]], split: Split, seed: int, amounts: Mapping[str, strata.Amounts] | None
) -> Draw:
    """Return how the free groups (group → cases) are drawn."""
    seed = seed if split.seed is None else split.seed
    if split.stratify == "none":
        ranked = sorted(free, key=lambda group: key_of(seed, "split", group))
        return lambda counts: ranked
    if amounts is None:
        raise ValueError("stratify: labels needs the volumes of the cases' labels")
    line = strata.in_line({group: [amounts[name] for name in names] for group, names in free.items()}, seed)
    return lambda counts: strata.evenly(line, counts, seed)


def _shares(chosen: Mapping[str, Role], draw: Draw, split: Split) -> tuple[Roles, list[str]]:
    size = len(draw(()))
    test, validation = (
        max(1, round(part * size)) if isinstance(part, float) else 0 for part in (split.test, split.validation)
    )
    if size and test + validation >= size:
        return [], [f"{size} groups are too few: {test} test and {validation} validate, which leaves none to train."]
    roles: dict[str, Role] = dict(chosen)
    for rank, group in enumerate(draw((test, validation)) if size else ()):
        roles[group] = "test" if rank < test else "validation" if rank < test + validation else "train"
    return [roles], []


def deal(chosen: Mapping[str, Role], draw: Draw, split: Split, what: str = "group") -> tuple[Roles, list[str]]:
    """Divide free groups into folds; return the folds and the problems.

    Args:
        chosen: Groups with a fixed role in every fold.
        draw: Draws from the free groups.
        split: Has `folds`; without `test`, fold k tests part k and validates on the next one.
        what: Noun for one of them in errors.
    """
    count = split.folds or 1
    tested: dict[str, Role] = dict(chosen)
    free = draw(())
    if isinstance(split.test, float) and free:
        number = max(1, round(split.test * len(free)))
        drawn = draw((number,))
        tested |= dict.fromkeys(drawn[:number], "test")
        free = drawn[number:]
    if len(free) < count:
        return [], [f"{len(free)} {what}s are too few for {count} folds."]
    folds: Roles = []
    for fold in range(count):
        roles = dict(tested)
        for rank, group in enumerate(free):
            part = (rank - fold) % count
            if split.test is None:
                roles[group] = "test" if part == 0 else "validation" if part == 1 else "train"
            else:
                roles[group] = "validation" if part == 0 else "train"
        folds.append(roles)
    return folds, []


def empty(folds: Roles) -> list[str]:
    """Return the parts without a case, once for all folds."""
    wanted: tuple[Role, ...] = ("train", "validation", "test")
    return [f"no case is left for {role}." for role in wanted if any(role not in fold.values() for fold in folds)]


def listing(names: Sequence[str]) -> str:
    """Return the first five names, and their number if there are more."""
    more = f", … ({len(names)} in all)" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
