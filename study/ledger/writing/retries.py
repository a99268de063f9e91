"""Retries: trials that ended lost or failed are opened again, and the ledger keeps that they were."""

import time
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from study.design import TrialKey
from study.ledger.database import schema
from study.ledger.database.find import Found, key_of, trial_named
from study.ledger.database.owner import Lease
from study.ledger.database.store import Store, patient
from study.ledger.rows import Retry
from study.ledger.writing.notices import insert_notice
from study.ledger.writing.trials import set_status

SHOWN = 5
"""Trials that the notice names."""


def reopen(store: Store, lease: Lease, keys: Sequence[TrialKey], now: float | None = None) -> None:
    """Open trials again that were lost or failed. Their marks stay; what failed attempts left behind them goes.

    A notice says which trials, since a seed that is drawn again after a failure is not as random as the others.

    Args:
        store: The ledger.
        lease: The driver's.
        keys: The trials (`study.planning.retries` says which may be).
        now: Seconds since 1970.

    Raises:
        ValueError: A trial does not exist, is open, or ended well.
    """
    at = time.time() if now is None else now

    def work(connection: Connection, revision: int) -> None:
        ended = {key: trial_named(connection, lease.study_id, key) for key in keys}
        for key, trial in ended.items():
            if trial.status not in ("lost", "failed"):
                raise ValueError(f"trial {key} is {trial.status}: only trials that were lost or failed run again")
            _reopen(connection, trial, revision, at)
        for status in ("lost", "failed"):
            if again := [key for key in keys if ended[key].status == status]:
                insert_notice(connection, lease.study_id, _said(again, status, ended[again[0]].reason), at)

    if keys:
        store.fenced(lease, work)


@patient
def retries(store: Store, study_id: int) -> list[Retry]:
    """Return the trials that were opened again, oldest first."""
    row, trial = schema.retries, schema.trials
    query = select(trial.c.key, row.c.created, row.c.status, row.c.reason).join_from(row, trial)
    with store.reading() as connection:
        found = connection.execute(query.where(trial.c.study_id == study_id).order_by(row.c.id))
        return [Retry(key_of(key), *rest) for key, *rest in found]


def last_retry(connection: Connection, trial_id: int) -> int:
    """Return the last attempt before a trial was opened again, inside another transaction; 0 where it never was."""
    row = schema.retries
    return connection.scalar(select(func.max(row.c.attempt)).where(row.c.trial_id == trial_id)) or 0


def _reopen(connection: Connection, trial: Found, revision: int, now: float) -> None:
    attempt, segment = schema.attempts, schema.segments
    last = connection.scalar(select(func.max(attempt.c.id)).where(attempt.c.trial_id == trial.id)) or 0
    row = {"trial_id": trial.id, "created": now, "attempt": last, "status": trial.status, "reason": trial.reason}
    connection.execute(insert(schema.retries), row)
    mark = connection.scalar(select(func.max(segment.c.iteration)).where(segment.c.trial_id == trial.id)) or 0
    for table in (schema.curves, schema.segment_machines):
        connection.execute(delete(table).where(table.c.trial_id == trial.id, table.c.iteration > mark))
    set_status(connection, trial.id, "open", None, revision, None)


def _said(keys: Sequence[TrialKey], status: str, reason: str | None) -> str:
    named = ", ".join(map(str, keys[:SHOWN])) + (f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else "")
    trials, were = ("1 trial", "was") if len(keys) == 1 else (f"{len(keys)} trials", "were")
    ended = "been lost to machines" if status == "lost" else "failed"
    return f"{trials} that had {ended} {were} run again on request: {named} (the first: {reason})"
