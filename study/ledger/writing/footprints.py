"""Measurements of probes: memory and speed of a network at one size on one kind of device. Kept for all studies."""

import dataclasses
import time

from sqlalchemy import Connection, delete, insert, select

from study.ledger.database import schema
from study.ledger.database.column_types import finite
from study.ledger.database.store import Store, patient
from trainables.training.footprint import Footprint

_MEASURED = tuple(field.name for field in dataclasses.fields(Footprint))


@patient
def footprints(store: Store, subject: str) -> list[Footprint]:
    """Return the measurements of a subject, one for each kind of device, the newest first.

    Args:
        store: The ledger.
        subject: Digest of network, sizes and losses.
    """
    row = schema.footprints
    query = select(*(row.c[name] for name in _MEASURED)).where(row.c.subject == subject)
    with store.reading() as connection:
        found = connection.execute(query.order_by(row.c.measured.desc(), row.c.device)).mappings().all()
    return [Footprint(**each) for each in found]


def add_footprint(store: Store, subject: str, model: str, found: Footprint, now: float | None = None) -> None:
    """Record a measurement, in place of an earlier one on that device.

    Args:
        store: The ledger.
        subject: Digest of network, sizes and losses.
        model: The network's name, for a person who looks.
        found: The measurement.
        now: Seconds since 1970.
    """
    row = schema.footprints
    for name in ("seconds", "window_seconds", "voxel_seconds"):
        finite(getattr(found, name), name)
    values = {"subject": subject, "model": model, "measured": time.time() if now is None else now}

    def work(connection: Connection) -> None:
        connection.execute(delete(row).where(row.c.subject == subject, row.c.device == found.device))
        connection.execute(insert(row), {**values, **dataclasses.asdict(found)})

    store.write(work)
