"""Reads of trials, segments, curves and previews, for reports. Case scores are in `scores`."""

import dataclasses
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, select

from study.design import Stage, TrialKey
from study.ledger.database import schema
from study.ledger.database.find import key_of
from study.ledger.database.json import mapping, shown
from study.ledger.database.pictures import planes_of
from study.ledger.database.store import Store, patient
from study.ledger.rows import Curve, SegmentRow, TrialRow
from trainables.pictures.kept import Preview

_TRIAL = ("key", "cohort", "seed", "parameters", "source", "status", "reason", "sampled_by", "created", "ended")
_SEGMENT = (
    "iteration", "objective", "weights", "checkpoint", "attempts", "seconds", "evaluate_seconds", "trained", "host",
    "device", "peak_bytes", "ended",
)  # fmt: skip


@patient
def trials(store: Store, study_id: int, stage: Stage | None = None) -> list[TrialRow]:
    """Return a study's trials, of one stage or of both, in the order of their keys."""
    with store.reading() as connection:
        return sorted(trial_rows(connection, _of(study_id, stage)), key=lambda row: row.key)


@patient
def segments(store: Store, study_id: int, stage: Stage | None = None) -> list[SegmentRow]:
    """Return a study's completed segments, of one stage or of both, by trial and mark."""
    with store.reading() as connection:
        return sorted(segment_rows(connection, _of(study_id, stage)), key=lambda row: (row.trial, row.iteration))


@patient
def curves(
    store: Store, study_id: int, stage: Stage | None = None, names: Collection[str] | None = None
) -> list[Curve]:
    """Return training curves, by trial and name.

    Args:
        store: The ledger.
        study_id: Which study.
        stage: `search`, `final`, or both.
        names: Those to read, such as `{"loss"}`; all by default.
    """
    row, trial = schema.curves, schema.trials
    query = select(trial.c.key, row.c.name, row.c.iteration, row.c.value).join_from(row, trial)
    query = query.where(_of(study_id, stage)).order_by(row.c.trial_id, row.c.name, row.c.iteration)
    if names is not None:
        query = query.where(row.c.name.in_(sorted(names)))
    found: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
    with store.reading() as connection:
        for key, name, iteration, value in connection.execute(query):
            iterations, values = found.setdefault((key, name), ([], []))
            iterations.append(iteration)
            values.append(value)
    read = [
        Curve(key_of(key), name, np.array(iterations, np.int64), np.array(values, np.float64))
        for (key, name), (iterations, values) in found.items()
    ]
    return sorted(read, key=lambda curve: (curve.trial, curve.name))


@patient
def previews(store: Store, study_id: int, trials: Iterable[TrialKey] | None = None) -> list[tuple[TrialKey, Preview]]:
    """Return slices with reference and prediction, by trial and case; of some trials or of all."""
    row, trial, case = schema.previews, schema.trials, schema.cases
    columns = (row.c.slice_index, row.c.height, row.c.width, row.c.image, row.c.reference, row.c.prediction)
    query = select(trial.c.key, case.c.name, *columns).join_from(row, trial).join(case, row.c.case_id == case.c.id)
    query = query.where(trial.c.study_id == study_id)
    if trials is not None:
        query = query.where(trial.c.key.in_([str(key) for key in trials]))
    with store.reading() as connection:
        found = [
            (
                key_of(key),
                Preview(shown(name), at, *planes_of(1, height, width, planes, f"a picture of {shown(name)!r}")),
            )
            for key, name, at, height, width, *planes in connection.execute(query)
        ]
    return sorted(found, key=lambda pair: (pair[0], pair[1].case))


@patient
def kept_previews(store: Store, study_id: int) -> list[tuple[TrialKey, str]]:
    """Return which trials kept a slice of which case, by trial and case, without the pictures."""
    row, trial, case = schema.previews, schema.trials, schema.cases
    query = select(trial.c.key, case.c.name).join_from(row, trial).join(case, row.c.case_id == case.c.id)
    with store.reading() as connection:
        found = connection.execute(query.where(trial.c.study_id == study_id))
        return sorted((key_of(key), shown(name)) for key, name in found)


def trial_rows(connection: Connection, of: ColumnElement[bool], *order: ColumnElement[Any]) -> list[TrialRow]:
    """Return the trials that a condition selects, inside another transaction."""
    trial, arm = schema.trials, schema.arms
    query = select(arm.c.name, *(trial.c[name] for name in _TRIAL)).join_from(trial, arm).where(of).order_by(*order)
    return [
        TrialRow(
            key=key_of(row.key),
            arm=shown(row.name),
            cohort=row.cohort,
            seed=row.seed,
            parameters=mapping(row.parameters, f"the parameters of {row.key}"),
            source=row.source and key_of(row.source),
            status=row.status,
            reason=None if row.reason is None else shown(row.reason),
            sampled_by=shown(row.sampled_by),
            created=row.created,
            ended=row.ended,
        )
        for row in connection.execute(query)
    ]


def segment_rows(connection: Connection, of: ColumnElement[bool], *order: ColumnElement[Any]) -> list[SegmentRow]:
    """Return the segments that a condition selects, inside another transaction."""
    row, trial, machine = schema.segments, schema.trials, schema.segment_machines
    same = (machine.c.trial_id == row.c.trial_id) & (machine.c.iteration == row.c.iteration)
    query = select(trial.c.key, machine.c.machine, *(row.c[name] for name in _SEGMENT)).join_from(row, trial)
    query = query.outerjoin(machine, same).where(of).order_by(*order)
    return [
        dataclasses.replace(SegmentRow(key_of(key), *rest), machine=mapping(trained_by or {}, f"the machine of {key}"))
        for key, trained_by, *rest in connection.execute(query)
    ]


def _of(study_id: int, stage: Stage | None) -> ColumnElement[bool]:
    ours = schema.trials.c.study_id == study_id
    return ours if stage is None else ours & (schema.trials.c.stage == stage)
