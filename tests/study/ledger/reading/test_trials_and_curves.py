import dataclasses
from collections.abc import Iterator

import pytest

from study.ledger import Lease, Ledger
from tests.study import small
from tests.study.small import key

FINAL = key(0, stage="final")


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        small.fill(opened, "another")
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    return small.fill(ledger)


def test_trials_by_stage(ledger: Ledger, lease: Lease) -> None:
    assert [row.key for row in ledger.trials(lease.study_id)] == sorted(small.TRIALS)
    assert [row.key for row in ledger.trials(lease.study_id, "final")] == [FINAL]
    assert {row.arm for row in ledger.trials(lease.study_id, "search")} == {"unet+loss0", "unet+loss1"}


def test_segments_by_stage(ledger: Ledger, lease: Lease) -> None:
    assert [(row.trial, row.iteration) for row in ledger.segments(lease.study_id)] == [
        (FINAL, 5),
        (FINAL, 10),
        (key(0), 5),
        (key(0), 10),
        (key(1), 5),
    ]
    assert [row.iteration for row in ledger.segments(lease.study_id, "final")] == [5, 10]


def test_curves_by_stage_and_name(ledger: Ledger, lease: Lease) -> None:
    found = {str(curve.trial): curve for curve in ledger.curves(lease.study_id)}
    assert list(found) == [str(trial) for trial in sorted(small.TRIALS)]
    assert found[str(FINAL)].iterations.tolist() == [4, 5, 9, 10]
    assert found[str(FINAL)].values.tolist() == [1.05, 0.05, 1.1, 0.1]
    assert found[str(key(0, 1))].values.tolist() == [9.0]
    assert [curve.trial for curve in ledger.curves(lease.study_id, "final", {"loss"})] == [FINAL]
    assert ledger.curves(lease.study_id, names={"learning_rate"}) == []


def test_previews_of_some_trials(ledger: Ledger, lease: Lease) -> None:
    [(trial, preview)] = ledger.previews(lease.study_id)
    assert (trial, preview) == (FINAL, dataclasses.replace(small.outcome(10, FINAL).previews[0], stack=None))
    assert ledger.previews(lease.study_id, [FINAL]) == [(trial, preview)]
    assert ledger.previews(lease.study_id, [key(0)]) == []
