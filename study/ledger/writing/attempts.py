"""Attempts: segments handed to workers. No result depends on them; they tell what runs, what was lost, how often."""

import time

from sqlalchemy import Connection, func, insert, select, update

from study.design import TrialKey
from study.ledger.database import schema
from study.ledger.database.find import key_of, trial_named
from study.ledger.database.json import readable, shown
from study.ledger.database.owner import Lease
from study.ledger.database.store import Store, patient
from study.ledger.rows import AttemptRow, Result
from study.ledger.writing.checkpoints import resume_point_in
from study.ledger.writing.retries import last_retry


def start_attempt(
    store: Store, lease: Lease, key: TrialKey, stop: int, started_from: int, now: float | None = None
) -> int:
    """Record that a segment goes to a worker.

    Args:
        store: The ledger.
        lease: The driver's.
        key: The trial.
        stop: The mark that it is to reach.
        started_from: Iteration of the checkpoint that it is given; 0 without one.
        now: Seconds since 1970.

    Returns:
        The attempt's number, unique in the ledger: it names the folder that the worker writes to.

    Raises:
        ValueError: The trial does not exist, or has ended.
    """
    at = time.time() if now is None else now

    def work(connection: Connection, revision: int) -> int:
        trial = trial_named(connection, lease.study_id, key)
        if trial.status != "open":
            raise ValueError(f"trial {key} is {trial.status}: nothing of it is to be run")
        row = {"trial_id": trial.id, "stop": stop, "started_from": started_from, "started": at}
        made = connection.execute(insert(schema.attempts), row).inserted_primary_key
        assert made is not None
        return int(made[0])

    return store.fenced(lease, work)


def end_attempt(
    store: Store, lease: Lease, attempt: int, result: Result, reason: str | None = None, now: float | None = None
) -> None:
    """Record that an attempt ended without completing its segment. A second end is not recorded."""
    at = time.time() if now is None else now
    store.fenced(lease, lambda connection, revision: end_attempt_in(connection, attempt, result, reason, at))


def end_attempt_in(connection: Connection, attempt: int, result: Result, reason: str | None, now: float) -> None:
    """`end_attempt`, inside another transaction."""
    row = schema.attempts
    values = {"ended": now, "result": result, "reason": None if reason is None else readable(reason)}
    connection.execute(update(row).where(row.c.id == attempt, row.c.result.is_(None)).values(values))


@patient
def losses(store: Store, study_id: int, key: TrialKey) -> int:
    """Return how many attempts were lost since the trial last made progress or was opened again."""
    row = schema.attempts
    with store.reading() as connection:
        trial = trial_named(connection, study_id, key)
        point = resume_point_in(connection, trial.id)
        here = row.c.started_from == (0 if point is None else point[0])
        since = row.c.id > last_retry(connection, trial.id)
        query = select(func.count()).where(row.c.trial_id == trial.id, row.c.result == "lost", here, since)
        return connection.scalar(query) or 0


@patient
def attempts(store: Store, study_id: int) -> list[AttemptRow]:
    """Return all attempts of a study, oldest first."""
    row, trial = schema.attempts, schema.trials
    query = (
        select(
            row.c.id,
            trial.c.key,
            row.c.stop,
            row.c.started_from,
            row.c.started,
            row.c.ended,
            row.c.result,
            row.c.reason,
        )
        .join_from(row, trial)
        .where(trial.c.study_id == study_id)
        .order_by(row.c.id)
    )
    with store.reading() as connection:
        return [
            AttemptRow(
                id=found.id,
                trial=key_of(found.key),
                stop=found.stop,
                started_from=found.started_from,
                started=found.started,
                ended=found.ended,
                result=found.result,
                reason=None if found.reason is None else shown(found.reason),
            )
            for found in connection.execute(query)
        ]
