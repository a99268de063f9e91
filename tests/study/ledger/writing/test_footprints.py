"""Measurements of probes, kept for all studies; and a ledger older than they are."""

import dataclasses
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from study.ledger import Ledger
from study.ledger.database import schema
from tests.study import small
from tests.study.small import key
from trainables.training.footprint import Footprint

DIGEST_0003 = "0f228891628dc8373f47b311cb61e6abbba27aedeef1fd338cf0106baf667f68"
"""Facts of the study in ledger_0003.sql, by the code that wrote it."""

CPU = Footprint("cpu of here", 1.5, 0.25, 1e-7, 3 * 2**30, 2**33)
GPU = dataclasses.replace(CPU, device="NVIDIA H200", seconds=0.01, total_bytes=140 * 2**30)


def test_one_for_each_kind_of_device_the_newest_first(where: str) -> None:
    with Ledger.open(where) as ledger:
        assert ledger.footprints("unet at 32") == []
        ledger.add_footprint("unet at 32", "unet", GPU, now=1.0)
        ledger.add_footprint("unet at 32", "unet", CPU, now=2.0)
        ledger.add_footprint("unet at 64", "unet", dataclasses.replace(CPU, seconds=9.0), now=3.0)
        assert ledger.footprints("unet at 32") == [CPU, GPU]
        again = dataclasses.replace(GPU, seconds=0.02)
        ledger.add_footprint("unet at 32", "unet", again, now=4.0)  # measured anew: the old one goes
        assert ledger.footprints("unet at 32") == [again, CPU]
        with pytest.raises(ValueError, match="seconds is nan"):
            ledger.add_footprint("unet at 32", "unet", dataclasses.replace(CPU, seconds=float("nan")))


def test_it_belongs_to_no_study(where: str) -> None:
    with Ledger.open(where) as ledger:
        lease = small.fill(ledger)
        before = ledger.digest(lease.study_id)
        ledger.add_footprint("unet at 32", "unet", CPU)
        assert ledger.digest(lease.study_id) == before


def test_an_archive_leaves_it_behind(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        lease = small.fill(ledger)
        ledger.add_footprint("unet at 32", "unet", CPU)
        ledger.export(lease.study_id, tmp_path / "study.sqlite")
    with sqlite3.connect(tmp_path / "study.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM footprints").fetchone() == (0,)


def test_a_ledger_of_the_third_version_is_upgraded_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(Path(__file__).parents[1].joinpath("ledger_0003.sql").read_text())
    with Ledger.open(path) as ledger:
        study = ledger.study("small")
        assert ledger.digest(study.id) == DIGEST_0003
        ledger.add_footprint("unet at 32", "unet", CPU)
        assert ledger.footprints("unet at 32") == [CPU]
        lease = ledger.acquire(study.id)
        ledger.insert_trials(lease, [small.plan(key(7))], "random")
        assert ledger.complete_segment(lease, key(7), 5, small.outcome(5, key(7)), 0.5).result == "recorded"
        with ledger.reading() as connection_of_ours:
            assert connection_of_ours.scalar(text("SELECT version_num FROM segstudy_version")) == schema.VERSION
