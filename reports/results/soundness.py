"""Checks of records that somebody else may have written: a damaged ledger is refused in one line that says where."""

import contextlib
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from search_spaces.grammar import Fixed, from_plain
from study.ledger.rows import ArmRow, Case, StudyRow, TrialRow
from trainables.errors import InputError

if TYPE_CHECKING:
    from reports.results.records import Records

SECTIONS = ("dataset", "objective", "report", "budget", "training", "preprocess", "patch", "resources", "augment")
PARTS = frozenset({"train", "validation", "test"})

UNDECODABLE = (KeyError, IndexError, TypeError, AttributeError, ValueError, zlib.error, OverflowError)
"""Exceptions of decoding a row whose content segstudy did not write."""


@contextlib.contextmanager
def decoding(ledger: str, study: str) -> Iterator[None]:
    """Turns an error of decoding the ledger's rows into an InputError.

    Raises:
        InputError: Something inside could not be decoded.
    """
    try:
        yield
    except InputError:
        raise
    except UNDECODABLE as error:
        text = " ".join(str(error).split())[:120]
        raise damaged(ledger, study, f"a row of it cannot be decoded ({type(error).__name__}: {text})") from error


def damaged(ledger: str, study: str, why: str) -> InputError:
    """Returns the error for a record that is not as segstudy writes it."""
    return InputError(
        f"{ledger}: study '{study}' is damaged or was not written by segstudy: {why}. Ask for another copy, "
        "made by `segstudy export`."
    )


def check(records: "Records", ledger: str) -> None:
    """Checks all that the report reads without asking again.

    Raises:
        InputError: A part is not as segstudy writes it.
    """
    checks: Sequence[tuple[str, Sequence[Any], Callable[[Any], str]]] = (
        ("study", [records.study], _study),
        ("arm", records.arms, _arm),
        ("case", records.cases, _case),
        ("trial", records.trials, _trial),
    )
    folds = {len(case.splits) for case in records.cases}
    if len(folds) > 1:
        raise damaged(ledger, records.study.name, f"cases have parts for {min(folds)} and for {max(folds)} folds")
    for kind, rows, problem in checks:
        for row in rows:
            why = problem(row)
            if why:
                raise damaged(ledger, records.study.name, f"{kind} {_name(row)!r}: {why}")
    _trials_have_their_parameters(records, ledger)


def _name(row: Any) -> str:
    return str(getattr(row, "name", None) or getattr(row, "key", ""))


def _study(row: StudyRow) -> str:
    if not isinstance(row.file, Mapping):
        return "its file is no mapping"
    lacking = [name for name in SECTIONS if name not in row.file]
    if lacking:
        return f"its file lacks `{lacking[0]}`"
    if not row.marks or not all(isinstance(mark, int) and mark > 0 for mark in row.marks):
        return f"its marks are {list(row.marks)!r}"
    if not isinstance(row.versions, Mapping):
        return "its versions are no mapping"
    return ""


def _arm(row: ArmRow) -> str:
    if not isinstance(row.space, Mapping):
        return "its space is no mapping"
    for name, plain in row.space.items():
        try:
            from_plain(plain)
        except UNDECODABLE:
            return f"its space of {name!r} is {plain!r}"
    return ""


def _case(row: Case) -> str:
    if not row.splits or not set(row.splits) <= PARTS:
        return f"its parts are {list(row.splits)!r}"
    facts = row.facts
    if not isinstance(facts, Mapping):
        return "its facts are no mapping"
    for key in ("voxels", "ceilings"):
        if not isinstance(facts.get(key) or {}, Mapping):
            return f"its {key} are no mapping"
    shape, spacing = facts.get("shape") or [], facts.get("spacing") or []
    if not _sizes(shape) or not _sizes(spacing) or (shape and spacing and len(shape) != len(spacing)):
        return f"its shape is {shape!r} and its spacing {spacing!r}"
    return ""


def _sizes(values: Any) -> bool:
    """Returns whether values are a list of positive numbers."""
    if not isinstance(values, list | tuple):
        return False
    return all(isinstance(each, int | float) and math.isfinite(each) and each > 0 for each in values)


def _trial(row: TrialRow) -> str:
    if not isinstance(row.parameters, Mapping):
        return "its parameters are no mapping"
    return "" if row.status in ("open", "finished", "halved", "failed", "lost") else f"its status is {row.status!r}"


def _trials_have_their_parameters(records: "Records", ledger: str) -> None:
    arms = {arm.number: arm for arm in records.arms}
    for trial in records.trials:
        arm = arms.get(trial.key.arm)
        if arm is None:
            raise damaged(ledger, records.study.name, f"trial '{trial.key}' is of no arm")
        tuned = (name for name, plain in arm.space.items() if not isinstance(from_plain(plain), Fixed))
        lacking = [name for name in tuned if name not in trial.parameters]
        if lacking:
            raise damaged(ledger, records.study.name, f"trial '{trial.key}' has no {lacking[0]}")
