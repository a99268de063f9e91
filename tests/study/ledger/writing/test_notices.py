from study.ledger import Ledger
from study.ledger.rows import Notice
from study.ledger.writing.notices import times
from tests.study import small


def test_notices_are_kept_in_order_and_readable(where: str) -> None:
    with Ledger.open(where) as ledger:
        lease = small.begin(ledger)
        ledger.add_notice(lease.study_id, "second\x00", now=2.0)
        ledger.add_notice(lease.study_id, "first", now=1.0)
        assert ledger.notices(lease.study_id) == [
            Notice(2.0, "second\N{REPLACEMENT CHARACTER}"),
            Notice(1.0, "first"),
        ]
        assert ledger.notices(lease.study_id + 1) == []


def test_times() -> None:
    assert [times(number) for number in (1, 2)] == ["once", "2 times"]
