"""Views that follow the ledger (MLflow): how far each has come, and what is new since, by a count, not a clock."""

from typing import Any

from sqlalchemy import Connection, delete, insert, select

from study import schema
from study.ledger_reading import segment_rows, trial_rows
from study.ledger_rows import Changes
from study.ledger_store import Store

LIMIT = 500  # trials at a time


def changes_since(store: Store, study_id: int, position: int = 0, limit: int = LIMIT) -> Changes:
    """What was inserted or recorded after a position; 0 for everything.

    Args:
        store: The ledger.
        study_id: Which study.
        position: `Changes.position` of the time before.
        limit: Trials at a time, about: those of one transaction stay together.

    Returns:
        Trials as they are now, and segments recorded since, both in the order in which they came.
    """
    row, segment = schema.trials, schema.segments
    with store.reading() as connection:
        news = select(row.c.revision).where(row.c.study_id == study_id, row.c.revision > position)
        revisions = list(connection.scalars(news.order_by(row.c.revision).limit(limit + 1)))
        if not revisions:
            return Changes(position, (), (), more=False)
        upto = revisions[:limit][-1]
        of = (row.c.study_id == study_id) & (row.c.revision > position) & (row.c.revision <= upto)
        trials = trial_rows(connection, of, row.c.revision, row.c.id)
        segments = segment_rows(connection, of & (segment.c.revision > position), segment.c.revision, row.c.id)
    return Changes(upto, tuple(trials), tuple(segments), more=revisions[-1] > upto)


def view_position(store: Store, study_id: int, view: str) -> Any | None:
    """What the view saved last; None where it never did.

    Args:
        store: The ledger.
        study_id: Which study.
        view: Its address, such as MLflow's URL.
    """
    row = schema.views
    with store.reading() as connection:
        return connection.scalar(select(row.c.position).where(row.c.study_id == study_id, row.c.view == view))


def set_view_position(store: Store, study_id: int, view: str, position: Any) -> None:
    """Save how far a view has come: anything JSON-able.

    It asks for no lease: a view that is sent the same again does not change, so an older position does no harm.
    """
    row = schema.views

    def work(connection: Connection) -> None:
        connection.execute(delete(row).where(row.c.study_id == study_id, row.c.view == view))
        connection.execute(insert(row), {"study_id": study_id, "view": view, "position": position})

    store.write(work)
