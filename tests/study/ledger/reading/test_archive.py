"""One study in a file of its own: the same digest and report, from either database, and nothing of where it ran."""

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from reports.build import write
from study.command.cli import run_command
from study.ledger import Ledger
from study.ledger.database import schema
from tests.reports.ledgers import Fake, add
from trainables.errors import InputError

FAKE = Fake(name="wanted", losses=("dice", "focal"), patients=(2, 1, 1), seeds=2, pixels=24)
OTHER = Fake(name="other", losses=("dice",), patients=(1, 1), previews=False)


def filled(where: str) -> Ledger:
    """Two studies; the wanted one is the second, so that its ids do not begin at 1."""
    ledger = Ledger.open(where)
    add(ledger, OTHER)
    add(ledger, FAKE)
    return ledger


def test_the_archive_gives_the_same_digest_and_the_same_bytes(where: str, tmp_path: Path) -> None:
    target = tmp_path / "study.sqlite"
    with filled(where) as ledger:
        study = ledger.study("wanted").id
        archived = ledger.export(study, target)
        assert archived.digest == ledger.digest(study)
        assert archived.trials == len(ledger.trials(study))
    with Ledger.open(target, read_only=True) as opened:
        assert [found.name for found in opened.studies()] == ["wanted"]
        assert opened.digest(opened.study("wanted").id) == archived.digest
        assert opened.status(opened.study("wanted").id).driver is None
    ours, theirs = (write(place, "wanted", tmp_path / end) for place, end in ((where, "a"), (target, "b")))
    for name, path in ours.items():
        assert theirs[name].read_bytes() == path.read_bytes(), name
    assert sorted(path.name for path in tmp_path.glob("*study.sqlite*")) == ["study.sqlite"]  # no log, no draft


def test_where_it_ran_stays_behind(tmp_path: Path) -> None:
    target = tmp_path / "study.sqlite"
    with filled(str(tmp_path / "ledger.db")) as ledger:
        study = ledger.study("wanted").id
        lease = ledger.acquire(study)
        trial = ledger.trials(study)[0].key
        ledger.set_view_position(study, "http://tracking.example", 3)

        def work(connection: Connection) -> None:
            id_ = connection.scalar(select(schema.trials.c.id).where(schema.trials.c.key == str(trial)))
            row = {"trial_id": id_, "iteration": 5, "folder": "/home/somebody/trials", "created": 1.0}
            connection.execute(insert(schema.checkpoints), row)

        ledger.write(work)
        path = ledger.study("wanted").file["dataset"]["path"]
        ledger.export(study, target)
        ledger.release(lease)
    raw = target.read_bytes()
    assert b"tracking.example" not in raw
    assert b"/home/somebody" not in raw
    with sqlite3.connect(target) as connection:
        assert set(connection.execute("select host, checkpoint from segments")) == {("", None)}
        (file,) = connection.execute("select file from studies").fetchone()
        assert json.loads(file)["dataset"]["path"] == Path(path).name
        assert connection.execute("select owner from leases").fetchall() == [(None,)]


def test_nothing_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, target = str(tmp_path / "ledger.db"), tmp_path / "paper.sqlite"
    filled(place).close()
    target.write_text("mine")
    assert run_command(["export", "wanted", str(target), "--ledger", place]) == 2
    assert "there is such a file" in capsys.readouterr().err
    assert target.read_text() == "mine"
    with Ledger.open(place, read_only=True) as ledger, pytest.raises(InputError, match="cannot be written"):
        ledger.export(ledger.study("wanted").id, tmp_path / "none" / "paper.sqlite")
    assert run_command(["export", "wante", str(tmp_path / "new.sqlite"), "--ledger", place]) == 2
    assert not (tmp_path / "new.sqlite").exists()


def test_a_failure_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("study.ledger.reading.archive._close_the_log", broken)
    with filled(str(tmp_path / "ledger.db")) as ledger, pytest.raises(OSError, match="disk full"):
        ledger.export(ledger.study("wanted").id, tmp_path / "paper.sqlite")
    assert not [path for path in tmp_path.iterdir() if "paper" in path.name]


def test_the_command_and_a_report_from_the_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place, target = str(tmp_path / "ledger.db"), str(tmp_path / "paper.sqlite")
    filled(place).close()
    assert run_command(["export", "wanted", target, "--ledger", place]) == 0
    with Ledger.open(place, read_only=True) as ledger:
        assert ledger.digest(ledger.study("wanted").id) in capsys.readouterr().out
    assert run_command(["report", "wanted", "--ledger", target, "--format", "md", "--out", str(tmp_path / "out")]) == 0
    assert run_command(["list", "--ledger", target, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.partition("report.md\n")[2])[0]["study"] == "wanted"
