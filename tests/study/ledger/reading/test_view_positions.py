from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.ledger import Ledger
from tests.study import small
from tests.study.small import key


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        small.fill(opened, "another")
        yield opened


def test_a_view_is_told_of_each_change_once(ledger: Ledger) -> None:
    lease = small.begin(ledger)
    study_id = lease.study_id
    nothing = ledger.changes_since(study_id)
    assert (nothing.trials, nothing.segments, nothing.more) == ((), (), False)
    ledger.insert_trials(lease, [small.plan(key(0)), small.plan(key(1))], "random")
    inserted = ledger.changes_since(study_id, nothing.position)
    assert [trial.key for trial in inserted.trials] == [key(0), key(1)]
    small.complete(ledger, lease, [(key(1), 5)])
    done = ledger.changes_since(study_id, inserted.position)
    assert [trial.key for trial in done.trials] == [key(1)]
    assert [(segment.trial, segment.iteration) for segment in done.segments] == [(key(1), 5)]
    ledger.halve(lease, [key(0)])
    ended = ledger.changes_since(study_id, done.position)
    assert [(trial.key, trial.status) for trial in ended.trials] == [(key(0), "halved")]
    assert ended.segments == ()
    ledger.renew(lease)  # no change
    assert ledger.changes_since(study_id, ended.position).trials == ()
    assert ledger.changes_since(study_id, ended.position).position == ended.position


def test_a_clock_that_is_set_back_hides_nothing(ledger: Ledger) -> None:
    lease = small.begin(ledger)
    ledger.insert_trials(lease, [small.plan(key(0)), small.plan(key(1))], "random", now=1000.0)
    ledger.complete_segment(lease, key(0), 5, small.outcome(5, key(0)), 0.5, now=2000.0)
    position = ledger.changes_since(lease.study_id).position
    ledger.complete_segment(lease, key(1), 5, small.outcome(5, key(1)), 0.5, now=500.0)
    assert [segment.trial for segment in ledger.changes_since(lease.study_id, position).segments] == [key(1)]


def test_a_view_keeps_its_position(ledger: Ledger) -> None:
    lease = small.begin(ledger)
    assert ledger.view_position(lease.study_id, "http://mlflow") is None
    ledger.set_view_position(lease.study_id, "http://mlflow", {"revision": 3, "runs": {"a": "b"}})
    ledger.set_view_position(lease.study_id, "sqlite:///other.db", 7)
    ledger.set_view_position(lease.study_id, "http://mlflow", {"revision": 4})
    assert ledger.view_position(lease.study_id, "http://mlflow") == {"revision": 4}
    assert ledger.view_position(lease.study_id, "sqlite:///other.db") == 7


_number = iter(range(10**9))

steps = st.lists(st.integers(0, 7), max_size=25)


@settings(max_examples=40, deadline=None)
@given(steps, st.integers(1, 4))
def test_a_view_that_follows_in_any_rhythm_ends_with_everything(follower: Ledger, steps: list[int], limit: int) -> None:
    lease = small.begin(follower, f"study {next(_number)}")
    seen: dict[str, str] = {}
    segments: list[tuple[str, int]] = []
    position, inserted, at = 0, 0, {}

    def follow() -> bool:
        nonlocal position
        changes = follower.changes_since(lease.study_id, position, limit)
        seen.update({str(trial.key): trial.status for trial in changes.trials})
        segments.extend((str(segment.trial), segment.iteration) for segment in changes.segments)
        position = changes.position
        assert seen.keys() >= {trial for trial, _ in segments}  # a segment's trial is known by then
        return changes.more

    for step in steps:
        if step == 0:
            follow()
        elif step == 1:
            plans = [small.plan(key(inserted + i)) for i in range(3)]
            follower.insert_trials(lease, plans, "random")
            at.update({plan.key: 0 for plan in plans})
            inserted += 3
        elif open_trials := [trial for trial, done in at.items() if done < 2]:
            trial = open_trials[step % len(open_trials)]
            small.complete(follower, lease, [(trial, small.MARKS[at[trial]])])
            at[trial] += 1
    while follow():
        pass
    assert seen == {str(trial.plan.key): trial.status for trial in follower.known(lease.study_id)}
    assert sorted(segments) == [(str(row.trial), row.iteration) for row in follower.segments(lease.study_id)]
    assert len(set(segments)) == len(segments)


@pytest.fixture(scope="module")
def follower(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    path: Path = tmp_path_factory.mktemp("views") / "ledger.db"
    with Ledger.open(path) as opened:
        yield opened
