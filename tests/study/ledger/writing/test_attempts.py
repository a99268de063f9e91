from collections.abc import Iterator

import pytest

from study.ledger import Lease, Ledger
from study.ledger.rows import AttemptRow
from tests.study import small
from tests.study.small import key

TRIAL = key(0)


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    lease = small.begin(ledger)
    ledger.insert_trials(lease, [small.plan(TRIAL), small.plan(key(1))], "random")
    return lease


def test_an_attempt_from_start_to_end(ledger: Ledger, lease: Lease) -> None:
    first = ledger.start_attempt(lease, TRIAL, 5, 0, now=1.0)
    second = ledger.start_attempt(lease, key(1), 5, 3, now=2.0)
    ledger.end_attempt(lease, second, "lost", "node died\x00", now=4.0)
    ledger.end_attempt(lease, second, "failed", "too late", now=5.0)
    assert ledger.attempts(lease.study_id) == [
        AttemptRow(first, TRIAL, 5, 0, 1.0, None, None, None),
        AttemptRow(second, key(1), 5, 3, 2.0, 4.0, "lost", "node died�"),
    ]


def test_nothing_of_an_ended_trial_is_run(ledger: Ledger, lease: Lease) -> None:
    ledger.halve(lease, [TRIAL])
    with pytest.raises(ValueError, match="is halved: nothing of it is to be run"):
        ledger.start_attempt(lease, TRIAL, 5, 0)
    assert ledger.attempts(lease.study_id) == []


def test_losses_count_from_the_last_progress(ledger: Ledger, lease: Lease) -> None:
    def attempt(started_from: int, result: str) -> int:
        made = ledger.start_attempt(lease, TRIAL, 5, started_from)
        ledger.end_attempt(lease, made, result)  # type: ignore[arg-type]
        return ledger.losses(lease.study_id, TRIAL)

    assert ledger.losses(lease.study_id, TRIAL) == 0
    assert attempt(0, "lost") == 1
    assert attempt(0, "stopped") == 1  # the driver ended: no fault of the trial's
    assert attempt(0, "lost") == 2
    ledger.record_checkpoint(lease, TRIAL, 3, "three")
    assert ledger.losses(lease.study_id, TRIAL) == 0
    assert attempt(3, "lost") == 1
    assert ledger.losses(lease.study_id, key(1)) == 0
