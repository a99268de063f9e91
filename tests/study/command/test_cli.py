"""The command on ledgers that are there: status, list, report, stop, and what it says of itself."""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys

import pytest

from study.command.cli import run_command
from study.command.watched_run import Result, ended
from study.ledger import Ledger
from tests.reports.ledgers import DIVERGED, OWED, Fake, add, build

COMMANDS = ("check", "run", "status", "stop", "report", "export", "list", "losses", "models", "phantom", "ui")
NAMES = ["cases.csv", "references.bib", "report.html", "report.md", "report.tex", "results.csv", "search.csv"]


@pytest.fixture
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A home with a study that is done, one with failures, and one that was stopped."""
    home = tmp_path / "home"
    home.mkdir()
    build(home / "ledger.db", Fake(name="whole", losses=("dice", "focal")))
    for name, fates in (
        ("torn", {"search-a00-r0-f0-n001": DIVERGED}),
        ("stopped", {f"search-a00-r0-f0-n00{number}": OWED for number in range(4)}),
    ):
        build(tmp_path / f"{name}.db", Fake(name=name, losses=("dice",), fates=fates, previews=False))
    monkeypatch.setenv("SEGSTUDY_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    return home


def test_status(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["status", "whole"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("whole: done\n")
    assert re.search(r"unet\+focal +4/4 +3/3 +0\.\d{3} at 1000", said)


def test_status_of_failures(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["status", "torn", "--ledger", "torn.db"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("torn: done, 1 trial failed\n")
    assert f"unet+dice: trial 1 failed: {DIVERGED}" in said


def test_status_for_programs(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["status", "torn", "--ledger", "torn.db", "--json"]) == 1
    plain = json.loads(capsys.readouterr().out)
    assert (plain["study"], plain["state"], plain["share"]) == ("torn", "done", 1.0)
    assert plain["failed"] == [
        {"trial": "search-a00-r0-f0-n001", "arm": "unet+dice", "status": "failed", "reason": DIVERGED}
    ]


def test_status_shows_what_a_reader_must_know(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Ledger.open(home / "ledger.db") as ledger:
        ledger.add_notice(ledger.study("whole").id, "p01_0: both form codes are 0")
    assert run_command(["status", "whole"]) == 0
    assert "Note: p01_0: both form codes are 0\n" in capsys.readouterr().out


def test_list(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["list"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["study", "state", "done", "arms", "search", "final", "failed"],
        ["whole", "done", "100", "%", "2", "8/8", "6/6"],
    ]
    assert run_command(["list", "--ledger", "stopped.db", "--json"]) == 0
    (plain,) = json.loads(capsys.readouterr().out)
    assert (plain["study"], plain["state"]) == ("stopped", "stopped")


def test_report(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["report", "whole"]) == 0
    said = capsys.readouterr().out
    folder = home / "reports" / "whole"
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    assert "unet+focal" in said
    assert all(f"whole: {folder / name}\n" in said for name in NAMES)
    with Ledger.open(home / "ledger.db", read_only=True) as ledger:
        assert ledger.study("whole").report_reads == 1


def test_report_of_several_studies(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Ledger.open(home / "ledger.db") as ledger:
        add(ledger, Fake(name="other", losses=("dice",), previews=False))
    assert run_command(["report", "whole", "other", "--format", "md"]) == 0
    said = capsys.readouterr().out
    assert "By arm and study" in said
    assert f"whole other: {home / 'reports' / 'whole+other' / 'report.md'}\n" in said
    with Ledger.open(home / "ledger.db", read_only=True) as ledger:
        assert [ledger.study(name).report_reads for name in ("whole", "other")] == [1, 1]
    assert run_command(["report", "whole", "whole"]) == 2
    assert capsys.readouterr().err == "Error: study 'whole' is named twice: name each once\n"


def test_report_of_some_formats_elsewhere(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["report", "whole", "--format", "md", "--format", "csv", "--out", "paper"]) == 0
    assert sorted(path.name for path in pathlib.Path("paper").iterdir()) == [
        "cases.csv",
        "report.md",
        "results.csv",
        "search.csv",
    ]
    assert run_command(["report", "whole", "--format", "docx"]) == 2
    assert (
        capsys.readouterr().err == "Error: no report format 'docx'; there are md, csv, tex, html, bib, xlsx, figures\n"
    )
    assert not (home / "reports").exists()
    assert run_command(["report", "whole", "--out", "torn.db"]) == 2
    assert capsys.readouterr().err == "Error: torn.db: cannot be written (File exists). Name another folder by --out.\n"


def test_report_from_an_archive_that_cannot_be_written(home: pathlib.Path) -> None:
    archive = pathlib.Path("torn.db")
    before = archive.read_bytes()
    archive.chmod(0o444)
    with Ledger.open(archive, read_only=True) as ledger:
        reads = ledger.study("torn").report_reads
    assert run_command(["report", "torn", "--ledger", "torn.db", "--format", "md", "--out", "paper"]) == 0
    assert pathlib.Path("paper/report.md").exists()
    assert reads == 0
    assert len(archive.read_bytes()) == len(before)


def test_stop_without_a_driver(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["stop", "whole"]) == 0
    assert capsys.readouterr().out == "whole: nobody runs it; nothing to stop\n"
    with Ledger.open(home / "ledger.db", read_only=True) as ledger:
        assert not ledger.stop_requested(ledger.study("whole").id)


def test_stop(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Ledger.open("stopped.db") as ledger:
        study = ledger.study("stopped").id
        ledger.acquire(study)
        assert run_command(["stop", "stopped", "--ledger", "stopped.db"]) == 0
        assert ledger.stop_requested(study)
    assert re.fullmatch(r"stopped: asked .+ to stop; it saves what is under way first\n", capsys.readouterr().out)
    assert run_command(["status", "stopped", "--ledger", "stopped.db"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("stopped: stopping, ")
    assert "run by " in said


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--version"]) == 0
    assert re.fullmatch(r"segstudy \d+\.\d+\.\d+\S*\n", capsys.readouterr().out)
    assert run_command([]) == 0
    overview = capsys.readouterr().out
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", overview, re.MULTILINE), command
        assert run_command([command, "--help"]) == 0
        assert f"Example: segstudy {command}" in " ".join(capsys.readouterr().out.split())


def test_every_option_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for command in COMMANDS:
        run_command([command, "-h"])
        rows = re.findall(r"^  (-\S.*?)(?:  +(\S.*))?$", capsys.readouterr().out, re.MULTILINE)
        assert rows
        assert all(explained for _, explained in rows), (command, rows)


def test_bugs_keep_their_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("trainables.data.phantom.phantom.generate", broken)
    with pytest.raises(ZeroDivisionError):
        run_command(["phantom", "new"])


def test_ctrl_c_before_anything_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def slow(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("trainables.data.phantom.phantom.generate", slow)
    assert run_command(["phantom", "new"]) == 130
    assert capsys.readouterr() == ("", "")


def test_the_command_is_installed() -> None:
    command = pathlib.Path(sys.executable).with_name("segstudy")
    done = subprocess.run([command, "list", "--home", "nowhere"], capture_output=True, encoding="utf-8", timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ledger 'nowhere/ledger.db' does not exist")


def test_ui_serves_until_it_is_told(
    home: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr("study.tracking.ui.open_ui", lambda *places, **how: asked.update(how, places=places))
    assert run_command(["ui", "--port", "5050", "--mlflow", "http://host:1"]) == 0
    assert asked["places"] == (home, "http://host:1")
    assert (asked["host"], asked["port"]) == ("127.0.0.1", 5050)


RESULT = Result(
    study="demo",
    finished=30,
    halved=24,
    failed=0,
    lost=0,
    open=0,
    complete=True,
    stopped=False,
    trouble=None,
    seconds=99,
)


@pytest.mark.parametrize(
    ("changes", "code", "expected"),
    [
        ({}, 0, "trials: 30 finished, 24 halved away\n"),
        ({"failed": 2}, 1, "Trials that failed, with reasons: segstudy status torn\n"),
        ({"lost": 1}, 1, "Trials that failed, with reasons: segstudy status torn\n"),
        ({"lost": 2, "repeatable": 2}, 1, "2 trials were lost to machines: until they are there, the report compares"),
        ({"lost": 1, "repeatable": 1}, 1, "Run them again:\n  segstudy run torn.yaml --home home --retry lost\n"),
        ({"complete": False, "stopped": True}, 130, "Go on with:\n  segstudy run torn.yaml --home home\n"),
        ({"complete": False, "trouble": "no machine"}, 1, "torn: given up after 2 min: no machine\n"),
    ],
)
def test_exit_codes_of_a_run(
    home: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, object],
    code: int,
    expected: str,
) -> None:
    pathlib.Path("torn.yaml").write_text(json.dumps(Fake(name="torn", losses=("dice",)).study.plain()))
    result = dataclasses.replace(RESULT, study="torn", **changes)  # type: ignore[arg-type]
    monkeypatch.setattr("study.command.watched_run.run_study", lambda *_: result)
    monkeypatch.setattr("sys.argv", ["segstudy", "run", "torn.yaml", "--home", "home"])
    assert run_command(["run", "torn.yaml", "--ledger", "torn.db"]) == code
    said = capsys.readouterr().out
    assert expected in said
    assert ("report.html" in said) == result.complete  # a table that is not done is not shown


@pytest.mark.parametrize(
    ("given", "asked"), [([], ()), (["failed"], ("failed",)), (["failed", "lost", "lost"], ("lost", "failed"))]
)
def test_the_run_is_asked_for_what_retry_names(
    home: pathlib.Path, monkeypatch: pytest.MonkeyPatch, given: list[str], asked: tuple[str, ...]
) -> None:
    pathlib.Path("torn.yaml").write_text(json.dumps(Fake(name="torn", losses=("dice",)).study.plain()))
    heard: list[object] = []

    def run_study(*arguments: object) -> Result:
        heard.append(arguments[-2])
        return dataclasses.replace(RESULT, study="torn")

    monkeypatch.setattr("study.command.watched_run.run_study", run_study)
    options = [part for status in given for part in ("--retry", status)]
    assert run_command(["run", "torn.yaml", "--ledger", "torn.db", *options]) == 0
    assert heard == [asked]


def test_another_word_after_retry_is_refused(home: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    pathlib.Path("torn.yaml").write_text(json.dumps(Fake(name="torn", losses=("dice",)).study.plain()))
    assert run_command(["run", "torn.yaml", "--retry", "all"]) == 2
    assert capsys.readouterr().err == "Error: --retry all: expected lost or failed\n"


def test_a_second_ctrl_c_says_how_to_go_on(
    home: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> Result:
        raise KeyboardInterrupt

    pathlib.Path("torn.yaml").write_text(json.dumps(Fake(name="torn", losses=("dice",)).study.plain()))
    monkeypatch.setattr("study.command.watched_run.run_study", stopped)
    monkeypatch.setattr("sys.argv", ["segstudy", "run", "torn.yaml"])
    assert run_command(["run", "torn.yaml", "--ledger", "torn.db"]) == 130
    assert capsys.readouterr().out.endswith("last checkpoint. Go on with:\n  segstudy run torn.yaml\n")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["demo: done after 2 min; trials: 30 finished, 24 halved away"]),
        ({"failed": 2, "lost": 1}, ["demo: done after 2 min; trials: 30 finished, 24 halved away, 2 failed, 1 lost"]),
        (
            {"complete": False, "stopped": True, "open": 3},
            ["demo: stopped after 2 min; nothing is lost. Go on with:", "  segstudy run demo"],
        ),
        (
            {"complete": False, "trouble": "6 segments of 4 trials were lost"},
            [
                "demo: given up after 2 min: 6 segments of 4 trials were lost",
                "Nothing is lost. Go on with:",
                "  segstudy run demo",
            ],
        ),
    ],
)
def test_how_a_run_ended(changes: dict[str, object], expected: list[str]) -> None:
    assert ended(dataclasses.replace(RESULT, **changes), again="segstudy run demo") == expected  # type: ignore[arg-type]
