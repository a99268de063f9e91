"""Tests are declared when the final stage begins; a later change is kept, and a notice says so."""

import dataclasses
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.ledger import Lease, Ledger
from tests.study import small
from tests.study.small import key

FILE: dict[str, Any] = {
    **small.FILE,
    "report": {"baseline": None, "metrics": ["dice", "hd95"], "empty": "missing", "equivalence": None},
    "objective": {"metric": "dice", "region": "mean"},
    "budget": {"final_seeds": 3},
}
FINAL = key(0, stage="final")


def changed(**report: object) -> dict[str, Any]:
    return {**FILE, "report": {**FILE["report"], **report}}


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    study_id = ledger.create_study("small", FILE, small.DESIGN, small.CASES, "d" * 64, {}, now=1.0)
    return ledger.acquire(study_id, seconds=1e9, now=1.0)


def _notices(ledger: Ledger, lease: Lease) -> list[str]:
    return [notice.text for notice in ledger.notices(lease.study_id)]


def test_a_search_declares_nothing_and_may_be_changed_without_a_word(ledger: Ledger, lease: Lease) -> None:
    ledger.insert_trials(lease, [small.plan(key(0))], "random", now=2.0)
    ledger.update_file(lease, changed(baseline="unet+loss1"), small.DESIGN, now=3.0)
    assert ledger.declarations(lease.study_id) == []
    assert _notices(ledger, lease) == []


def test_the_final_stage_declares_what_the_file_says_by_then(ledger: Ledger, lease: Lease) -> None:
    ledger.update_file(lease, changed(baseline="unet+loss1"), small.DESIGN, now=3.0)
    ledger.insert_trials(lease, [small.plan(FINAL)], "winner", now=4.0)
    ledger.insert_trials(lease, [small.plan(key(1, stage="final"))], "winner", now=5.0)
    (first,) = ledger.declarations(lease.study_id)
    assert (first.created, first.report_reads) == (4.0, 0)
    assert first.declared["report.baseline"] == "unet+loss1"
    assert first.declared["report.metrics"] == ["dice", "hd95"]
    assert first.declared["budget.final_seeds"] == 3


def test_without_a_baseline_it_is_the_first_arm(ledger: Ledger, lease: Lease) -> None:
    ledger.insert_trials(lease, [small.plan(FINAL)], "winner")
    assert ledger.declarations(lease.study_id)[0].declared["report.baseline"] == "unet+loss0"
    ledger.update_file(lease, changed(baseline="unet+loss0"), small.DESIGN)  # the same, said aloud
    assert len(ledger.declarations(lease.study_id)) == 1
    assert _notices(ledger, lease) == []


@pytest.mark.parametrize("reads", [0, 1, 3])
def test_a_later_change_is_kept_beside_the_first_with_a_notice(ledger: Ledger, lease: Lease, reads: int) -> None:
    ledger.insert_trials(lease, [small.plan(FINAL)], "winner", now=4.0)
    for _ in range(reads):
        ledger.count_report_read(lease.study_id)
    new = changed(baseline="unet+loss1", metrics=["hd95"])
    ledger.update_file(lease, new, small.DESIGN, now=6.0)
    ledger.update_file(lease, new, small.DESIGN, now=7.0)  # again the same
    first, second = ledger.declarations(lease.study_id)
    assert first.declared["report.baseline"] == "unet+loss0"
    assert (second.created, second.report_reads, second.declared["report.baseline"]) == (6.0, reads, "unet+loss1")
    shown = {0: "before any test table was shown", 1: "after test tables were shown once"}
    assert _notices(ledger, lease) == [
        f"declared anew after the final stage had begun, {shown.get(reads, 'after test tables were shown 3 times')}: "
        "report.baseline: unet+loss0 → unet+loss1; report.metrics: dice, hd95 → hd95"
    ]


def test_a_change_and_its_return_are_both_kept(ledger: Ledger, lease: Lease) -> None:
    ledger.insert_trials(lease, [small.plan(FINAL)], "winner")
    for baseline in ("unet+loss1", "unet+loss0"):
        ledger.update_file(lease, changed(baseline=baseline), small.DESIGN)
    names = [each.declared["report.baseline"] for each in ledger.declarations(lease.study_id)]
    assert names == ["unet+loss0", "unet+loss1", "unet+loss0"]
    assert len(_notices(ledger, lease)) == 2


def test_more_seeds_have_one_notice_and_a_declaration(ledger: Ledger, lease: Lease) -> None:
    """Also before a report was read: MLflow shows the scores of the final stage."""
    ledger.insert_trials(lease, [small.plan(FINAL)], "winner")
    more = {**FILE, "budget": {"final_seeds": 5}}
    ledger.update_file(lease, more, small.DESIGN, ["budget.final_seeds: 3 → 5"])
    assert _notices(ledger, lease) == [
        "after the final stage had begun, whose scores MLflow shows: budget.final_seeds: 3 → 5"
    ]
    assert [each.declared["budget.final_seeds"] for each in ledger.declarations(lease.study_id)] == [3, 5]


def test_an_older_ledger_declares_its_old_file_first(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(Path(__file__).parents[1].joinpath("ledger_0004.sql").read_text())
    with Ledger.open(path) as ledger:
        study = ledger.study("small")
        assert ledger.declarations(study.id) == []
        design = dataclasses.replace(small.DESIGN)
        lease = ledger.acquire(study.id)
        ledger.update_file(lease, {**study.file, "report": {"baseline": "unet+loss1"}}, design)
        first, second = ledger.declarations(study.id)
        assert (first.created, first.declared["report.baseline"]) == (101.0, "unet+loss0")
        assert second.declared["report.baseline"] == "unet+loss1"


def test_declarations_are_no_part_of_the_digest_and_of_every_archive(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        lease = small.fill(ledger)
        (declared,) = ledger.declarations(lease.study_id)
        archived = ledger.export(lease.study_id, tmp_path / "study.sqlite")
        assert archived.digest == ledger.digest(lease.study_id)
    with Ledger.open(tmp_path / "study.sqlite", read_only=True) as archive:
        assert archive.declarations(archive.study("small").id) == [declared]
