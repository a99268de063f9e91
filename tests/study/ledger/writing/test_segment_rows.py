from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from study.ledger import Lease, Ledger
from study.ledger.database import schema
from study.ledger.writing.segment_rows import FEW, insert_rows
from tests.study import small
from tests.study.small import key, objective, outcome
from trainables.trial import Point

TRIAL, FINAL = key(0), key(0, stage="final")


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    lease = small.begin(ledger)
    ledger.insert_trials(lease, [small.plan(TRIAL), small.plan(FINAL)], "random")
    return lease


class TestCurves:
    def test_points_before_the_segment_are_on_record_already(self, ledger: Ledger, lease: Lease) -> None:
        small.complete(ledger, lease, [(TRIAL, 5)])
        points = (Point(4, "loss", 99.0), Point(5, "loss", 99.0), Point(6, "loss", 0.5), Point(10, "loss", 0.25))
        whole = outcome(10, TRIAL, curve=points)  # trained from the start again, its checkpoint being damaged
        ledger.complete_segment(lease, TRIAL, 10, whole, objective(10, TRIAL))
        [curve] = ledger.curves(lease.study_id)
        assert (curve.iterations.tolist(), curve.values.tolist()) == ([4, 5, 6, 10], [1.05, 0.05, 0.5, 0.25])
        assert ledger.complete_segment(lease, TRIAL, 10, whole, objective(10, TRIAL)).result == "repeated"

    def test_a_point_beyond_the_mark_is_a_bug(self, ledger: Ledger, lease: Lease) -> None:
        with pytest.raises(ValueError, match="point at 6, beyond the mark 5"):
            ledger.complete_segment(lease, TRIAL, 5, outcome(5, TRIAL, curve=(Point(6, "loss", 1.0),)), 0.5)


@pytest.mark.parametrize("count", [0, 1, FEW, FEW + 1, 300])
def test_few_rows_and_many_are_inserted_alike(ledger: Ledger, lease: Lease, count: int) -> None:
    """On both databases the quick way for many rows writes what SQLAlchemy's own way writes for few."""
    row = schema.curves
    rows = [{"trial_id": 1, "name": "loss'%s", "iteration": i, "value": i / 3} for i in range(count)]
    ledger.write(lambda connection: insert_rows(connection, row, rows))
    with ledger.reading() as connection:
        found = connection.execute(select(row.c.iteration, row.c.value).where(row.c.name == "loss'%s"))
        assert sorted(tuple(each) for each in found) == [(i, i / 3) for i in range(count)]


MACHINE = {"cpu_capability": "AVX512", "onednn_isa": "AVX2", "gpu": "", "versions": {"torch": "2.13.0"}, "code": {}}


def test_the_machine_of_a_segment_is_kept_and_is_no_part_of_the_digest(ledger: Ledger, lease: Lease) -> None:
    """Equal results have equal digests wherever they were made; which machines made them stands beside them."""
    small.complete(ledger, lease, [(TRIAL, 5)])
    before = ledger.segments(lease.study_id)[-1]
    assert before.machine == {}  # a worker of an older version
    digest = ledger.digest(lease.study_id)
    done = ledger.complete_segment(lease, TRIAL, 5, small.outcome(5, TRIAL, machine=MACHINE), small.objective(5, TRIAL))
    assert done.result == "repeated"  # the same numbers from another machine are the same result
    assert ledger.digest(lease.study_id) == digest
    ledger.complete_segment(lease, TRIAL, 10, small.outcome(10, TRIAL, machine=MACHINE), small.objective(10, TRIAL))
    assert {row.iteration: row.machine for row in ledger.segments(lease.study_id)} == {5: {}, 10: MACHINE}


def test_an_archive_keeps_machines(ledger: Ledger, lease: Lease, tmp_path: Path) -> None:
    ledger.complete_segment(lease, TRIAL, 5, small.outcome(5, TRIAL, machine=MACHINE), small.objective(5, TRIAL))
    ledger.export(lease.study_id, tmp_path / "study.sqlite")
    with Ledger.open(tmp_path / "study.sqlite", read_only=True) as archive:
        assert [row.machine for row in archive.segments(archive.study("small").id)] == [MACHINE]
