"""Reads of millions of rows by columns: shared keys are read once, and rows come as the driver returns them.

Six million scores took 18 seconds of one core row by row through SQLAlchemy, and take 5 this way.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Column, ColumnElement, Connection, Table, and_, func, select

BATCH = 50_000
"""Rows in memory as Python's numbers, about: a trial's stay together."""

TRIALS = 200
"""In one statement: older SQLite binds 999 values."""

Group = tuple[Any, ...]
"""(trial_id, iteration, region, …): what a group of rows shares, the table's key but its case."""


def grouped(
    connection: Connection,
    table: Table,
    trials: Sequence[int],
    columns: Sequence[Column[Any]],
    where: Iterable[ColumnElement[bool]] = (),
) -> Iterator[tuple[list[Group], NDArray[np.intp], list[tuple[Any, ...]]]]:
    """Yield groups of rows with their columns, some trials at a time.

    Args:
        connection: Connection of one transaction, so that both questions see the same rows.
        table: One whose key is the trial, what groups rows, and the case last.
        trials: Row ids.
        columns: To be read.
        where: Conditions on the table.

    Yields:
        Groups in the order of the key, how many rows each has, and the columns' values, as many as those rows.
    """
    *keys, case = table.primary_key.columns
    conditions = list(where)
    for some in _chunks(connection, table, sorted(trials), conditions):
        here = and_(table.c.trial_id.in_(some), *conditions)
        counted = select(*keys, func.count()).where(here).group_by(*keys).order_by(*keys)
        found = [tuple(row) for row in connection.execute(counted)]
        asked = connection.execute(select(*columns).where(here).order_by(*keys, case))
        assert asked.cursor is not None
        with _no_collector():
            rows = asked.cursor.fetchall()  # plain tuples: a Row of SQLAlchemy's takes as long again
            values = list(zip(*rows, strict=True))
        asked.close()
        if values:
            sizes = np.array([group[-1] for group in found], dtype=np.intp)
            yield [group[:-1] for group in found], sizes, values


@contextmanager
def _no_collector() -> Iterator[None]:
    """Turn off garbage collection: with many tuples it took a third of the time here."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _chunks(
    connection: Connection, table: Table, trials: Sequence[int], where: Sequence[ColumnElement[bool]]
) -> Iterator[list[int]]:
    """Return lists of trials with about `BATCH` rows together, estimated by the rows of the first trial."""
    first = trials[:1]
    rows = connection.scalar(select(func.count()).where(table.c.trial_id.in_(first), *where)) or 0
    size = max(1, min(TRIALS, BATCH // max(1, rows)))
    return (list(trials[start : start + size]) for start in range(0, len(trials), size))
