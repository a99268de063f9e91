"""The checkpoint folders that count: one for the last mark of a trial, and the newest between marks.

A folder is removed by the caller after the transaction that stopped naming it. One that a crash left behind is not
among `folders`, and can go at the next start.
"""

import time
from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select, union_all, update

from study.design import TrialKey
from study.ledger.database import schema
from study.ledger.database.find import trial_named
from study.ledger.database.owner import Lease
from study.ledger.database.store import Store, patient

KEPT = 2  # between marks: the newest, and the one before in case that is damaged


def record_checkpoint(
    store: Store, lease: Lease, key: TrialKey, iteration: int, folder: str, now: float | None = None
) -> tuple[str, ...]:
    """Record a complete checkpoint between marks. One that comes late (mark done, trial ended) is not kept.

    Args:
        store: The ledger.
        lease: The driver's.
        key: The trial.
        iteration: Where its training stands, > 0.
        folder: Relative to the storage root.
        now: Seconds since 1970.

    Returns:
        Checkpoint folders that the ledger no longer names; `folder` itself if it came late.
    """
    at = time.time() if now is None else now

    def work(connection: Connection, revision: int) -> tuple[str, ...]:
        trial = trial_named(connection, lease.study_id, key)
        row = schema.checkpoints
        before = named(connection, trial.id)
        if trial.status != "open" or iteration <= _last_mark(connection, trial.id):
            return () if folder in before else (folder,)
        connection.execute(delete(row).where(row.c.trial_id == trial.id, row.c.iteration == iteration))
        values = {"trial_id": trial.id, "iteration": iteration, "folder": folder, "created": at}
        connection.execute(insert(row), values)
        newest = select(row.c.iteration).where(row.c.trial_id == trial.id).order_by(row.c.iteration.desc())
        oldest_kept = list(connection.scalars(newest.limit(KEPT)))[-1]
        connection.execute(delete(row).where(row.c.trial_id == trial.id, row.c.iteration < oldest_kept))
        return tuple(sorted(before - named(connection, trial.id)))

    return store.fenced(lease, work)


@patient
def resume_point(store: Store, study_id: int, key: TrialKey) -> tuple[int, str] | None:
    """Return `(iteration, folder)` of a trial's newest checkpoint, where its next attempt starts; None without one."""
    with store.reading() as connection:
        return resume_point_in(connection, trial_named(connection, study_id, key).id)


def resume_point_in(connection: Connection, trial_id: int) -> tuple[int, str] | None:
    """`resume_point`, inside another transaction."""
    between, mark = schema.checkpoints, schema.segments
    points = [
        connection.execute(
            select(between.c.iteration, between.c.folder)
            .where(between.c.trial_id == trial_id)
            .order_by(between.c.iteration.desc())
            .limit(1)
        ).one_or_none(),
        connection.execute(
            select(mark.c.iteration, mark.c.checkpoint)
            .where(mark.c.trial_id == trial_id, mark.c.checkpoint.is_not(None))
            .order_by(mark.c.iteration.desc())
            .limit(1)
        ).one_or_none(),
    ]
    return max(((iteration, folder) for iteration, folder in filter(None, points)), default=None)


def forget_checkpoint(store: Store, lease: Lease, key: TrialKey, iteration: int) -> tuple[str, ...]:
    """Forget a damaged checkpoint: the trial resumes from the one before.

    Returns:
        Its folder, if there was one.
    """

    def work(connection: Connection, revision: int) -> tuple[str, ...]:
        trial = trial_named(connection, lease.study_id, key)
        before = named(connection, trial.id)
        row, mark = schema.checkpoints, schema.segments
        connection.execute(delete(row).where(row.c.trial_id == trial.id, row.c.iteration == iteration))
        here = (mark.c.trial_id == trial.id) & (mark.c.iteration == iteration)
        connection.execute(update(mark).where(here).values(checkpoint=None))
        return tuple(sorted(before - named(connection, trial.id)))

    return store.fenced(lease, work)


def forget_checkpoints(store: Store, lease: Lease, keys: Sequence[TrialKey]) -> tuple[str, ...]:
    """Forget all checkpoints of these trials, such as finished trials that did not win.

    Returns:
        Their folders, for the caller to remove.
    """

    def work(connection: Connection, revision: int) -> tuple[str, ...]:
        trials = [trial_named(connection, lease.study_id, key) for key in keys]
        return tuple(folder for trial in trials for folder in forget_all(connection, trial.id))

    return store.fenced(lease, work)


@patient
def folders(store: Store, study_id: int) -> set[str]:
    """Return every checkpoint folder that counts; any other is left over from a crash, or is being written."""
    between, mark, trial = schema.checkpoints, schema.segments, schema.trials
    query = union_all(
        select(between.c.folder).join(trial).where(trial.c.study_id == study_id),
        select(mark.c.checkpoint).join(trial).where(trial.c.study_id == study_id, mark.c.checkpoint.is_not(None)),
    )
    with store.reading() as connection:
        return set(connection.scalars(query))


def named(connection: Connection, trial_id: int) -> set[str]:
    """Return a trial's folders that count."""
    between, mark = schema.checkpoints, schema.segments
    query = union_all(
        select(between.c.folder).where(between.c.trial_id == trial_id),
        select(mark.c.checkpoint).where(mark.c.trial_id == trial_id, mark.c.checkpoint.is_not(None)),
    )
    return set(connection.scalars(query))


def forget_before(connection: Connection, trial_id: int, mark: int) -> None:
    """Forget the checkpoints before a mark, and those between marks that stand at it."""
    between, segment = schema.checkpoints, schema.segments
    connection.execute(delete(between).where(between.c.trial_id == trial_id, between.c.iteration <= mark))
    earlier = (segment.c.trial_id == trial_id) & (segment.c.iteration < mark) & segment.c.checkpoint.is_not(None)
    connection.execute(update(segment).where(earlier).values(checkpoint=None))


def forget_all(connection: Connection, trial_id: int) -> list[str]:
    """Forget all checkpoints of a trial; return their folders."""
    before = named(connection, trial_id)
    between, segment = schema.checkpoints, schema.segments
    connection.execute(delete(between).where(between.c.trial_id == trial_id))
    connection.execute(update(segment).where(segment.c.trial_id == trial_id).values(checkpoint=None))
    return sorted(before)


def _last_mark(connection: Connection, trial_id: int) -> int:
    row = schema.segments
    return connection.scalar(select(func.max(row.c.iteration)).where(row.c.trial_id == trial_id)) or 0
