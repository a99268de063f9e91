"""A report of an archive leaves it as it was published, and counts a visit of a ledger of one's own."""

import sqlite3
from pathlib import Path

import pytest

from study.command.cli import run_command
from study.ledger import Ledger
from tests.reports.ledgers import Fake, build


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    build(tmp_path / "ledger.db", Fake())
    return tmp_path


def _report(ledger: str, name: str) -> int:
    return run_command(["report", name, "--ledger", ledger, "--format", "csv", "--out", "out"])


def test_an_archive_is_not_changed_by_its_readers(home: Path) -> None:
    name = Fake().name
    assert run_command(["export", name, "study.sqlite", "--ledger", "ledger.db"]) == 0
    before = Path("study.sqlite").read_bytes()
    assert _report("study.sqlite", name) == 0
    assert Path("study.sqlite").read_bytes() == before
    assert [path.name for path in home.glob("study.sqlite*")] == ["study.sqlite"]


def test_a_visit_of_ones_own_ledger_is_counted(home: Path) -> None:
    with Ledger.open("ledger.db") as ledger:
        before = ledger.study(Fake().name).report_reads
    assert _report("ledger.db", Fake().name) == 0
    with Ledger.open("ledger.db", read_only=True) as ledger:
        assert ledger.study(Fake().name).report_reads == before + 1


def test_an_archive_with_a_trigger_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["export", Fake().name, "study.sqlite", "--ledger", "ledger.db"]) == 0
    with sqlite3.connect("study.sqlite") as connection:
        connection.execute("CREATE TRIGGER t AFTER UPDATE ON studies BEGIN DELETE FROM trials; END")
    connection.close()
    before = Path("study.sqlite").read_bytes()
    assert _report("study.sqlite", Fake().name) == 2
    assert "holds a trigger, view or virtual table ('t')" in capsys.readouterr().err
    assert Path("study.sqlite").read_bytes() == before
