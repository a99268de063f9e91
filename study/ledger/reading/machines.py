"""The machines that trained a study, as its segments recorded them."""

from typing import Any

from sqlalchemy import Text, cast, select

from study.ledger.database import schema
from study.ledger.database.json import loads, mapping
from study.ledger.database.store import Store, patient


@patient
def machines(store: Store, study_id: int) -> list[dict[str, Any]]:
    """Return the different machines (`Outcome.machine`) that trained segments of a study; none of older versions."""
    row, trial = schema.segment_machines, schema.trials
    query = select(cast(row.c.machine, Text).label("text")).join_from(row, trial).where(trial.c.study_id == study_id)
    with store.reading() as connection:
        found = sorted(connection.scalars(query.distinct()))
    return [mapping(loads(text), "a segment's machine") for text in found]
