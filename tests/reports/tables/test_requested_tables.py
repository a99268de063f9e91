"""Tables that the study file asks for: every layout, the papers' rows beside ours, failed arms, what differs."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reports import build
from reports.document import Document, document
from reports.formats.html import page
from reports.results.records import Pictures, read
from reports.results.results import Results, results
from reports.tables.requested_layouts import PRESETS
from reports.tables.table import Row, Table
from study.study_file.report_section import LayoutName
from tests.reports.ledgers import COLLAPSED, DIVERGED, Fake
from tests.reports.ledgers import build as build_ledger

FREE = {"rows": "loss", "columns": ["model", "region"], "metric": "dice"}


def made(folder: Path, **changes: Any) -> tuple[Path, Results]:
    folder.mkdir(exist_ok=True)
    fake = Fake(patients=(1,) * 6, previews=False, **changes)
    path = build_ledger(folder / "ledger.db", fake)
    return path, results(read(path, "fake", pictures=False)[0])


@pytest.fixture(scope="module")
def two_models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    """matthews' losses on two networks: one arm collapsed, one without a result; every layout requested."""
    return made(
        tmp_path_factory.mktemp("two"),
        models=("vnet", "unet"),
        losses=("dice_sq", "cross_entropy", "matthews"),
        marks=(250, 1000),
        region="organ",
        tables=["arms", "iterations", "regions", FREE, {"rows": ["region", "loss"], "columns": "metric"}],
        published=["matthews/promise12"],
        quality={"unet+dice_sq": 0.85},
        fates={
            **{f"final-a04-r0-f0-n00{seed}": COLLAPSED for seed in range(3)},
            **{f"search-a05-r0-f0-n00{number}": DIVERGED for number in range(4)},
        },
    )


@pytest.fixture(scope="module")
def requested(two_models: tuple[Path, Results]) -> Document:
    return document(two_models[1])


def table(said: Document, key: str) -> Table:
    return next(table for table in said.requested if table.key == key)


def names(rows: tuple[Row, ...], words: int = 2) -> list[tuple[str, ...]]:
    return [tuple(entry.text for entry in row.entries[:words]) for row in rows]


def test_layouts_are_those_that_a_file_may_name() -> None:
    assert tuple(PRESETS) == LayoutName.__args__


def test_every_layout_has_its_table(requested: Document) -> None:
    assert [(table.key, table.title) for table in requested.requested] == [
        ("table-1", "By model and loss, test cases: organ, at 1k iterations"),
        ("table-2-1", "Dice ↑ by iteration, test cases: organ"),
        ("table-2-2", "Dice ↑ by iteration, test cases: lesion"),
        ("table-3", "Dice ↑ by region, test cases, at 1k iterations"),
        ("table-4", "Dice ↑ by loss × model and region, test cases, at 1k iterations"),
        ("table-5-1", "By region and loss, test cases, at 1k iterations, vnet"),
        ("table-5-2", "By region and loss, test cases, at 1k iterations, unet"),
    ]
    for found in requested.tables:
        assert {len(row.entries) for row in found.rows} == {len(found.columns)}
        assert sum(span for _, span in found.groups) in (0, len(found.columns))


def test_by_arm_with_parameters(requested: Document, two_models: tuple[Path, Results]) -> None:
    found = table(requested, "table-1")
    assert found.columns == (
        *(
            "Model",
            "Loss",
            "Parameters",
            "Dice ↑",
            "Recall ↑",
            "HD95 (mm) ↓",
            "n of N",
            "missed",
            "false pos.",
            "seeds",
        ),
    )
    ours = [row for row in found.rows if row.state != "printed"]
    assert names(tuple(ours)) == [(model, loss) for model in ("vnet", "unet") for loss in LOSSES]
    assert re.fullmatch(r"learning_rate 0\.\d+", ours[1].entries[2].text)
    arm = two_models[1].arms[1]
    assert ours[1].entries[3].text == f"{arm.cells['organ', 'dice', 1000].mean:.3f}"
    assert ours[4].entries[-1].detail == "3 collapsed"
    assert [entry.text for entry in ours[5].entries[3:7]] == ["failed", "failed", "failed", "0 of 6"]
    assert ours[5].state == "failed"


LOSSES = ("dice_sq", "cross_entropy", "matthews")


def test_printed_rows_follow_ours_and_those_without_one_come_last(requested: Document) -> None:
    rows = table(requested, "table-1").rows
    assert names(rows)[:8] == [
        ("vnet", "dice_sq"),
        ("V-Net", "Dice"),
        ("vnet", "cross_entropy"),
        ("V-Net", "Cross-entropy"),
        ("vnet", "matthews"),
        ("V-Net", "Matthews"),
        ("V-Net", "Generalised Wasserstein Dice"),
        ("unet", "dice_sq"),
    ]
    printed = rows[1]
    # at the last mark stands what the paper printed last, at 30,000 iterations, with its digits
    assert (printed.state, printed.entries[3].text, printed.entries[4].text) == ("printed", "0.402", "")
    assert printed.badges == ("training", "15 not stated")
    assert not any(entry.best or entry.like_best for row in rows if row.state == "printed" for entry in row.entries)


