"""A new study on test cases that were looked at says so, by the cases' content."""

import dataclasses
from collections.abc import Iterator, Sequence

import pytest

from study.ledger import Ledger
from study.ledger.rows import Case, EarlierLook
from tests.study import small


def _cases(*tested: str) -> list[Case]:
    """A training case and test cases with these contents, under names of this call's own."""
    return [
        Case("case_0", "g0", ("train",), {"content": "trained on"}),
        *(Case(f"case_{i + 1}", f"g{i}", ("test",), {"content": each}) for i, each in enumerate(tested)),
    ]


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


def _study(ledger: Ledger, name: str, cases: Sequence[Case], reads: int = 0) -> int:
    study_id = ledger.create_study(name, small.FILE, small.DESIGN, cases, "d", {})
    for _ in range(reads):
        ledger.count_report_read(study_id)
    return study_id


def test_other_studies_that_showed_the_same_test_cases(ledger: Ledger) -> None:
    _study(ledger, "first", _cases("a", "b", "c"), reads=2)
    _study(ledger, "unseen", _cases("a", "b", "c"))
    _study(ledger, "others", _cases("d"), reads=5)
    _study(ledger, "some", _cases("c", "e"), reads=1)
    mine = _study(ledger, "mine", _cases("c", "b", "x"))
    assert ledger.earlier_looks(mine) == [EarlierLook("first", 2, 2), EarlierLook("some", 1, 1)]
    (notice,) = ledger.notices(mine)
    assert notice.text.startswith(
        "2 of its 3 test cases were looked at before in other studies of this ledger, test tables shown: "
        "first (2 times), some (once); "
    )


def test_all_of_them_and_many_studies(ledger: Ledger) -> None:
    for index in range(5):
        _study(ledger, f"study-{index}", _cases("a"), reads=1)
    (notice,) = ledger.notices(_study(ledger, "mine", _cases("a")))
    assert notice.text.startswith("its test cases were looked at before")
    assert "study-2 (once) and 2 more; " in notice.text


def test_a_training_case_of_another_study_was_not_looked_at(ledger: Ledger) -> None:
    _study(ledger, "first", _cases("a"), reads=1)
    mine = _study(ledger, "mine", [*_cases("b"), Case("case_9", "g9", ("train",), {"content": "a"})])
    assert ledger.earlier_looks(mine) == []
    assert ledger.notices(mine) == []


def test_a_test_case_of_any_fold_counts(ledger: Ledger) -> None:
    folds = [dataclasses.replace(case, splits=("train", *case.splits)) for case in _cases("a")]
    _study(ledger, "first", folds, reads=1)
    assert ledger.earlier_looks(_study(ledger, "mine", _cases("a"))) == [EarlierLook("first", 1, 1)]


def test_cases_without_a_digest_of_their_content_say_nothing(ledger: Ledger) -> None:
    _study(ledger, "first", small.CASES, reads=1)
    assert ledger.earlier_looks(_study(ledger, "mine", small.CASES)) == []
