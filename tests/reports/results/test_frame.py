"""The data frame: what the tidy CSV says, with types."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest

from reports import build
from reports.formats.tidy_csv import final_csv, search_csv
from reports.results.frame import frame
from reports.results.records import read
from reports.results.results import Results, results
from tests.reports.ledgers import Fake
from tests.reports.ledgers import build as build_ledger


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Two arms of which one has no result, and a paper's rows."""
    fates = {f"search-a01-r0-f0-n00{number}": "failed of itself" for number in range(4)}
    fake = Fake(losses=("dice_sq", "matthews"), models=("vnet",), fates=fates, previews=False, region="organ",
                published=["matthews/promise12"])  # fmt: skip
    path = build_ledger(tmp_path_factory.mktemp("frame") / "ledger.db", fake)
    return results(read(path, "fake", pictures=False)[0])


@pytest.mark.parametrize(("stage", "written"), [("final", final_csv), ("search", search_csv)])
def test_it_says_what_the_csv_says(found: Results, stage: str, written: object) -> None:
    lines = list(csv.DictReader(io.StringIO(written(found))))  # type: ignore[operator]
    made = frame(found, stage=stage)  # type: ignore[arg-type]
    assert len(made) == len(lines) > 5
    assert list(made.columns) == list(lines[0])
    for (_, row), line in zip(made.iterrows(), lines, strict=True):
        for name, word in line.items():
            if name in ("mean", "low", "high", "baseline_p", "n", "iteration"):
                assert (word == "") == (row.isna()[name])
                assert word == "" or float(row[name]) == float(word)
            else:
                assert word == ("" if row.isna()[name] else row[name])


def test_types_can_be_reckoned_with(found: Results) -> None:
    made = frame(found)
    assert {name: str(made[name].dtype) for name in ("mean", "baseline_p", "n", "iteration", "arm")} == {
        "mean": "float64", "baseline_p": "float64", "n": "Int64", "iteration": "Int64", "arm": "string"
    }  # fmt: skip
    mine = made[(made.stage == "final") & (made.metric == "dice") & (made.region == "organ") & (made.iteration == 1000)]
    means = mine.set_index("arm")["mean"]
    assert means["vnet+dice_sq"] == found.arms[0].cells[found.objective].mean
    assert means.isna()["vnet+matthews"]
    assert (made.stage == "published").sum() > 0


def test_of_a_ledger_and_of_several_studies(tmp_path: Path) -> None:
    for name in ("one", "two"):
        build_ledger(tmp_path / "ledger.db", Fake(name=name, losses=("dice", "focal"), previews=False))
    made = build.frame(tmp_path / "ledger.db", ["one", "two"])
    assert set(made.study) == {"one", "two"}
    assert set(build.frame(tmp_path / "ledger.db", "two", stage="search").stage) == {"search"}


def test_the_report_itself_does_not_load_pandas(tmp_path: Path) -> None:
    build_ledger(tmp_path / "ledger.db", Fake(losses=("dice", "focal"), previews=False))
    code = (
        "import sys; from reports.build import write, text; "
        "write(sys.argv[1], 'fake', sys.argv[2], ('md', 'csv', 'tex', 'bib')); text(sys.argv[1], 'fake'); "
        "print('pandas' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "ledger.db"), str(tmp_path)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() == "False"
