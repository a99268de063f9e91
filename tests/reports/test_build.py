"""Report files: complete, identical on repeated runs, and written without importing training code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reports import build
from study.ledger import Ledger
from tests.reports.ledgers import Fake
from tests.reports.ledgers import build as build_ledger
from trainables.errors import InputError
from trainables.storage import requested_files

FILES = ("report.md", "results.csv", "cases.csv", "search.csv", "report.tex", "report.html", "references.bib")


def test_every_format_is_written_and_twice_gives_the_same_bytes(
    full_ledger: Path, full_report: dict[str, Path], tmp_path: Path
) -> None:
    first = full_report
    second = build.write(full_ledger, "fake", tmp_path / "b" / "deep")
    assert tuple(first) == FILES
    for name in FILES:
        assert second[name] == tmp_path / "b" / "deep" / name
        assert first[name].read_bytes() == second[name].read_bytes()
        assert first[name].stat().st_size > 200


def test_bytes_depend_on_neither_hash_seed_nor_locale_nor_settings(
    full_ledger: Path, full_report: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "matplotlibrc").write_text("xtick.major.size: 20\nsvg.hashsalt: other\n")
    seed = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"  # another than this process has
    other = {"PYTHONHASHSEED": seed, "TZ": "America/New_York", "MATPLOTLIBRC": str(tmp_path / "matplotlibrc")}
    code = "import sys; from reports.build import write; write(sys.argv[1], 'fake', sys.argv[2])"
    command = [sys.executable, "-c", code, str(full_ledger), str(tmp_path / "out")]
    subprocess.run(command, check=True, env={**os.environ, **other})
    for name, path in full_report.items():
        assert (tmp_path / "out" / name).read_bytes() == path.read_bytes()


def test_only_the_formats_asked_for(full_ledger: Path, tmp_path: Path) -> None:
    assert tuple(build.write(full_ledger, "fake", tmp_path, ("csv",))) == ("results.csv", "cases.csv", "search.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases.csv", "results.csv", "search.csv"]


def test_a_file_is_replaced_at_once_and_a_failure_leaves_nothing(
    full_ledger: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.md").write_text("old")

    def broken(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(requested_files.os, "fsync", broken)
        with pytest.raises(OSError, match="disk full"):
            build.write(full_ledger, "fake", tmp_path, ("md",))
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == "old"
    build.write(full_ledger, "fake", tmp_path, ("md",))
    assert (tmp_path / "report.md").read_text(encoding="utf-8").startswith("# fake")


def test_errors_say_what_to_do(full_ledger: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no report format 'pdf'; there are md, csv, tex, html, bib, xlsx, figures"):
        build.write(full_ledger, "fake", tmp_path, ("pdf",))
    with pytest.raises(InputError, match="Did you mean 'fake'"):
        build.write(full_ledger, "fakes", tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        build.text(tmp_path / "none.db", "fake")
    assert list(tmp_path.iterdir()) == []


def test_a_report_changes_nothing_in_the_ledger(tmp_path: Path) -> None:
    path = build_ledger(tmp_path / "ledger.db", Fake())
    before = path.read_bytes()
    build.write(path, "fake", tmp_path / "out")
    build.text(path, "fake")
    assert path.read_bytes() == before
    with Ledger.open(path, read_only=True) as ledger:
        assert ledger.study("fake").report_reads == 0


def test_text_fits_a_terminal(full_ledger: Path) -> None:
    text = build.text(full_ledger, "fake", width=90)
    lines = text.splitlines()
    assert lines[0] == "fake: 6 arms (2 models × 3 losses), 18 test cases of 12 patients, 3 seeds"
    start = lines.index(next(line for line in lines if line.startswith("Arm ")))
    assert max(map(len, lines[start : start + 8])) <= 120
    assert [line.split()[0] for line in lines[start + 2 : start + 8]] == [
        *("unet+dice", "unet+focal", "unet+tversky", "vnet+dice", "vnet+focal", "vnet+tversky")
    ]
    assert "failed" in lines[start + 7]
    assert "vnet+focal has a worse Dice" in text
    assert max(len(line) for line in lines[start + 9 :]) <= 90


def test_reading_a_report_needs_nothing_that_trains(plain_ledger: Path, tmp_path: Path) -> None:
    code = (
        "import sys; import reports.build as build;"
        "heavy = {'torch', 'ray', 'optuna', 'mlflow', 'matplotlib', 'pandas'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "build.write(sys.argv[1], 'fake', sys.argv[2], ('md', 'csv', 'tex')); build.text(sys.argv[1], 'fake');"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "build.write(sys.argv[1], 'fake', sys.argv[2], ('html',));"
        "assert not (heavy - {'matplotlib'}) & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(plain_ledger), str(tmp_path)], check=True)


def test_importing_takes_less_than_a_second_of_processor_time() -> None:
    code = "import time; start = time.process_time(); import reports.build; print(time.process_time() - start)"
    command = [sys.executable, "-c", code]
    for _ in range(2):  # the first may find files that are not in memory yet
        seconds = float(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)
        if seconds < 1:
            break
    assert seconds < 1


def test_the_command_reads_a_url_with_nothing_that_trains_and_writes_the_same_bytes(
    plain_ledger: Path, tmp_path: Path
) -> None:
    code = (
        "import sys; from study.command.cli import run_command;"
        "told = ['report', 'fake', '--ledger', sys.argv[1], '--out', sys.argv[2]];"
        "told += [word for name in ('md', 'tex', 'csv', 'bib', 'xlsx') for word in ('--format', name)];"
        "assert run_command(told) == 0;"
        "heavy = {'torch', 'ray', 'optuna', 'mlflow', 'matplotlib', 'pandas'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    for folder in ("a", "b"):
        command = [sys.executable, "-c", code, f"sqlite:///{plain_ledger}", str(tmp_path / folder)]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": str(ord(folder))})
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [
        "cases.csv",
        "references.bib",
        "report.md",
        "report.tex",
        "report.xlsx",
        "results.csv",
        "search.csv",
    ]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
