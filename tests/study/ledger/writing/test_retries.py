import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.ledger import Lease, Ledger
from study.ledger.rows import Retry
from tests.study import small
from tests.study.small import key, objective, outcome
from trainables.trial import Outcome, Point

FINAL = key(1, stage="final")


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    lease = small.fill(ledger)
    ledger.insert_trials(lease, [small.plan(FINAL)], "winner", now=104.0)
    return lease


def _lost(ledger: Ledger, lease: Lease, times: int = 3) -> None:
    for _ in range(times):
        attempt = ledger.start_attempt(lease, FINAL, 5, 0, now=105.0)
        ledger.end_attempt(lease, attempt, "lost", "the machine is gone", now=106.0)


def _status(ledger: Ledger, lease: Lease) -> tuple[str, str | None, float | None]:
    (found,) = [row for row in ledger.trials(lease.study_id) if row.key == FINAL]
    return found.status, found.reason, found.ended


def test_a_lost_trial_is_open_again_and_the_ledger_keeps_that_it_was_lost(ledger: Ledger, lease: Lease) -> None:
    _lost(ledger, lease)
    ledger.lose(lease, FINAL, "lost 3 times", now=107.0)
    assert ledger.losses(lease.study_id, FINAL) == 3
    ledger.reopen(lease, [FINAL], now=108.0)
    assert _status(ledger, lease) == ("open", None, None)
    assert ledger.losses(lease.study_id, FINAL) == 0  # it has all its tries again
    _lost(ledger, lease, 1)
    assert ledger.losses(lease.study_id, FINAL) == 1
    assert ledger.retries(lease.study_id) == [Retry(FINAL, 108.0, "lost", "lost 3 times")]
    assert [each.text for each in ledger.notices(lease.study_id)] == [
        "1 trial that had been lost to machines was run again on request: final-a00-r0-f0-n001 "
        "(the first: lost 3 times)"
    ]


def test_a_study_with_a_trial_that_ran_again_has_the_digest_of_one_that_lost_none(tmp_path: Path) -> None:
    digests = []
    for name in ("undisturbed", "disturbed"):
        with Ledger.open(tmp_path / f"{name}.db") as ledger:
            lease = small.fill(ledger)
            ledger.insert_trials(lease, [small.plan(FINAL)], "winner")
            if name == "disturbed":
                _lost(ledger, lease)
                ledger.lose(lease, FINAL, "lost 3 times")
                ledger.reopen(lease, [FINAL])
            small.complete(ledger, lease, [(FINAL, 5), (FINAL, 10)])
            digests.append(ledger.digest(lease.study_id))
    assert digests[0] == digests[1]


def test_what_a_failed_attempt_left_does_not_stand_in_the_way(ledger: Ledger, lease: Lease) -> None:
    small.complete(ledger, lease, [(FINAL, 5)])
    failed = Outcome(
        iteration=8, curve=(Point(7, "loss", 9.0),), failed="out of memory", machine={"cpu_capability": "AVX2"}
    )
    ledger.complete_segment(lease, FINAL, 10, failed, None)
    ledger.reopen(lease, [FINAL])
    again = outcome(10, FINAL, curve=(Point(7, "loss", 0.5), Point(10, "loss", 0.4)), machine={"gpu": "H200"})
    assert ledger.complete_segment(lease, FINAL, 10, again, objective(10, FINAL)).result == "recorded"
    (curve,) = [each for each in ledger.curves(lease.study_id, names=["loss"]) if each.trial == FINAL]
    assert dict(zip(curve.iterations.tolist(), curve.values.tolist(), strict=True))[7] == 0.5
    assert 4 in curve.iterations  # what the mark before has stays
    (last,) = [row for row in ledger.segments(lease.study_id) if (row.trial, row.iteration) == (FINAL, 10)]
    assert last.machine == {"gpu": "H200"}


def test_many_trials_are_counted_in_one_notice(ledger: Ledger, lease: Lease) -> None:
    finals = [key(number, stage="final") for number in range(2, 9)]
    ledger.insert_trials(lease, [small.plan(each) for each in finals], "winner")
    for each in finals:
        ledger.lose(lease, each, "gone")
    ledger.reopen(lease, finals)
    (notice,) = ledger.notices(lease.study_id)
    assert notice.text.startswith(
        "7 trials that had been lost to machines were run again on request: final-a00-r0-f0-n002, "
    )
    assert notice.text.endswith("final-a00-r0-f0-n006 and 2 more (the first: gone)")


@pytest.mark.parametrize("trial", [key(0), key(1), FINAL])
def test_a_trial_that_ended_well_or_is_open_is_not(ledger: Ledger, lease: Lease, trial: object) -> None:
    with pytest.raises(ValueError, match=r"is (finished|halved|open): only trials that were lost or failed run again"):
        ledger.reopen(lease, [trial])  # type: ignore[list-item]
    assert ledger.retries(lease.study_id) == []


def test_none_is_no_transaction(ledger: Ledger, lease: Lease) -> None:
    before = ledger.digest(lease.study_id)
    ledger.reopen(lease, [])
    assert ledger.notices(lease.study_id) == []
    assert ledger.digest(lease.study_id) == before


DIGEST_0004 = "0f228891628dc8373f47b311cb61e6abbba27aedeef1fd338cf0106baf667f68"
"""Facts of the study in ledger_0004.sql, by the code that wrote it."""


def test_a_ledger_of_the_fourth_version_is_upgraded_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(Path(__file__).parents[1].joinpath("ledger_0004.sql").read_text())
    with Ledger.open(path) as ledger:
        study = ledger.study("small")
        assert ledger.digest(study.id) == DIGEST_0004
        assert {each.machine == {} for each in ledger.segments(study.id)} == {True}
        assert len(ledger.footprints("subject")) == 1
        lease = ledger.acquire(study.id)
        ledger.reopen(lease, [key(0, 1)])  # failed in the older version
        assert [each.status for each in ledger.retries(study.id)] == ["failed"]
        done = ledger.complete_segment(lease, key(0, 1), 5, outcome(5, key(0, 1)), objective(5, key(0, 1)))
        assert done.result == "recorded"
