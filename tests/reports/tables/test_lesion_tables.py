"""Lesions in the report: by arm and size, plain beside inverse-weighted, the paper's rows, and what fails."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, insert, select

from reports import build
from reports.document import document
from reports.figures import lesion_curves
from reports.figures.files import figures
from reports.results.records import Pictures, read
from reports.results.results import Results, results
from reports.tables.table import Table
from study.design import TrialKey
from study.ledger import Ledger
from study.ledger.database import schema
from tests.reports.ledgers import DIVERGED, LOST, Fake
from tests.reports.ledgers import build as build_ledger
from trainables.lesion_records import Lesions
from trainables.metrics.scoring import scores_of

WEIGHTING = {
    "models": ("vnet",),
    "losses": ("dice_sq", "focal"),
    "weighting": ("none", "inverse"),
    "lesions": {"strata": [5.0]},
    "marks": (100,),
    "metrics": ("dice",),
    "region": "lesion",
    "trials": 0,
    "previews": False,
    "patients": (1,) * 6,
}


def made(folder: Path, **changes: Any) -> tuple[Path, Results]:
    folder.mkdir(exist_ok=True)
    fake = Fake(**{**WEIGHTING, **changes})
    path = build_ledger(folder / "ledger.db", fake)
    with Ledger.open(path) as ledger:
        weighting = {arm.number: arm.weighting for arm in ledger.arms(ledger.study("fake").id)}
        ledger.write(lambda connection: _write_lesions(connection, fake, weighting))
    return path, results(read(path, "fake", pictures=False)[0])


def _write_lesions(connection: Connection, fake: Fake, weighting: dict[int, str]) -> None:
    """In every case one of 8 voxels, found by inverse-weighted arms only; one of 1000, found by all; a false one."""
    cases = {row.name: row.id for row in connection.execute(select(schema.cases))}
    for row in connection.execute(select(schema.trials).where(schema.trials.c.status == "finished")).all():
        key = TrialKey.parse(row.key)
        inverse = weighting[key.arm] == "inverse"
        for case in fake.cases if key.stage == "final" else ():
            if case.splits[key.fold] != "test":
                continue
            found = Lesions(
                case.name,
                "lesion",
                voxels=np.array([8, 1000], np.uint32),
                dice=np.array([0.5 if inverse else 0.0, 0.9]),
                confidence=np.array([2.0 if inverse else -np.inf, 3.0], np.float32),
                false_voxels=np.array([30], np.uint32),
                false_confidence=np.array([1.0], np.float32),
                false_positives=1,
                peak=3.0,
            )
            packed = scores_of(found)
            place = {"trial_id": row.id, "iteration": fake.marks[-1], "region": "lesion", "case_id": cases[case.name]}
            counts = {name: getattr(packed, name) for name in ("lesions", "found", "false_positives", "records")}
            connection.execute(insert(schema.lesion_scores), place | counts)


@pytest.fixture(scope="module")
def weighted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    return made(
        tmp_path_factory.mktemp("weighted"),
        tables=["weighting"],
        published=["inverse-weighting/lits"],
        fates={"final-a02-r0-f0-n001": DIVERGED, "final-a03-r0-f0-n000": LOST},
    )


def cells(table: Table, *first: str) -> list[str]:
    rows = [row for row in table.rows if tuple(entry.text for entry in row.entries[: len(first)]) == first]
    assert len(rows) == 1
    return [entry.text for entry in rows[0].entries[len(first) :]]


def test_lesions_by_arm_and_size(weighted: tuple[Path, Results]) -> None:
    (found,) = document(weighted[1]).lesions
    assert found.columns[:4] == ("Arm", "Diameter", "lesions", "Average recall ↑")
    # 6 cases: each a ball of 8 voxels (diameter 2.5), which plain arms never find, one of 1000 (12.4), and a false
    # one of 30 (3.9) that is less sure than either: half, or all, of the lesions at no false positive
    assert cells(found, "vnet+dice_sq", "all")[:5] == ["12", "0.500", "0.500", "0.500", "1.00"]
    assert cells(found, "vnet+dice_sq", "below 5")[:5] == ["6", "0.000", "0.000", "0.000", "1.00"]
    assert cells(found, "vnet+dice_sq", "from 5")[:5] == ["6", "1.000", "1.000", "1.000", "0.00"]
    assert cells(found, "vnet+dice_sq", "below 5")[5] == "–"
    assert cells(found, "vnet+dice_sq+inverse", "all")[:5] == ["12", "1.000", "1.000", "1.000", "1.00"]
    level = weighted[1].arms[1]
    assert level.row.name == "vnet+dice_sq+inverse"
    assert cells(found, "vnet+dice_sq+inverse", "below 5")[5] == "0.500"


def test_a_diverged_training_finds_nothing_and_a_lost_one_is_left_out(weighted: tuple[Path, Results]) -> None:
    (found,) = document(weighted[1]).lesions
    diverged = next(row for row in found.rows if row.entries[0].text == "vnet+focal")
    assert (diverged.entries[5].text, diverged.entries[5].detail) == ("0.333", "0.000 to 0.500")  # 0.5, 0, 0.5
    assert cells(found, "vnet+focal+inverse", "all")[3] == "1.000"


def test_plain_beside_inverse_weighted_with_the_papers_rows(weighted: tuple[Path, Results]) -> None:
    said = document(weighted[1])
    assert [table.key for table in said.requested] == ["table-1", "table-1-lesions-1"]
    ordinary, found = said.requested
    assert ordinary.groups == (("", 1), ("Dice ↑", 2))
    assert ordinary.full_columns == ("Loss", "Dice ↑: plain", "Dice ↑: inverse-weighted")
    assert found.full_columns == (
        *("Model", "Loss", "Diameter", "Average recall ↑: plain", "Average recall ↑: inverse-weighted"),
        *("Object-wise Dice ↑: plain", "Object-wise Dice ↑: inverse-weighted"),
    )
    assert cells(found, "vnet", "dice_sq", "all")[:2] == ["0.500", "1.000"]
    assert cells(found, "vnet", "dice_sq", "below 5")[:2] == ["0.000", "1.000"]
    # the corrected protocol, so the paper's recall is the one derived by it; object Dice is the printed one
    assert cells(found, "3D residual U-Net", "Dice", "all") == ["0.6778", "0.7636", "0.63", "0.49"]
    printed = [row for row in found.rows if row.state == "printed"]
    assert len(printed) == 6  # one for each loss of the paper, of all sizes only
    assert "derived" in printed[0].badges


def test_the_authors_protocol_shows_the_authors_recall(tmp_path: Path) -> None:
    found = made(tmp_path, lesions={"protocol": "iw2020"}, tables=["weighting"], published=["inverse-weighting/lits"])[
        1
    ]
    table = document(found).requested[1]
    assert cells(table, "3D residual U-Net", "Dice", "all") == ["0.70", "0.79", "0.63", "0.49"]
    assert any("iw2020" in note for note in table.notes)
    assert not any(row.entries[2].text.startswith("below") for row in table.rows)


def test_folds_that_test_each_case_once_are_one_training(tmp_path: Path) -> None:
    found = made(tmp_path, folds=3, seeds=2)[1]
    (table,) = document(found).lesions
    assert cells(table, "vnet+dice_sq", "all")[0] == "12"


def test_no_table_where_lesions_were_not_counted(tmp_path: Path) -> None:
    said = document(made(tmp_path, lesions=None, tables=["weighting"])[1])
    assert said.lesions == ()
    assert [table.key for table in said.requested] == ["table-1"]


def test_formats_show_them(weighted: tuple[Path, Results], tmp_path: Path) -> None:
    written = build.write(weighted[0], "fake", tmp_path, ("md", "html", "tex"))
    for path in written.values():
        assert "Detection and delineation by weighting" in path.read_text("utf-8")


def test_curves_of_lesions_by_hand(weighted: tuple[Path, Results]) -> None:
    plain, inverse, diverged, lost = (
        lesion_curves.froc(weighted[1], arm, "lesion") for arm in weighted[1].arms
    )  # arms: dice_sq, dice_sq inverse, focal (a seed diverged), focal inverse (a seed lost)
    assert plain is not None
    assert plain.tolist() == [0.5] * 25  # the large one at once, the small one never
    assert inverse is not None
    assert inverse.tolist() == [1.0] * 25  # both before the false one
    assert diverged is not None
    assert diverged == pytest.approx([1 / 3] * 25)  # two seeds at 0.5, one at 0
    assert lost is not None
    assert lost.tolist() == [1.0] * 25  # of the two that are there
    assert lesion_curves.FALSE_POSITIVES[[0, 12, -1]] == pytest.approx([1 / 8, 1, 8])
    between = lesion_curves.sizes(weighted[1], "lesion")
    assert between == ((0.0, 5.0), (5.0, np.inf))
    by_size = [lesion_curves.recall_by_size(weighted[1], arm, "lesion", between) for arm in weighted[1].arms[:3]]
    assert by_size == [[0.0, 1.0], [1.0, 1.0], [0.0, pytest.approx(2 / 3)]]
    assert lesion_curves.recall_by_size(weighted[1], weighted[1].arms[0], "lesion", [(50.0, 60.0)]) == [None]


def test_sizes_are_quarters_where_the_file_has_none(tmp_path: Path) -> None:
    _, found = made(tmp_path, lesions={})
    # six lesions of 8 voxels and six of 1000: diameters 2.5 and 12.4, and the middle between them
    assert lesion_curves.sizes(found, "lesion") == ((0.0, 2.5), (2.5, 7.4), (7.4, 12.4), (12.4, np.inf))


def test_figures_of_lesions(weighted: tuple[Path, Results]) -> None:
    made = dict(figures(weighted[1], Pictures((), ())))
    for name in ("froc", "recall-by-size"):
        (axes,) = made[name].axes
        drawn = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}
        assert list(drawn) == [arm.row.name for arm in weighted[1].arms]
        assert drawn["vnet+focal"][-1] == pytest.approx({"froc": 1 / 3, "recall-by-size": 2 / 3}[name])
