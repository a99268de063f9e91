"""The state of a study: a few aggregates in one snapshot, for the live table."""

import collections
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, case, func, select

from study.ledger.database import schema
from study.ledger.database.find import key_of
from study.ledger.database.json import shown
from study.ledger.database.owner import Owner, who
from study.ledger.database.store import Store, patient
from study.ledger.status_rows import ArmStatus, Running, StudyStatus

T = TypeVar("T")


@patient
def status(store: Store, study_id: int) -> StudyStatus:
    """Return the state of a study and its arms."""
    with store.reading() as connection:
        study = connection.execute(
            select(schema.studies, schema.leases).join(schema.leases).where(schema.studies.c.id == study_id)
        ).one()
        arms = connection.execute(select(schema.arms).where(schema.arms.c.study_id == study_id)).all()
        trials = _by(lambda row: row.arm_id, _trials(connection, study_id))
        segments = _by(lambda row: row.arm_id, _segments(connection, study_id))
        between = _between_marks(connection, study_id)
        running = _by(lambda each: each.trial.arm, _running(connection, study_id))
        first_started, losses = _handed_out(connection, study_id)
        notices = connection.scalar(select(func.count()).where(schema.notices.c.study_id == study_id))
    driven = study.owner is not None and not Owner(**study.owner).is_dead()
    return StudyStatus(
        name=shown(study.name),
        marks=tuple(study.marks),
        arms=tuple(
            _arm(
                arm,
                trials[arm.id],
                segments[arm.id],
                tuple(running[arm.number]),
                study.marks,
                study.maximize,
                between.get(arm.id, 0),
            )
            for arm in sorted(arms, key=lambda arm: arm.number)
        ),
        speeds=_speeds(arms, segments),
        first_started=first_started,
        last_ended=max((row.last for rows in segments.values() for row in rows), default=None),
        driver=who(study.owner) if driven else None,
        driver_until=study.expires if driven else None,
        stop_requested=study.stop_requested,
        losses=losses,
        notices=notices or 0,
    )


def _arm(
    arm: Row[Any],
    trials: Sequence[Row[Any]],
    segments: Sequence[Row[Any]],
    running: tuple[Running, ...],
    marks: Sequence[int],
    maximize: bool,
    between: int,
) -> ArmStatus:
    steps = {mark: mark - before for before, mark in zip([0, *marks], marks, strict=False)}
    reached: collections.Counter[Any] = collections.Counter()
    best: dict[Any, float] = {}
    done_of_open = between
    for row in segments:
        at = row.stage, row.iteration
        reached[at] += row.trials
        if row.status == "open":
            done_of_open += row.trials * steps[row.iteration]
        found = row.highest if maximize else row.lowest
        if found is not None:
            best[at] = found if at not in best else (max if maximize else min)(best[at], found)
    return ArmStatus(
        number=arm.number,
        name=shown(arm.name),
        counts={(row.stage, row.status): row.trials for row in trials},
        reached=dict(sorted(reached.items())),
        best=dict(sorted(best.items())),
        running=running,
        iterations_open=marks[-1] * sum(row.trials for row in trials if row.status == "open") - done_of_open,
        seconds=sum(row.seconds + row.evaluate_seconds for row in segments),
        evaluate_seconds=sum(row.evaluate_seconds for row in segments),
    )


def _by(word: Callable[[T], int], rows: Iterable[T]) -> dict[int, list[T]]:
    """Return rows by a number in them; none for any other number."""
    found = collections.defaultdict(list)
    for row in rows:
        found[word(row)].append(row)
    return found


def _speeds(arms: Sequence[Row[Any]], segments: dict[int, list[Row[Any]]]) -> dict[str, float]:
    seconds: collections.Counter[str] = collections.Counter()
    trained: collections.Counter[str] = collections.Counter()
    for arm in arms:
        seconds[arm.model] += sum(row.seconds for row in segments[arm.id])
        trained[arm.model] += sum(row.trained for row in segments[arm.id])
    return {model: seconds[model] / count for model, count in trained.items() if count}


def _trials(connection: Connection, study_id: int) -> Sequence[Row[Any]]:
    row = schema.trials
    columns = row.c.arm_id, row.c.stage, row.c.status
    query = select(*columns, func.count().label("trials")).where(row.c.study_id == study_id).group_by(*columns)
    return connection.execute(query).all()


def _segments(connection: Connection, study_id: int) -> Sequence[Row[Any]]:
    row, trial = schema.segments, schema.trials
    columns = trial.c.arm_id, trial.c.stage, trial.c.status, row.c.iteration
    query = select(
        *columns,
        func.count().label("trials"),
        func.max(row.c.objective).label("highest"),
        func.min(row.c.objective).label("lowest"),
        func.sum(row.c.seconds).label("seconds"),
        func.sum(row.c.evaluate_seconds).label("evaluate_seconds"),
        func.sum(row.c.trained).label("trained"),
        func.max(row.c.ended).label("last"),
    ).join_from(row, trial)
    return connection.execute(query.where(trial.c.study_id == study_id).group_by(*columns)).all()


def _between_marks(connection: Connection, study_id: int) -> dict[int, int]:
    """Return an arm's row id → iterations of its open trials from the last mark to the newest checkpoint after it."""
    row, trial, segment = schema.checkpoints, schema.trials, schema.segments
    newest = (
        select(row.c.trial_id, trial.c.arm_id, func.max(row.c.iteration).label("iteration"))
        .join_from(row, trial)
        .where(trial.c.study_id == study_id, trial.c.status == "open")
        .group_by(row.c.trial_id, trial.c.arm_id)
        .subquery()
    )
    mark = select(func.max(segment.c.iteration)).where(segment.c.trial_id == newest.c.trial_id).scalar_subquery()
    done: collections.Counter[int] = collections.Counter()
    for arm_id, iteration, last in connection.execute(select(newest.c.arm_id, newest.c.iteration, mark)):
        done[arm_id] += iteration - (last or 0)
    return done


def _running(connection: Connection, study_id: int) -> list[Running]:
    row, trial = schema.attempts, schema.trials
    query = select(trial.c.key, row.c.stop, row.c.started_from, row.c.started).join_from(row, trial)
    query = query.where(trial.c.study_id == study_id, row.c.result.is_(None)).order_by(row.c.id)
    return [Running(key_of(key), *rest) for key, *rest in connection.execute(query)]


def _handed_out(connection: Connection, study_id: int) -> tuple[float | None, int]:
    """Return when the first segment was handed out, and how many were lost."""
    row, trial = schema.attempts, schema.trials
    lost = func.sum(case((row.c.result == "lost", 1), else_=0)).label("lost")
    query = select(func.min(row.c.started).label("first"), lost).join_from(row, trial)
    first, count = connection.execute(query.where(trial.c.study_id == study_id)).one()
    return first, count or 0
