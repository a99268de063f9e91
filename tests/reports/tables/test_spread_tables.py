"""Spread between patients, seeds and searches, and quartiles of distances: by hand and from the ledger's rows."""

import re
from pathlib import Path

import numpy as np
import pytest

from reports.document import document
from reports.results.results import Results
from reports.tables.checklist import ITEMS, OPEN
from reports.tables.spread_tables import quartile_table, spread_table
from reports.tables.table import Table
from tests.reports.ledgers import Fake
from tests.reports.results.test_results import column, made, results_of


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return made(tmp_path_factory.mktemp("spread"), Fake(searches=3, seeds=2, previews=False, seed_spread=0.05))


def test_standard_deviations(searched: Results) -> None:
    table = spread_table(searched)
    assert table is not None
    values = searched.scores.of("unet+focal", 1000, "mean", "dice")[:, 0]  # (3, 2, N), nothing missing
    runs, by_case = values.mean(axis=2), values.mean(axis=(0, 1))
    patients = [by_case[searched.scores.groups == group].mean() for group in range(searched.scores.patients)]
    expected = {
        "between patients": np.std(patients, ddof=1),
        "between seeds": np.sqrt(runs.var(axis=1, ddof=1).mean()),
        "between searches": runs.mean(axis=1).std(ddof=1),
    }
    for heading, value in expected.items():
        assert column(table, heading)["unet+focal"] == f"{value:.3f}"
    assert column(table, "mean of each")["unet+focal"] == ", ".join(f"{mean:.3f}" for mean in runs.ravel())


def test_one_seed_and_one_search_show_no_spread(plain_ledger: Path) -> None:
    table = spread_table(results_of(plain_ledger))
    assert table is not None
    assert [entry.text for entry in table.rows[0].entries[2:4]] == ["–", "–"]


def test_median_and_quartiles_of_distances(searched: Results) -> None:
    table = quartile_table(searched)
    assert table is not None
    assert table.columns[1:] == ("HD95 (mm) ↓, mean over 2 regions", "HD95 (mm) ↓, organ", "HD95 (mm) ↓, lesion")
    values = searched.scores.of("unet+dice", 1000, "organ", "hd95")[:, 0].mean(axis=1)  # a unit is a search
    low, middle, high = np.percentile(values, (25, 50, 75), axis=1).mean(axis=1)
    entry = table.rows[0].entries[2]
    assert (entry.text, entry.detail) == (f"{middle:.2f}", f"[{low:.2f}, {high:.2f}]")


def test_no_quartiles_without_distances(tmp_path: Path) -> None:
    assert quartile_table(made(tmp_path, Fake(metrics=("dice",), previews=False))) is None


def _answers(table: Table | None) -> dict[str, str]:
    assert table is not None
    return {row.entries[0].text: row.entries[2].text for row in table.rows}


def test_the_checklist_answers_from_the_ledger_and_leaves_the_rest_open(searched: Results, tmp_path: Path) -> None:
    found = _answers(document(searched).checklist)
    assert len(found) == len(ITEMS)
    assert (
        found["number of cases and patients"]
        == "20 cases of 14 patients: 2 validation (2 patients), 18 test (12 patients)"
    )
    assert found["tuning and choice of the final model"].startswith("4 trials an arm by random, 3 searches, chosen by")
    assert (
        found["statistical test and its family"] == "Dice (mean over 2 regions) against unet+dice, 2 tests, Holm over 2"
    )
    assert found["cases that the study left out"] == "none"
    assert found["class imbalance: what was done about it"] == "33 % of the patches on a voxel of the foreground"
    size = re.fullmatch(
        r"smallest difference in Dice found with 80 % probability: (0\.\d+)( to (0\.\d+))?, by comparison",
        found["sample size and what it can find"],
    )
    assert size is not None
    shown = {float(row.entries[-1].text) for row in document(searched).differences.rows}  # type: ignore[union-attr]
    assert {float(size[1]), float(size[3] or size[1])} == {min(shown), max(shown)}
    assert found["reference standard: who annotated, how, with what agreement"] == OPEN
    assert sum(answer == OPEN for answer in found.values()) == sum(item.answer is None for item in ITEMS) >= 8
    other = _answers(
        document(made(tmp_path, Fake(grouped=False, ungrouped="unknown", spacing=None, previews=False))).checklist
    )
    assert other["unit of distances"] == "px: the voxel size is unknown"
    assert other["sample size and what it can find"] == "no difference was tested"
    assert other["statistical test and its family"] == "no difference was tested"
    assert "not known which cases belong" in other["how data were partitioned, and at what level"]
