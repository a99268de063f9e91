from collections.abc import Iterator

import pytest

from study.ledger import Lease, Ledger
from study.ledger.database.find import Found, cases_named, chunks, trial_named
from tests.study import small
from tests.study.small import key


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    return small.fill(ledger)


def test_chunks_keep_the_order_and_lose_nothing() -> None:
    assert list(chunks("abcdefg", 3)) == [["a", "b", "c"], ["d", "e", "f"], ["g"]]
    assert list(chunks((), 3)) == []
    assert [len(part) for part in chunks(range(1001))] == [500, 500, 1]  # older SQLite binds 999 values


def test_a_trial_by_its_key(ledger: Ledger, lease: Lease) -> None:
    with ledger.reading() as connection:
        found = trial_named(connection, lease.study_id, key(0, 1))
        assert found == Found(found.id, "failed", "non-finite loss at iteration 3")
        with pytest.raises(ValueError, match="there is no trial search-a00-r0-f0-n009 in this study"):
            trial_named(connection, lease.study_id, key(9))
        with pytest.raises(ValueError, match="no trial"):  # another study's
            trial_named(connection, lease.study_id + 1, key(0))


def test_cases_are_read_once_and_again_where_one_is_new(ledger: Ledger, lease: Lease) -> None:
    ledger.case_ids.clear()
    with ledger.reading() as connection:
        assert cases_named(ledger, connection, lease.study_id, ["case_4"])["case_4"][1] == ("test",)
        with pytest.raises(ValueError, match="case 'case_5' is not among the 4 cases"):
            cases_named(ledger, connection, lease.study_id, ["case_1", "case_5"])
    assert set(ledger.case_ids[lease.study_id]) == {"case_1", "case_2", "case_3", "case_4"}
    ledger.set_cases(lease, [small.Case("case_5", "dan", ("train",))])
    with ledger.reading() as connection:
        assert cases_named(ledger, connection, lease.study_id, ["case_5"])["case_5"][1] == ("train",)
