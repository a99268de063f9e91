"""Ledger queries of the MLflow view for a trial: start, segments, curves and means of metrics."""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, func, select

from study.design import TrialKey
from study.ledger.database import schema
from study.ledger.database.find import chunks
from study.ledger.database.store import Store
from study.ledger.reading.trials_and_curves import segment_rows
from study.ledger.rows import SegmentRow
from study.tracking.training_runs import CurvePoint, Mean, Reached


@dataclasses.dataclass(frozen=True, slots=True)
class Details:
    """Numbers of a trial.

    Attributes:
        started: Time of its first attempt, seconds since 1970; None before.
        segments: Its completed segments.
        curve: All points of its training curves.
        means: Over the cases with a value, by mark, region and metric.
    """

    started: float | None = None
    segments: tuple[SegmentRow, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    means: tuple[Mean, ...] = ()


def details(store: Store, study_id: int, keys: Iterable[TrialKey]) -> dict[TrialKey, Details]:
    """Return the numbers of several trials, from one state of the ledger."""
    found: dict[TrialKey, Details] = {}
    wanted = list(keys)
    with store.reading() as connection:
        for part in chunks(map(str, wanted)):
            of = (schema.trials.c.study_id == study_id) & schema.trials.c.key.in_(part)
            started = _started(connection, of)
            segments: dict[TrialKey, list[SegmentRow]] = defaultdict(list)
            for row in segment_rows(connection, of, schema.trials.c.id, schema.segments.c.iteration):
                segments[row.trial].append(row)
            curves, means = _curves(connection, of), _means(connection, of)
            for key in map(TrialKey.parse, part):
                found[key] = Details(
                    started.get(key), tuple(segments.get(key, ())), tuple(curves[key]), tuple(means[key])
                )
    return found


def reached(store: Store, study_id: int, arm: int, mark: int) -> dict[TrialKey, Reached]:
    """Return the search trials of an arm that have an objective at a mark; those that are not finite are left out."""
    trial, segment = schema.trials, schema.segments
    query = (
        select(trial.c.key, segment.c.objective, segment.c.ended)
        .join_from(segment, trial)
        .where(trial.c.study_id == study_id, trial.c.key.like(f"search-a{arm:02d}-%"), segment.c.iteration == mark)
    )
    with store.reading() as connection:
        return {
            TrialKey.parse(key): Reached(value, ended)
            for key, value, ended in connection.execute(query)
            if value is not None and math.isfinite(value)
        }


def running(store: Store, study_id: int) -> frozenset[TrialKey]:
    """Return trials that run now, or ran when their driver died."""
    trial, attempt = schema.trials.c, schema.attempts.c
    query = select(trial.key).join(schema.attempts).where(trial.study_id == study_id, attempt.result.is_(None))
    with store.reading() as connection:
        return frozenset(map(TrialKey.parse, connection.scalars(query)))


def _started(connection: Connection, of: ColumnElement[bool]) -> dict[TrialKey, float]:
    trial, attempt = schema.trials, schema.attempts
    query = select(trial.c.key, func.min(attempt.c.started)).join_from(attempt, trial).where(of).group_by(trial.c.key)
    return {TrialKey.parse(key): moment for key, moment in connection.execute(query)}


def _curves(connection: Connection, of: ColumnElement[bool]) -> dict[TrialKey, list[CurvePoint]]:
    row, trial = schema.curves, schema.trials
    query = select(trial.c.key, row.c.iteration, row.c.name, row.c.value).join_from(row, trial).where(of)
    found: dict[TrialKey, list[CurvePoint]] = defaultdict(list)
    for key, *point in connection.execute(query.order_by(trial.c.id, row.c.iteration, row.c.name)):
        found[TrialKey.parse(key)].append(CurvePoint(*point))
    return found


def _means(connection: Connection, of: ColumnElement[bool]) -> dict[TrialKey, list[Mean]]:
    """Return means, summed exactly: a database adds in varying order, and a changed last bit would be a new point."""
    row, trial = schema.case_scores, schema.trials
    query = select(trial.c.key, row.c.iteration, row.c.region, row.c.metric, row.c.value).join_from(row, trial)
    values: dict[tuple[str, int, str, str], list[float]] = defaultdict(list)
    for key, iteration, region, metric, value in connection.execute(query.where(of, row.c.value.is_not(None))):
        values[key, iteration, region, metric].append(value)
    found: dict[TrialKey, list[Mean]] = defaultdict(list)
    for (key, iteration, region, metric), each in sorted(values.items()):
        found[TrialKey.parse(key)].append(Mean(iteration, region, metric, _mean(each)))
    return found


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
