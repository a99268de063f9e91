"""Declarations: what a study tests and shows, as it stood when its final stage began, and every change since.

A baseline, a metric or a number of seeds that is chosen once test results are known makes p-values too small. The
first declaration enters with the first final-stage trial; a later one enters with a notice.
"""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from study.ledger.database import schema
from study.ledger.database.store import Store, patient
from study.ledger.rows import Declaration
from study.ledger.writing.notices import insert_notice, times

KEYS = (
    "report.baseline",
    "report.metrics",
    "report.empty",
    "report.equivalence",
    "report.means",
    "dataset.regions",
    "objective.metric",
    "objective.region",
    "budget.final_seeds",
)
"""Keys of the study file that decide what is tested."""

ADDITIONS = ("budget.final_seeds",)
"""Keys whose change has a notice of its own, as an addition to the study."""


@patient
def declarations(store: Store, study_id: int) -> list[Declaration]:
    """Return the declarations of a study, oldest first; none before its final stage."""
    row = schema.declarations
    query = select(row.c.created, row.c.report_reads, row.c.declared).where(row.c.study_id == study_id)
    with store.reading() as connection:
        return [Declaration(*found) for found in connection.execute(query.order_by(row.c.id))]


def declare_first(connection: Connection, study_id: int, now: float) -> None:
    """Record what is tested when the final stage begins, inside another transaction; nothing where that was done."""
    if _last(connection, study_id) is None:
        file = connection.scalar(select(schema.studies.c.file).where(schema.studies.c.id == study_id))
        _insert(connection, study_id, _declared(connection, study_id, file or {}), now)


def declare_again(connection: Connection, study_id: int, file: Mapping[str, Any], now: float | None) -> bool:
    """Record what a changed study file tests, with a notice, once the final stage has begun.

    Args:
        connection: The transaction's; the study's row still has the old file, and the arms are up to date.
        study_id: Which study.
        file: The new study file, all defaults written out.
        now: Seconds since 1970.

    Returns:
        Whether the final stage has begun.
    """
    trial, at = schema.trials, time.time() if now is None else now
    finals = select(func.min(trial.c.created)).where(trial.c.study_id == study_id, trial.c.stage == "final")
    begun = connection.scalar(finals)
    if begun is None:
        return False
    declare_first(connection, study_id, begun)  # of a ledger from before declarations were kept
    last = _last(connection, study_id)
    assert last is not None
    declared = _declared(connection, study_id, file)
    changed = [key for key in KEYS if declared.get(key) != last.declared.get(key)]
    if changed:
        _insert(connection, study_id, declared, at)
    said = [
        f"{key}: {_word(last.declared.get(key))} → {_word(declared.get(key))}"
        for key in changed
        if key not in ADDITIONS
    ]
    if said:
        reads = _reads(connection, study_id)
        shown = f"after test tables were shown {times(reads)}" if reads else "before any test table was shown"
        text = f"declared anew after the final stage had begun, {shown}: {'; '.join(said)}"
        insert_notice(connection, study_id, text, at)
    return True


def _declared(connection: Connection, study_id: int, file: Mapping[str, Any]) -> dict[str, Any]:
    """Return key → value; without a baseline in the file it is the first arm."""
    declared: dict[str, Any] = {}
    for key in KEYS:
        section, _, name = key.partition(".")
        declared[key] = (file.get(section) or {}).get(name)
    if declared["report.baseline"] is None:
        arm = schema.arms
        query = select(arm.c.name).where(arm.c.study_id == study_id).order_by(arm.c.number).limit(1)
        declared["report.baseline"] = connection.scalar(query)
    return declared


def _insert(connection: Connection, study_id: int, declared: Mapping[str, Any], now: float) -> None:
    reads = _reads(connection, study_id)
    row = {"study_id": study_id, "created": now, "report_reads": reads, "declared": dict(declared)}
    connection.execute(insert(schema.declarations), row)


def _last(connection: Connection, study_id: int) -> Row[Any] | None:
    row = schema.declarations
    query = select(row.c.declared).where(row.c.study_id == study_id).order_by(row.c.id.desc()).limit(1)
    return connection.execute(query).one_or_none()


def _reads(connection: Connection, study_id: int) -> int:
    return connection.scalar(select(schema.studies.c.report_reads).where(schema.studies.c.id == study_id)) or 0


def _word(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "nothing" if value is None else str(value)
