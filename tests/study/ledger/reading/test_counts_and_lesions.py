"""Voxel counts, pooled scores and lesions: in with a segment's end, out in bulk; and an older ledger, without them."""

import dataclasses
import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from study.design import TrialKey
from study.ledger import Lease, Ledger
from study.ledger.database import schema
from study.ledger.reading.counts_and_lesions import PooledRow
from tests.study import small
from tests.study.small import key
from trainables.lesion_records import Lesions
from trainables.metrics.scoring import scores_of
from trainables.trial import Counts, Outcome, PooledScore, Score

FINAL = key(0, stage="final")
DIGEST_0001 = "e0fb23a68d74178c9343228bc6bef31481ea003f494ef1de7ae79dfb89684a0a"
"""Facts of the study in ledger_0001.sql, by the code that wrote it."""

BIG = 3 * 2**31  # voxels of a large volume do not fit 32 bits


def lesions(case: str, confidence: float, region: str = "tumor") -> Lesions:
    return Lesions(
        case,
        region,
        voxels=np.array([5, 9], np.uint32),
        dice=np.array([0.5, 0.0]),
        confidence=np.array([confidence, -math.inf], np.float32),
        false_voxels=np.array([3], np.uint32),
        false_confidence=np.array([0.25], np.float32),
        false_positives=70,
        peak=confidence,
    )


def outcome(mark: int, trial: TrialKey) -> Outcome:
    cases = ("case_2", "case_3") if trial.stage == "search" else ("case_4",)
    return dataclasses.replace(
        small.outcome(mark, trial),
        counts=tuple(
            Counts(case, region, mark + i, 2, 3, BIG) for i, case in enumerate(cases) for region in ("tumor", "all")
        ),
        pooled=(PooledScore("tumor", "average_precision", mark / 20), PooledScore("all", "average_precision", None)),
        lesions=tuple(scores_of(lesions(case, mark)) for case in cases),
    )


@pytest.fixture
def ledger(where: str) -> Iterator[Ledger]:
    with Ledger.open(where) as opened:
        small.fill(opened, "another")
        yield opened


@pytest.fixture
def lease(ledger: Ledger) -> Lease:
    lease = small.begin(ledger)
    ledger.insert_trials(lease, [small.plan(key(0)), small.plan(FINAL)], "random")
    for trial in (key(0), FINAL):
        for mark in (5, 10):
            assert ledger.complete_segment(lease, trial, mark, outcome(mark, trial), 0.5).result == "recorded"
    return lease


def test_counts_come_back(ledger: Ledger, lease: Lease) -> None:
    found = ledger.counts(lease.study_id, None)
    rows = {
        (found.trials[trial], mark, found.cases[case].name, found.regions[region]): voxels
        for trial, mark, case, region, voxels in zip(
            found.trial, found.iteration, found.case, found.region, found.voxels.tolist(), strict=True
        )
    }
    assert len(rows) == len(found) == 2 * 2 * 2 + 2 * 2
    assert rows[key(0), 10, "case_3", "all"] == [11, 2, 3, BIG]
    assert rows[FINAL, 5, "case_4", "tumor"] == [5, 2, 3, BIG]
    finals = ledger.counts(lease.study_id, iteration=10)
    assert finals.trials == (FINAL,)
    assert finals.voxels.tolist() == [[10, 2, 3, BIG]] * 2
    assert len(ledger.counts(lease.study_id + 100)) == 0


def test_pooled_scores_come_back(ledger: Ledger, lease: Lease) -> None:
    assert ledger.pooled(lease.study_id) == [
        PooledRow(FINAL, mark, region, "average_precision", value)
        for mark in (5, 10)
        for region, value in (("all", None), ("tumor", mark / 20))
    ]
    assert len(ledger.pooled(lease.study_id, None)) == 8


