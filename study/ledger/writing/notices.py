"""Notices: facts that a reader of a study's report must know, such as warnings of `check` and losses of machines."""

import time

from sqlalchemy import Connection, insert, select

from study.ledger.database import schema
from study.ledger.database.json import readable, shown
from study.ledger.database.store import Store, patient
from study.ledger.rows import Notice


def add_notice(store: Store, study_id: int, text: str, now: float | None = None) -> None:
    """Record a notice for readers of the report. It changes no number, so it needs no lease."""
    store.write(lambda connection: insert_notice(connection, study_id, text, now))


@patient
def notices(store: Store, study_id: int) -> list[Notice]:
    """Return a study's notices, oldest first."""
    row = schema.notices
    with store.reading() as connection:
        query = select(row.c.created, row.c.text).where(row.c.study_id == study_id).order_by(row.c.id)
        return [Notice(created, shown(text)) for created, text in connection.execute(query)]


def insert_notice(connection: Connection, study_id: int, text: str, now: float | None) -> None:
    """Insert a notice inside another transaction."""
    row = {"study_id": study_id, "created": time.time() if now is None else now, "text": readable(text)}
    connection.execute(insert(schema.notices), row)


def times(number: int) -> str:
    """Return `once` or `3 times`."""
    return "once" if number == 1 else f"{number} times"
