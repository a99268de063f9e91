"""The rows of a completed segment, from the outcome that a worker reported."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, insert

from study.design import TrialKey
from study.ledger.database import schema
from study.ledger.database.column_types import finite
from study.ledger.writing.slices import slice_rows
from trainables.trial import Outcome

Rows = list[dict[str, Any]]
Cases = Mapping[str, tuple[int, tuple[str, ...]]]
"""Case name → (row id, its split in each fold)."""


@dataclasses.dataclass(frozen=True)
class Arrival:
    """An outcome, and the ledger's state of its trial.

    Attributes:
        connection: The transaction's.
        study_id: Which study.
        key: Which trial.
        trial_id: Its row.
        status: Its status before.
        reason: Why it ended, if it did.
        attempts: How often the segment was handed to a worker, 1 at least.
        names_folders: Whether the ledger names a checkpoint of the trial.
        marks: The study's.
        done: Mark → (objective, digest of the weights), as recorded.
        stop: The mark that was to be reached.
        outcome: As reported.
        objective: As reported.
    """

    connection: Connection
    study_id: int
    key: TrialKey
    trial_id: int
    status: str
    reason: str | None
    attempts: int
    names_folders: bool
    marks: list[int]
    done: Mapping[int, tuple[float | None, str]]
    stop: int
    outcome: Outcome
    objective: float | None

    @property
    def previous(self) -> int:
        """The mark that was done before; 0 where this is the first."""
        return max((mark for mark in self.done if mark < self.stop), default=0)


def rows_of(arrival: Arrival, cases: Cases) -> dict[Table, Rows]:
    """Return the rows by table.

    Raises:
        ValueError: A number is not finite; a point lies beyond the mark; a trial of the search stage was scored on a
            test case.
    """
    return {
        schema.case_scores: _scores(arrival, cases),
        schema.case_counts: _counts(arrival, cases),
        schema.pooled_scores: _pooled(arrival),
        schema.lesion_scores: _lesions(arrival, cases),
        schema.curves: _curve(arrival),
        schema.previews: _previews(arrival, cases),
        schema.segment_machines: _machine(arrival),
        **slice_rows(arrival.connection, arrival.study_id, arrival.trial_id, arrival.outcome.previews, cases),
    }


def _scores(arrival: Arrival, cases: Cases) -> Rows:
    key, rows = arrival.key, []
    for score in arrival.outcome.scores:
        finite(score.value, f"trial {key}: {score.metric} of {score.region} of {score.case}")
        rows.append(
            {
                "trial_id": arrival.trial_id,
                "iteration": arrival.stop,
                "region": score.region,
                "metric": score.metric,
                "case_id": _scored(arrival, cases, score.case),
                "value": score.value,
                "note": score.note,
            }
        )
    return rows


def _scored(arrival: Arrival, cases: Cases, name: str) -> int:
    """Return the row id of a case that the trial may be scored on."""
    key, (case_id, splits) = arrival.key, cases[name]
    if key.stage == "search" and splits[key.fold] == "test":
        raise ValueError(f"trial {key} was scored on the test case {name}, before every choice was made")
    return case_id


def _counts(arrival: Arrival, cases: Cases) -> Rows:
    return [
        {
            "trial_id": arrival.trial_id,
            "iteration": arrival.stop,
            "region": counts.region,
            "case_id": _scored(arrival, cases, counts.case),
            "tp": counts.tp,
            "fp": counts.fp,
            "fn": counts.fn,
            "tn": counts.tn,
        }
        for counts in arrival.outcome.counts
    ]


def _pooled(arrival: Arrival) -> Rows:
    return [
        {
            "trial_id": arrival.trial_id,
            "iteration": arrival.stop,
            "region": score.region,
            "metric": score.metric,
            "value": finite(score.value, f"trial {arrival.key}: {score.metric} of {score.region}, pooled"),
        }
        for score in arrival.outcome.pooled
    ]


def _lesions(arrival: Arrival, cases: Cases) -> Rows:
    return [
        {
            "trial_id": arrival.trial_id,
            "iteration": arrival.stop,
            "region": lesions.region,
            "case_id": _scored(arrival, cases, lesions.case),
            "lesions": lesions.lesions,
            "found": lesions.found,
            "false_positives": lesions.false_positives,
            "records": lesions.records,
        }
        for lesions in arrival.outcome.lesions
    ]


def _curve(arrival: Arrival) -> Rows:
    """Return the points after the mark before; a training that started again reports earlier ones once more."""
    rows = []
    for point in arrival.outcome.curve:
        if point.iteration > arrival.stop:
            raise ValueError(
                f"trial {arrival.key}: a curve's point at {point.iteration}, beyond the mark {arrival.stop}"
            )
        finite(point.value, f"trial {arrival.key}: {point.name} at iteration {point.iteration}")
        if point.iteration > arrival.previous:
            rows.append(
                {
                    "trial_id": arrival.trial_id,
                    "name": point.name,
                    "iteration": point.iteration,
                    "value": point.value,
                }
            )
    return rows


def _previews(arrival: Arrival, cases: Cases) -> Rows:
    return [
        {
            "trial_id": arrival.trial_id,
            "case_id": cases[preview.case][0],
            "slice_index": preview.slice_index,
            "height": preview.shape[0],
            "width": preview.shape[1],
            "image": preview.image,
            "reference": preview.reference,
            "prediction": preview.prediction,
        }
        for preview in arrival.outcome.previews
    ]


def _machine(arrival: Arrival) -> Rows:
    """Return what trained the segment; nothing from a worker of an older version."""
    machine = dict(arrival.outcome.machine)
    return [{"trial_id": arrival.trial_id, "iteration": arrival.stop, "machine": machine}] if machine else []


FEW = 8
"""Rows up to which SQLAlchemy's own way is as quick."""


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in the connection's transaction, all with the same columns in the same order."""
    if len(rows) <= FEW or not _is_plain(table):
        if rows:
            connection.execute(insert(table), [dict(row) for row in rows])
        return
    columns = list(rows[0])  # our own names, lower case, no words of SQL: nothing to quote
    into = f"INSERT INTO {table.name} ({', '.join(columns)})"
    values = [tuple(row.values()) for row in rows]
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"{into} VALUES ({', '.join('?' * len(columns))})", values)
        return
    arrays = ", ".join(f"%s::{table.c[name].type.compile(connection.dialect)}[]" for name in columns)
    by_column = tuple(list(column) for column in zip(*values, strict=True))
    connection.exec_driver_sql(f"{into} SELECT * FROM unnest({arrays})", by_column)


def _is_plain(table: Table) -> bool:
    return all(column.type.python_type in (int, float, str) for column in table.columns)
