"""Removal of checkpoints: those that the ledger no longer names, and those that a killed run left behind.

`ledger.writing.checkpoints` decides which count, in the transaction that records a mark or a checkpoint.
"""

import re
from collections.abc import Iterable

from study.design import TrialKey
from study.ledger import Lease, Ledger
from trainables.storage.folder import Storage

_CHECKPOINT = re.compile(r"\d+-\d+")


def remove(storage: Storage, folders: Iterable[str]) -> None:
    """Remove checkpoint folders that the ledger has just stopped naming.

    Args:
        storage: Storage of the checkpoints.
        folders: Their paths in it, as the ledger returned them.
    """
    for folder in folders:
        storage.remove(folder)


def remove_leftovers(ledger: Ledger, lease: Lease, storage: Storage, folder: str) -> int:
    """Remove checkpoint folders that the ledger does not name, and unfinished writes: what a killed run left.

    Args:
        ledger: The ledger that names the checkpoints to keep.
        lease: The driver's lease, which excludes other writers.
        storage: Storage of the checkpoints.
        folder: The study's folder in it.

    Returns:
        The number of removed folders and files.
    """
    _forget_ended(ledger, lease)
    named = ledger.folders(lease.study_id)
    removed = 0
    for trial in storage.names(folder):
        for name in storage.names(f"{folder}/{trial}") if _is_trial(trial) else ():
            path = f"{folder}/{trial}/{name}"
            if name.endswith(".part") or (_CHECKPOINT.fullmatch(name) and path not in named):
                storage.remove(path)
                removed += 1
    return removed


def _forget_ended(ledger: Ledger, lease: Lease) -> None:
    """Forget the checkpoints of finished search trials, which a killed run may not have done."""
    finished = [
        trial.plan.key
        for trial in ledger.known(lease.study_id)
        if trial.status == "finished" and trial.plan.key.stage == "search"
    ]
    kept = {path.rsplit("/", 2)[-2] for path in ledger.folders(lease.study_id)}
    if left := [key for key in finished if str(key) in kept]:
        ledger.forget_checkpoints(lease, left)


def _is_trial(name: str) -> bool:
    try:
        TrialKey.parse(name)
    except ValueError:
        return False
    return True
