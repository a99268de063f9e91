"""Registration: enters a new study into the ledger, continues a known one, refuses one that differs.

A changed study file is accepted if it only adds (arms, trials, seeds). Changes that would make old and new trials
incomparable are refused, and the message shows the difference.
"""

import importlib.metadata
import platform
from collections.abc import Sequence

from study.design import Design, Status
from study.events import OnEvent, Step
from study.in_words import counted
from study.ledger import Lease, Ledger
from study.ledger.rows import StudyRow
from study.planning.retries import retryable
from study.study_file import Study
from study.study_file.errors import SpecError
from study.study_file.recorded.changes import Difference, difference
from study.trial_specs import Data
from trainables.errors import InputError

PACKAGES = ("segstudy", "ray", "torch", "optuna", "monai", "numpy", "scipy", "nibabel")
POLL = 0.5  # seconds between two attempts to acquire the lease
UNRENEWED = 2.0  # durations of a lease; a living driver renews it several times in one


def refuse_other(ledger: Ledger, study: Study) -> None:
    """Compare a study file with the study of the same name in the ledger, if any, before a run.

    Raises:
        SpecError: The change would make old and new trials incomparable.
    """
    if ledger.has_study(study.name):
        _compared(ledger, ledger.study(study.name), study)


def enter(ledger: Ledger, study: Study, data: Data, notices: Sequence[str] = ()) -> StudyRow:
    """Return the study's row in the ledger; create it, with its notices, if there is none.

    Raises:
        InputError: A study of that name exists with other data or another split.
    """
    if not ledger.has_study(study.name):
        try:
            ledger.create_study(
                study.name, study.plain(), study.design(), data.cases, data.digest, versions(), notices=notices
            )
        except InputError:
            if not ledger.has_study(study.name):  # else: another command was quicker, and this one continues it
                raise
    row = ledger.study(study.name)
    if row.data_digest != data.digest:
        raise InputError(
            f"study '{study.name}' in {ledger.label} was begun with other data: files of the dataset were changed, "
            "added or taken away. Put them back, or give the study another name."
        )
    _refuse_moved(ledger, row, data)
    return row


def _refuse_moved(ledger: Ledger, row: StudyRow, data: Data) -> None:
    """Refuse cases whose part of the split changed: in the split's file, or by moving to another fold's folder."""
    before = {case.name: case.splits for case in ledger.cases(row.id)}
    moved = [case.name for case in data.cases if before.get(case.name, case.splits) != case.splits]
    if moved:
        more = f" and {len(moved) - 1} more" if len(moved) > 1 else ""
        raise InputError(
            f"study '{row.name}' in {ledger.label} was begun with another split: case {moved[0]!r}{more} had another "
            "part. Put the split's file or folders back, or give the study another name."
        )


def bring_up_to_date(ledger: Ledger, lease: Lease, study: Study, data: Data) -> Design:
    """Record what a changed study file adds; return the design with the arms in the ledger's order.

    Raises:
        SpecError: The change would make old and new trials incomparable.
    """
    row = ledger.study(study.name)
    found = _compared(ledger, row, study)
    design = study.design([arm.name for arm in ledger.arms(row.id)])
    if row.file != study.plain():
        ledger.update_file(lease, study.plain(), design, found.additions)
    ledger.set_cases(lease, data.cases)
    return design


def run_again(ledger: Ledger, lease: Lease, design: Design, statuses: Sequence[Status], tell: OnEvent) -> None:
    """Open the trials again that were lost or failed, as far as no decision rests on their end."""
    if not statuses:
        return
    keys = retryable(design, ledger.known(lease.study_id), statuses)
    ledger.reopen(lease, keys)
    tell(Step(f"{counted(len(keys), 'trial')} that ended {' or '.join(statuses)} run again"))


def versions() -> dict[str, str]:
    """Return the versions of Python and the packages that a study starts with."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _compared(ledger: Ledger, row: StudyRow, study: Study) -> Difference:
    found = difference(row.file, study.plain())
    problems = list(found.incompatible)
    if found.more_trials and any(trial.plan.key.stage == "final" for trial in ledger.known(row.id)):
        problems.append("its final stage has begun, and test cases were read: searches cannot grow any more")
    if problems:
        raise SpecError(
            f"study '{study.name}' is in {ledger.label} with another file, under another name it is a new study",
            problems,
        )
    return found
