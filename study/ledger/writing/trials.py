"""Trials: inserted once, in whole cohorts; ended once; and their state for the planner."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from study.design import KnownTrial, PlannedTrial, Status, TrialKey
from study.ledger.database import schema
from study.ledger.database.find import chunks, key_of, trial_named
from study.ledger.database.json import readable
from study.ledger.database.owner import Lease
from study.ledger.database.store import Store, patient
from study.ledger.writing.checkpoints import forget_all
from study.ledger.writing.declarations import declare_first


def insert_trials(
    store: Store,
    lease: Lease,
    trials: Sequence[PlannedTrial],
    sampled_by: str,
    halved: Sequence[TrialKey] = (),
    now: float | None = None,
) -> tuple[str, ...]:
    """Carry out a decision of the planner in one transaction: new trials, and those that halving ends.

    Args:
        store: The ledger.
        lease: The driver's.
        trials: Whole cohorts.
        sampled_by: Sampler and version, such as `tpe, optuna 5.0.0`.
        halved: Open trials (or halved already) that end here.
        now: Seconds since 1970.

    Returns:
        Checkpoint folders that the ledger no longer names.

    Raises:
        ValueError: A trial exists already, its arm does not, or one to be halved has ended otherwise.
    """
    at = time.time() if now is None else now

    def work(connection: Connection, revision: int) -> tuple[str, ...]:
        _refuse_known(connection, lease.study_id, [plan.key for plan in trials])
        query = select(schema.arms.c.number, schema.arms.c.id).where(schema.arms.c.study_id == lease.study_id)
        arm_ids = dict(connection.execute(query).all())
        rows = []
        for plan in trials:
            if plan.key.arm not in arm_ids:
                raise ValueError(f"trial {plan.key}: the study has {len(arm_ids)} arms")
            row = _trial_row(plan, lease.study_id, arm_ids[plan.key.arm])
            rows.append({**row, "sampled_by": sampled_by, "created": at, "revision": revision})
        if rows:
            connection.execute(insert(schema.trials), rows)
        if any(plan.key.stage == "final" for plan in trials):
            declare_first(connection, lease.study_id, at)
        return _end(connection, lease, halved, "halved", None, revision, at)

    return store.fenced(lease, work)


def halve(store: Store, lease: Lease, keys: Sequence[TrialKey], now: float | None = None) -> tuple[str, ...]:
    """End trials that others of their cohort beat. They keep no checkpoint.

    Returns:
        Checkpoint folders that the ledger no longer names.

    Raises:
        ValueError: One does not exist, or has ended otherwise.
    """
    return insert_trials(store, lease, (), "", halved=keys, now=now)


def lose(store: Store, lease: Lease, key: TrialKey, reason: str, now: float | None = None) -> tuple[str, ...]:
    """Give up a trial that machines lost again and again without progress.

    Returns:
        Checkpoint folders that the ledger no longer names.

    Raises:
        ValueError: It does not exist, or has ended otherwise.
    """
    at = time.time() if now is None else now
    return store.fenced(
        lease,
        lambda connection, revision: _end(connection, lease, (key,), "lost", readable(reason), revision, at),
    )


@patient
def known(store: Store, study_id: int) -> list[KnownTrial]:
    """Return all trials with their objectives by mark, in the order of their keys: the planner's input."""
    row, segment = schema.trials, schema.segments
    columns = (row.c.id, row.c.key, row.c.cohort, row.c.seed, row.c.parameters, row.c.source, row.c.status)
    with store.reading() as connection:
        found: dict[int, KnownTrial] = {}
        for id_, key, cohort, seed, parameters, source, status in connection.execute(
            select(*columns).where(row.c.study_id == study_id)
        ):
            plan = PlannedTrial(key_of(key), cohort, seed, parameters, source and key_of(source))
            found[id_] = KnownTrial(plan, status)
        reached = select(segment.c.trial_id, segment.c.iteration, segment.c.objective).join(row)
        for id_, mark, objective in connection.execute(
            reached.where(row.c.study_id == study_id).order_by(segment.c.trial_id, segment.c.iteration)
        ):
            found[id_].values[mark] = objective
    return sorted(found.values(), key=lambda trial: trial.plan.key)


@patient
def speeds(store: Store, study_id: int) -> dict[str, float]:
    """Return model → seconds of training per iteration, over all recorded segments; models without one are left out."""
    segment, trial, arm = schema.segments, schema.trials, schema.arms
    query = (
        select(arm.c.model, func.sum(segment.c.seconds), func.sum(segment.c.trained))
        .join_from(segment, trial)
        .join(arm)
        .where(trial.c.study_id == study_id, segment.c.trained > 0)
        .group_by(arm.c.model)
    )
    with store.reading() as connection:
        return {model: seconds / trained for model, seconds, trained in connection.execute(query)}


def _trial_row(plan: PlannedTrial, study_id: int, arm_id: int) -> dict[str, Any]:
    return {
        "study_id": study_id,
        "arm_id": arm_id,
        "key": str(plan.key),
        "stage": plan.key.stage,
        "search": plan.key.search,
        "fold": plan.key.fold,
        "number": plan.key.number,
        "cohort": plan.cohort,
        "seed": plan.seed,
        "parameters": dict(plan.parameters),
        "source": None if plan.source is None else str(plan.source),
        "status": "open",
    }


def _refuse_known(connection: Connection, study_id: int, keys: Sequence[TrialKey]) -> None:
    row = schema.trials
    for part in chunks(map(str, keys)):
        query = select(row.c.key).where(row.c.study_id == study_id, row.c.key.in_(part)).limit(1)
        if (key := connection.scalar(query)) is not None:
            raise ValueError(f"trial {key} exists already; a trial is inserted once")


def _end(
    connection: Connection,
    lease: Lease,
    keys: Iterable[TrialKey],
    status: Status,
    reason: str | None,
    revision: int,
    now: float,
) -> tuple[str, ...]:
    obsolete: list[str] = []
    for key in keys:
        trial = trial_named(connection, lease.study_id, key)
        if trial.status == status:
            continue
        if trial.status != "open":
            raise ValueError(f"trial {key} is {trial.status}, and cannot become {status}")
        set_status(connection, trial.id, status, reason, revision, now)
        obsolete += forget_all(connection, trial.id)
    return tuple(obsolete)


def set_status(
    connection: Connection, trial_id: int, status: Status, reason: str | None, revision: int, now: float | None
) -> None:
    """End a trial (with `open`, only count its change), inside another transaction."""
    values = {"status": status, "reason": reason, "revision": revision, "ended": now}
    connection.execute(update(schema.trials).where(schema.trials.c.id == trial_id).values(values))