def test_by_iteration_has_the_papers_iterations_too(requested: Document) -> None:
    found = table(requested, "table-2-1")
    assert found.columns[2:] == (
        *("250 of 1k", "1k of 1k", "5k (printed)", "10k (printed)", "20k (printed)", "25k (printed)", "30k (printed)"),
    )
    row = next(row for row in found.rows if names((row,)) == [("V-Net", "Generalised Wasserstein Dice")])
    assert [entry.text for entry in row.entries[2:]] == ["", "", "0.230", "0.239", "0.267", "0.295", "0.352"]
    assert found.rows[0].entries[4].text == "–"
    other = table(requested, "table-2-2")  # the paper scores one region, which stands for the objective's
    assert not any(row.state == "printed" for row in other.rows)


def test_free_axes_are_pivoted(requested: Document, two_models: tuple[Path, Results]) -> None:
    found = table(requested, "table-4")
    assert found.groups == (("", 1), ("vnet", 2), ("unet", 2))
    assert found.full_columns == ("Loss", "vnet: organ", "vnet: lesion", "unet: organ", "unet: lesion")
    row = next(row for row in found.rows if row.entries[0].text == "cross_entropy")
    for arm, cells in ((two_models[1].arms[1], row.entries[1:3]), (two_models[1].arms[4], row.entries[3:5])):
        means = [arm.cells[region, "dice", 1000].mean for region in ("organ", "lesion")]
        assert [cell.text for cell in cells] == [f"{mean:.3f}" for mean in means]
    assert row.entries[3].detail.endswith("3 collapsed")
    assert next(row for row in found.rows if row.entries[0].text == "matthews").entries[3].text == "failed"
    best = [entry for row in found.rows for entry in row.entries if entry.best]
    assert len(best) == 2  # one in each region, over both networks
    rows = table(requested, "table-5-1").rows
    assert [cells for row, cells in zip(rows, names(rows), strict=True) if row.state != "printed"] == [
        (region, loss) for region in ("organ", "lesion") for loss in LOSSES
    ]


def test_each_loss_plain_beside_inverse_weighted(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        losses=("dice_sq", "focal"),
        weighting=("none", "inverse"),
        metrics=("dice", "recall"),
        marks=(100,),
        trials=0,
        tables=["weighting", {"rows": "loss", "columns": "metric"}],
    )[1]
    paired, *each = document(found).requested
    assert paired.groups == (("", 1), ("Dice ↑", 2), ("Recall ↑", 2))
    assert paired.columns == ("Loss", "plain", "inverse-weighted", "plain", "inverse-weighted")
    cells = {arm.row.name: arm.cells["mean", "recall", 100].mean for arm in found.arms}
    row = paired.rows[1]
    assert [entry.text for entry in row.entries][::3] == ["focal", f"{cells['unet+focal']:.3f}"]
    assert row.entries[4].text == f"{cells['unet+focal+inverse']:.3f}"
    # where rows and columns leave the weighting open, each has a table of its own
    assert [table.title.rpartition(", ")[2] for table in each] == ["plain", "inverse-weighted"]


def test_no_printed_number_reaches_a_mean_or_a_test(tmp_path: Path, two_models: tuple[Path, Results]) -> None:
    with_papers = two_models[1]
    assert {arm.row.name for arm in with_papers.arms} == {c.arm for c in with_papers.comparisons} | {"vnet+dice_sq"}
    assert all(found <= {arm.row.name for arm in with_papers.arms} for found in with_papers.best.values())


def test_every_format_shows_them(two_models: tuple[Path, Results], tmp_path: Path) -> None:
    written = build.write(two_models[0], "fake", tmp_path, ("md", "csv", "tex"))
    texts = {name: path.read_text("utf-8") for name, path in written.items()}
    assert "| *V-Net* (printed; differs: training, 15 not stated) | *Dice* |" in texts["report.md"]
    assert "| Loss | vnet: organ | vnet: lesion |" in texts["report.md"]
    assert (
        r"\multicolumn{2}{c}{vnet} & \multicolumn{2}{c}{unet} \\\cmidrule(lr){2-3}\cmidrule(lr){4-5}"
        in texts["report.tex"]
    )
    assert r"\textit{0.402}" in texts["report.tex"]
    lines = [line for line in texts["results.csv"].splitlines() if ",published," in line]
    assert len(lines) == 20
    assert lines[0].startswith(
        'matthews,vnet+dice_sq,vnet,dice_sq,none,,published,,dice,5000,0.236,,,,,"promise12; printed;'
    )
    terminal = build.text(two_models[0], "fake")
    assert "(V-Net)" in terminal
    assert terminal.count("By model and loss, test cases") == 1


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_of_long_tables_with_groups_fits_its_pages(tmp_path: Path) -> None:
    path, _ = made(
        tmp_path / "made",
        models=("vnet", "unet"),
        losses=("dice_sq", "cross_entropy", "matthews", "focal", "tversky", "dice"),
        marks=(100,),
        trials=0,
        tables=["arms", FREE],
        published=["matthews"],
        region="organ",
    )
    build.write(path, "fake", tmp_path, ("tex",))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Float too large" not in done.stdout


def test_the_page_shows_groups_of_columns_and_badges(two_models: tuple[Path, Results]) -> None:
    text = page(document(two_models[1]), (), Pictures((), ()))  # no curves: drawing them takes seconds
    assert '<th scope="colgroup" colspan="2" class="group">vnet</th>' in text
    assert '<span class="badge">training</span>' in text
