"""Rows by columns: in the order of the key, whatever the batches, of the trials asked for alone."""

from collections.abc import Iterator

import numpy as np
import pytest
from sqlalchemy import select

from study.ledger import Lease, Ledger
from study.ledger.database import schema
from study.ledger.reading import columns
from study.ledger.reading.columns import grouped
from tests.study import small


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    return small.fill(ledger)


@pytest.mark.parametrize("batch", [1, 5, 1000])
def test_groups_and_rows_fit_each_other(
    ledger: Ledger, lease: Lease, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "BATCH", batch)
    row = schema.case_scores
    with ledger.reading() as connection:
        ids = list(connection.scalars(select(schema.trials.c.id)))
        whole = connection.execute(select(row).order_by(*row.primary_key.columns)).all()
        found, parts = [], 0
        for groups, sizes, (cases, values) in grouped(connection, row, ids[::-1], (row.c.case_id, row.c.value)):
            parts += 1
            keys = [group for group, size in zip(groups, sizes, strict=True) for _ in range(size)]
            found += [(*shared, case, value) for shared, case, value in zip(keys, cases, values, strict=True)]
    assert found == [tuple(each)[:6] for each in whole]
    assert len(found) == 16
    assert parts == (3 if batch < 1000 else 1)  # of four trials one failed before its first mark


def test_conditions_and_trials(ledger: Ledger, lease: Lease) -> None:
    row = schema.case_scores
    with ledger.reading() as connection:
        ids = list(connection.scalars(select(schema.trials.c.id).where(schema.trials.c.stage == "final")))
        ((groups, sizes, (values,)),) = grouped(connection, row, ids, (row.c.value,), [row.c.metric == "hd95"])
        assert [(group[1], group[3]) for group in groups] == [(5, "hd95"), (10, "hd95")]
        assert np.array_equal(sizes, [1, 1])
        assert list(values) == [0.05 + 1 / 7, 0.1 + 1 / 7]
        assert list(grouped(connection, row, [], (row.c.value,))) == []
