import dataclasses
from collections.abc import Iterator

import pytest

from search_spaces.grammar import Fixed
from study.ledger import Ledger
from study.ledger.rows import ArmRow, Case
from tests.study import small
from trainables.errors import InputError


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


def test_a_study_comes_back_as_it_went_in(ledger: Ledger) -> None:
    file = {"name": "größe", "x": [1, 1.0, 1e-5, None, True, {"b": "é\u2028"}], "a": {"z": 1, "y": 2}}
    design = dataclasses.replace(small.DESIGN, maximize=False)
    study_id = ledger.create_study("größe", file, design, small.CASES, "d" * 64, {"torch": "2"}, now=5.0)
    row = ledger.study("größe")
    assert (row.id, row.name, row.file, row.marks, row.maximize) == (study_id, "größe", file, (5, 10), False)
    assert list(row.file["a"]) == ["z", "y"]
    assert [type(item) for item in row.file["x"][:2]] == [int, float]
    assert (row.data_digest, row.versions, row.created) == ("d" * 64, {"torch": "2"}, 5.0)
    assert (row.stop_requested, row.report_reads) == (False, 0)
    assert ledger.studies() == [row]
    assert ledger.cases(study_id) == list(small.CASES)
    assert ledger.arms(study_id)[1] == ArmRow(
        1,
        "unet+loss1",
        "vnet",
        "loss1",
        "none",
        {
            "loss.gamma": {"low": 0.5, "high": 5.0, "log": False, "step": None},
            "model.norm": {"choice": ["batch", "instance"]},
            "model.width": {"fixed": 8},
        },
    )


def test_cases_are_ordered_by_name_whatever_the_servers_language(ledger: Ledger) -> None:
    names = ["case_B", "case_a", "case-1", "Case_c", "cäse"]
    cases = [Case(name, name, ("train",)) for name in names]
    study_id = ledger.create_study("a", {}, small.DESIGN, cases, "d", {})
    assert [case.name for case in ledger.cases(study_id)] == sorted(names)


class TestNames:
    def test_the_nearest_is_suggested(self, ledger: Ledger) -> None:
        for name in ("kits19-losses", "liver", "chest"):
            ledger.create_study(name, {}, small.DESIGN, (), "d", {})
        with pytest.raises(InputError) as caught:
            ledger.study("kits19-loss")
        assert str(caught.value) == (
            f"no study named 'kits19-loss' in {ledger.label} (3 studies). Did you mean 'kits19-losses'?"
        )
        with pytest.raises(InputError, match=r"\(3 studies\)\. `segstudy list` shows them\.$"):
            ledger.study("zzz")

    def test_in_an_empty_ledger(self, ledger: Ledger) -> None:
        with pytest.raises(InputError, match=r"\(0 studies\)\.$"):
            ledger.study("a")
        assert not ledger.has_study("a")

    def test_a_name_is_given_once(self, ledger: Ledger) -> None:
        ledger.create_study("a", {}, small.DESIGN, small.CASES, "d", {})
        assert ledger.has_study("a")
        with pytest.raises(InputError, match=r"has a study named 'a' already; choose another name$"):
            ledger.create_study("a", {}, small.DESIGN, small.CASES, "d", {})
        assert len(ledger.studies()) == 1

    def test_a_study_with_a_case_twice_is_not_half_made(self, ledger: Ledger) -> None:
        with pytest.raises(Exception, match=r"(?i)unique"):
            ledger.create_study("a", {}, small.DESIGN, small.CASES + small.CASES[:1], "d", {})
        assert ledger.studies() == []


class TestCases:
    def test_facts_change_and_cases_come_on(self, ledger: Ledger) -> None:
        lease = small.fill(ledger)  # its cases are in the ledger's memory by now
        changed = dataclasses.replace(small.CASES[1], facts={"ceiling": 0.98})
        ledger.set_cases(lease, [changed, Case("case_0", "dan", ("validation",))])
        assert [case.name for case in ledger.cases(lease.study_id)] == [f"case_{i}" for i in range(5)]
        assert ledger.cases(lease.study_id)[2] == changed
        ledger.insert_trials(lease, [small.plan(small.key(5))], "random")
        scores = [dataclasses.replace(small.outcome(5, small.key(5)).scores[0], case="case_0")]
        ledger.complete_segment(lease, small.key(5), 5, small.outcome(5, small.key(5), scores=tuple(scores)), 0.5)

    @pytest.mark.parametrize("change", [{"group": "eve"}, {"splits": ("test",)}])
    def test_group_and_split_stay(self, ledger: Ledger, change: dict[str, object]) -> None:
        lease = small.begin(ledger)
        changed = dataclasses.replace(small.CASES[1], **change)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="case case_2 was recorded as"):
            ledger.set_cases(lease, [dataclasses.replace(small.CASES[0], facts={"new": 1}), changed])
        assert ledger.cases(lease.study_id) == list(small.CASES)


