"""Views that follow the ledger (MLflow): how far each has come, and the rows that are new since, by a counter."""

from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from study.ledger.database import schema
from study.ledger.database.store import Store, patient
from study.ledger.reading.trials_and_curves import segment_rows, trial_rows
from study.ledger.rows import Changes

LIMIT = 1000


@patient
def changes_since(store: Store, study_id: int, position: int = 0, limit: int = LIMIT) -> Changes:
    """Return the rows that were inserted or recorded after a position; 0 for everything.

    Args:
        store: The ledger.
        study_id: Which study.
        position: `Changes.position` of the time before.
        limit: Rows at a time, about: those of one transaction stay together.

    Returns:
        Segments recorded since, each once, in the order in which they came; and the trials that they belong to or that
        were inserted or ended since, as they are now.
    """
    trial, segment = schema.trials, schema.segments
    ours = trial.c.study_id == study_id
    with store.reading() as connection:
        revisions: list[int] = []
        for row, news in ((trial, select(trial.c.revision)), (segment, select(segment.c.revision).join(trial))):
            page = news.where(ours, row.c.revision > position).order_by(row.c.revision).limit(limit)
            revisions += connection.scalars(page)
        if not revisions:
            return Changes(position, (), (), more=False)
        upto = sorted(revisions)[:limit][-1]
        newest = connection.scalar(select(func.max(trial.c.revision)).where(ours))
        recorded = segment.c.revision.between(position + 1, upto)
        changed = trial.c.revision.between(position + 1, upto)
        # A trial whose last change is beyond the page comes along with its segments that are in it.
        owners = trial.c.id.in_(select(segment.c.trial_id).where(recorded))
        return Changes(
            position=upto,
            trials=tuple(trial_rows(connection, ours & (changed | owners), trial.c.revision, trial.c.id)),
            segments=tuple(segment_rows(connection, ours & recorded, segment.c.revision, trial.c.id)),
            more=newest != upto,
        )


@patient
def view_position(store: Store, study_id: int, view: str) -> Any | None:
    """Return the position that the view saved last; None where it saved none.

    Args:
        store: The ledger.
        study_id: Which study.
        view: Its address, such as MLflow's URL.
    """
    row = schema.views
    with store.reading() as connection:
        return connection.scalar(select(row.c.position).where(row.c.study_id == study_id, row.c.view == view))


def set_view_position(store: Store, study_id: int, view: str, position: Any) -> None:
    """Save the position of a view: anything JSON-able.

    It asks for no lease: a view that is sent the same again does not change, so an older position does no harm.
    """
    row = schema.views

    def work(connection: Connection) -> None:
        connection.execute(delete(row).where(row.c.study_id == study_id, row.c.view == view))
        connection.execute(insert(row), {"study_id": study_id, "view": view, "position": position})

    store.write(work)