def test_lesions_come_back(ledger: Ledger, lease: Lease) -> None:
    found = ledger.lesions(lease.study_id, None)
    assert [(row.trial, row.iteration, row.lesions.case) for row in found] == [
        (FINAL, 5, "case_4"),
        (FINAL, 10, "case_4"),
        *((key(0), mark, case) for mark in (5, 10) for case in ("case_2", "case_3")),
    ]
    assert found[1].lesions.pack() == lesions("case_4", 10).pack()
    assert ledger.lesions(lease.study_id, regions=("all",)) == []
    assert [row.iteration for row in ledger.lesions(lease.study_id, iteration=5)] == [5]
    with ledger.reading() as connection:
        row = schema.lesion_scores.c
        assert set(connection.execute(select(row.lesions, row.found, row.false_positives))) == {
            (2, 1, 70),
            (3, 2, 1),  # of the other study
        }


def test_only_what_was_falsely_found(ledger: Ledger, lease: Lease) -> None:
    trial = key(6, stage="final")
    ledger.insert_trials(lease, [small.plan(trial)], "random")
    voxels = {"a": (0, 7, 0, 9), "b": (0, 0, 0, 9), "c": (0, 5, 2, 9), "d": (3, 5, 0, 9)}  # tp, fp, fn, tn
    counts = tuple(Counts("case_4", region, *numbers) for region, numbers in voxels.items())
    ledger.complete_segment(lease, trial, 5, dataclasses.replace(small.outcome(5, trial), counts=counts), 0.5)
    found = ledger.counts(lease.study_id, iteration=5, only_false=True)
    there = [
        (found.trials[t], found.regions[r], v)
        for t, r, v in zip(found.trial, found.region, found.voxels.tolist(), strict=True)
    ]
    assert (trial, "a", [0, 7, 0, 9]) in there
    assert {region for owner, region, _ in there if owner == trial} == {"a"}


@pytest.mark.parametrize("part", ["counts", "pooled", "lesions"])
def test_the_same_again_changes_nothing_and_another_is_not_written(ledger: Ledger, lease: Lease, part: str) -> None:
    before = ledger.digest(lease.study_id)
    same = outcome(10, FINAL)
    assert ledger.complete_segment(lease, FINAL, 10, same, 0.5).result == "repeated"
    other = dataclasses.replace(same, **{part: getattr(same, part)[:-1]})  # type: ignore[arg-type]
    assert ledger.complete_segment(lease, FINAL, 10, other, 0.5).result == "ignored"
    assert ledger.digest(lease.study_id) == before


@pytest.mark.parametrize("part", ["counts", "lesions"])
def test_a_search_counts_no_voxel_of_a_test_case(ledger: Ledger, part: str) -> None:
    lease = small.begin(ledger)
    ledger.insert_trials(lease, [small.plan(key(0))], "random")
    wrong = dataclasses.replace(small.outcome(5, key(0)), **{part: getattr(outcome(5, FINAL), part)})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="test case case_4"):
        ledger.complete_segment(lease, key(0), 5, wrong, 0.5)


def test_a_ledger_of_the_first_version_is_upgraded_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(Path(__file__).parents[1].joinpath("ledger_0001.sql").read_text())
    with Ledger.open(path) as ledger:
        study = ledger.study("small")
        assert len(ledger.scores(study.id, None)) == 16
        assert ledger.digest(study.id) == DIGEST_0001
        assert (len(ledger.counts(study.id, None)), ledger.pooled(study.id), ledger.lesions(study.id)) == (0, [], [])
        lease = ledger.acquire(study.id)
        added = key(7)
        ledger.insert_trials(lease, [small.plan(added)], "random")
        assert ledger.complete_segment(lease, added, 5, outcome(5, added), 0.5).result == "recorded"
        assert len(ledger.counts(study.id, None)) == 4
        again = dataclasses.replace(small.outcome(10, FINAL), counts=(), pooled=(), lesions=())
        assert ledger.complete_segment(lease, FINAL, 10, again, 0.1).result == "repeated"
    with Ledger.open(path, read_only=True) as reader:
        assert Score("case_4", "tumor", "dice", 0.1) in [
            Score(row.case, row.region, row.metric, row.value) for row in reader.scores(study.id).rows()
        ]