class TestUpdates:
    def test_arms_come_after_the_old_ones(self, ledger: Ledger) -> None:
        lease = small.begin(ledger)
        design = dataclasses.replace(small.DESIGN, arms=(*small.DESIGN.arms, small.arm(2)))
        ledger.update_file(lease, {"new": 1}, design, ["arm 'unet+loss2'"])
        assert [arm.name for arm in ledger.arms(lease.study_id)] == ["unet+loss0", "unet+loss1", "unet+loss2"]
        assert ledger.study("small").file == {"new": 1}
        assert ledger.notices(lease.study_id) == []

    def test_what_was_added_after_test_tables_were_shown_is_said(self, ledger: Ledger) -> None:
        lease = small.begin(ledger)
        ledger.count_report_read(lease.study_id)
        ledger.update_file(lease, {}, small.DESIGN, now=6.0)
        assert ledger.notices(lease.study_id) == []  # nothing was added
        ledger.update_file(lease, {}, small.DESIGN, ["budget.final_seeds: 3 to 5"], now=7.0)
        ledger.count_report_read(lease.study_id)
        ledger.update_file(lease, {}, small.DESIGN, ["arm 'b'", "arm 'c'"], now=8.0)
        assert [(notice.created, notice.text) for notice in ledger.notices(lease.study_id)] == [
            (7.0, "after test tables were shown once: budget.final_seeds: 3 to 5"),
            (8.0, "after test tables were shown 2 times: arm 'b'; arm 'c'"),
        ]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"marks": (5, 20)}, "marks"),
            ({"maximize": False}, "direction"),
            ({"arms": (small.arm(0),)}, "arm 1 'unet\\+loss1' is gone"),
            ({"arms": (small.arm(0), small.arm(1, "else"))}, "arm 1 'unet\\+loss1' changed"),
            (
                {"arms": (dataclasses.replace(small.arm(0), space={"loss.gamma": Fixed(1.0)}), small.arm(1))},
                "arm 0 'unet\\+loss0' changed",
            ),
        ],
    )
    def test_what_would_make_trials_incomparable_is_refused(
        self, ledger: Ledger, change: dict[str, object], message: str
    ) -> None:
        lease = small.begin(ledger)
        before = ledger.study("small"), ledger.arms(lease.study_id)
        with pytest.raises(ValueError, match=message):
            ledger.update_file(lease, {"new": 1}, dataclasses.replace(small.DESIGN, **change))  # type: ignore[arg-type]
        assert (ledger.study("small"), ledger.arms(lease.study_id)) == before


def test_a_stop_is_asked_for_by_anybody(where: str, ledger: Ledger) -> None:
    lease = small.begin(ledger)
    with Ledger.open(where) as other:
        assert not other.stop_requested(lease.study_id)
        other.request_stop(lease.study_id)
    assert ledger.stop_requested(lease.study_id)
    ledger.request_stop(lease.study_id, stop=False)
    assert not ledger.stop_requested(lease.study_id)


def test_shown_tables_are_counted(ledger: Ledger) -> None:
    lease = small.begin(ledger)
    ledger.count_report_read(lease.study_id)
    ledger.count_report_read(lease.study_id)
    assert ledger.study("small").report_reads == 2


def test_a_notice_may_hold_any_text(ledger: Ledger) -> None:
    lease = small.begin(ledger)
    ledger.add_notice(lease.study_id, "a\x00b \udce4 é '; DROP TABLE studies; --", now=3.0)
    assert [notice.text for notice in ledger.notices(lease.study_id)] == ["a�b ? é '; DROP TABLE studies; --"]
