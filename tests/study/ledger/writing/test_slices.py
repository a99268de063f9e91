"""Slices of the gallery's cases: images once, predictions by trial; and a ledger of the second version goes on."""

import dataclasses
import sqlite3
from pathlib import Path

from sqlalchemy import func, select

from study.ledger import Ledger
from study.ledger.database import schema
from tests.study import small
from tests.study.small import key

FINAL, OTHER = key(0, stage="final"), key(0, arm=1, stage="final")
DIGEST_0002 = "4bc5bd6f0fa6234e3aa52801e36a9e1ea40fdf5633f4fb5e64865a86a9f20cd2"
"""Facts of the study in ledger_0002.sql, by the code that wrote it."""


def test_two_trials_share_images_and_differ_in_predictions(where: str) -> None:
    with Ledger.open(where) as ledger:
        lease = small.fill(ledger)
        ledger.insert_trials(lease, [small.plan(OTHER)], "random")
        small.complete(ledger, lease, [(OTHER, 5)])
        whole = small.outcome(10, OTHER)
        stack = whole.previews[0].stack
        assert stack is not None
        # what another trial says of image and reference is not looked at: they are the case's
        changed = dataclasses.replace(stack, prediction=b"\0\1\1\1", image=b"zzzz")
        previews = (dataclasses.replace(whole.previews[0], stack=changed),)
        assert ledger.complete_segment(lease, OTHER, 10, dataclasses.replace(whole, previews=previews), 0.5).result
        found = ledger.sliced(lease.study_id, [FINAL, OTHER, key(1)], ["case_4", "case_1"])
        assert found == {
            (FINAL, "case_4"): stack,
            (OTHER, "case_4"): dataclasses.replace(stack, prediction=b"\0\1\1\1"),
        }
        assert ledger.sliced(lease.study_id, [OTHER], ["case_1"]) == {}
        assert ledger.kept_previews(lease.study_id) == [(FINAL, "case_4"), (OTHER, "case_4")]
        with ledger.reading() as connection:
            assert connection.scalar(select(func.count()).select_from(schema.case_slices)) == 1


def test_an_archive_keeps_the_slices(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        lease = small.fill(ledger)
        found = ledger.sliced(lease.study_id, [FINAL], ["case_4"])
        ledger.export(lease.study_id, tmp_path / "small.sqlite")
    with Ledger.open(tmp_path / "small.sqlite", read_only=True) as archive:
        assert archive.sliced(archive.study("small").id, [FINAL], ["case_4"]) == found != {}


def test_a_ledger_of_the_second_version_is_upgraded_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(Path(__file__).parents[1].joinpath("ledger_0002.sql").read_text())
    with Ledger.open(path) as ledger:
        study = ledger.study("small")
        assert ledger.digest(study.id) == DIGEST_0002
        assert len(ledger.counts(study.id, None)) == 8
        assert ledger.sliced(study.id, [FINAL], ["case_4"]) == {}
        lease = ledger.acquire(study.id)
        assert ledger.complete_segment(lease, FINAL, 10, small.outcome(10, FINAL), 0.1).result == "repeated"
        ledger.insert_trials(lease, [small.plan(OTHER)], "random")
        for mark in small.MARKS:
            done = ledger.complete_segment(lease, OTHER, mark, small.outcome(mark, OTHER), 0.5)
            assert done.result == "recorded"
        assert list(ledger.sliced(study.id, [FINAL, OTHER], ["case_4"])) == [(OTHER, "case_4")]
        assert ledger.digest(study.id) != DIGEST_0002
