"""Differences between a paper and a study, and the arm beside which a paper's row stands."""

from pathlib import Path
from typing import Any

import pytest

from reports.document import document
from reports.published.protocols import PROTOCOLS
from reports.results.records import read
from reports.results.results import Results, results
from reports.tables.protocol_differences import difference_tables
from study.ledger import Ledger
from study.ledger.rows import Case
from study.study_file.load import load
from tests.reports.ledgers import OWED
from tests.reports.tables.test_requested_tables import made, names

KITS = {"kidney+tumor": ["kidney", "tumor"], "kidney": ["kidney"], "tumor": ["tumor"]}


@pytest.fixture(scope="module")
def kits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results]:
    """kits19's regions and two of its losses, 3D settings that partly agree with the paper's."""
    return made(
        tmp_path_factory.mktemp("kits"),
        models=("vnet",),
        losses=("dice", "focal_tversky"),
        trials=0,
        marks=(100,),
        regions=KITS,
        region="tumor",
        metrics=("dice",),
        tables=["regions"],
        published=["kits19"],
    )


def test_two_printed_rows_of_one_loss_stay_apart(kits: tuple[Path, Results]) -> None:
    found = document(kits[1]).requested[0]
    assert found.columns == ("Model", "Loss", "tumor", "kidney+tumor", "kidney")
    cells = {tuple(entry.text for entry in row.entries[1:]) for row in found.rows if row.state == "printed"}
    assert ("Focal Tversky, exponent 0.75", "0.535", "0.885", "0.870") in cells
    assert ("Focal Tversky, exponent 5", "0.455", "0.825", "0.758") in cells
    assert ("Weighted Dice", "0.521", "0.910", "0.902") in cells
    assert len(cells) == 7


def test_printed_rows_find_the_arm_with_their_parameters(tmp_path: Path) -> None:
    found = made(
        tmp_path,
        models=("unet3d",),
        patch=(32, 32, 32),
        losses=("focal_tversky",),
        sums={"sharper": {"focal_tversky": {"exponent": 5.0, "fn_weight": 0.7, "fp_weight": 0.3}}},
        trials=0,
        marks=(100,),
        regions=KITS,
        region="tumor",
        metrics=("dice",),
        tables=["regions"],
        published=["kits19"],
    )[1]
    rows = names(document(found).requested[0].rows, 1)
    assert rows[:4] == [
        ("focal_tversky",),
        ("Focal Tversky, exponent 0.75",),
        ("sharper",),
        ("Focal Tversky, exponent 5",),
    ]


KITS19: dict[str, Any] = {
    "models": ("unet3d",),
    "losses": ("dice",),
    "patch": (32, 32, 32),
    "marks": (100,),
    "regions": KITS,
    "region": "tumor",
    "metrics": ("dice",),
    "tables": ["regions"],
    "published": ["kits19"],
}


def tversky(exponent: float) -> dict[str, Any]:
    return {"focal_tversky": {"exponent": exponent, "fn_weight": 0.7, "fp_weight": 0.3}}


def test_before_any_winner_too(tmp_path: Path) -> None:
    # exponent 5 comes first in the file, and no search of either arm has chosen a learning rate
    fates = {f"search-a0{arm}-r0-f0-n000": OWED for arm in (1, 2)}
    both = {"sharp": tversky(5.0), "usual": tversky(0.75), "log_cosh_dice": "default"}
    found = made(tmp_path, sums=both, fates=fates, **KITS19)[1]
    rows = names(document(found).requested[0].rows, 1)
    assert rows.index(("Focal Tversky, exponent 0.75",)) == rows.index(("usual",)) + 1
    assert rows.index(("Focal Tversky, exponent 5",)) == rows.index(("sharp",)) + 1


def test_a_row_of_other_parameters_stands_below_all_arms(tmp_path: Path) -> None:
    both = {"usual": tversky(0.75), "log_cosh_dice": "default"}
    found = made(tmp_path, sums=both, **KITS19)[1]
    rows = names(document(found).requested[0].rows, 1)
    assert rows.index(("Focal Tversky, exponent 0.75",)) == rows.index(("usual",)) + 1
    assert rows.index(("Focal Tversky, exponent 5",)) > rows.index(("Log-cosh Dice",)) > rows.index(("log_cosh_dice",))


def test_differences_of_protocol_are_worked_out(kits: tuple[Path, Results]) -> None:
    said = document(kits[1])
    (found,) = said.protocols
    lines = {row.entries[0].text: [entry.text for entry in row.entries[1:]] for row in found.rows}
    assert lines["test cases"] == ["44", "6", "differs"]
    assert lines["spacing"] == ["3.22 × 1.62 × 1.62", "native", "differs"]
    assert lines["intensities cut at"] == ["-79 to 304", "–", "differs"]
    assert lines["resized before all else to"] == ["depth × 256 × 256", "not resized", "differs"]
    assert lines["augmented copies of an image in an epoch"] == ["2", "1", "differs"]
    assert lines["patch"] == ["80 × 80 × 80", "64 × 64", "differs"]
    assert lines["learning rate"] == ["0.0001", "0.001", "differs"]
    assert lines["iterations"] == ["–", "100", "not stated"]
    assert lines["data"][2] == "unknown"
    assert lines["optimiser"] == ["Adam, epsilon 1e-07", "Adam, epsilon 1e-08", "differs"]
    assert lines["early stopping"] == ["after 20 epochs without a lower training loss", "none", "differs"]
    assert lines["augmented images interpolated by"][1:] == ["–", "differs"]  # nothing is rotated, scaled or deformed
    assert "precision" not in lines
    assert found.notes[0].startswith("The same: folds, normalisation, cropped to, weight decay, precision")
    assert any("not published" in note for note in found.notes)
    (row, *_) = (row for row in said.requested[0].rows if row.state == "printed")
    assert {"data", "images", "training"} <= set(row.badges)


def test_the_same_cases_and_an_oracle_crop_are_recognised(
    kits: tuple[Path, Results], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert dict(verdicts(kits[1]))["data"] == "unknown"
    paper = {**PROTOCOLS["kits19/kits19"], "data": "KiTS19, p00_0 to p05_0", "scored": "test cases"}
    monkeypatch.setitem(PROTOCOLS, "kits19/kits19", paper)
    assert not {"data", "scored on"} & set(dict(verdicts(kits[1])))
    monkeypatch.setitem(kits[1].records.study.file["preprocess"], "crop", {"to": "reference", "label": "1"})
    assert dict(verdicts(kits[1]))["scored on"] == "differs"


def verdicts(found: Results) -> list[tuple[str, str]]:
    (table,) = difference_tables(found)
    return [(row.entries[0].text, row.entries[3].text) for row in table.rows]


def test_parameters_that_differ_are_a_badge(tmp_path: Path) -> None:
    # ours is searched, so that the paper's alpha 0.25 and gamma 4 are not what was chosen; balanced's alpha is 0.25
    found = made(
        tmp_path,
        models=("unet",),
        losses=("balanced", "focal"),
        marks=(100,),
        trials=0,
        metrics=("dice", "recall"),
        region="organ",
        tables=["arms"],
        published=["chest-ct"],
    )[1]
    rows = document(found).requested[0].rows
    by_name = {names((row,), 3)[0]: row for row in rows}
    assert by_name["unet", "balanced", "alpha 0.25"].state == "baseline"  # the paper names it, so ours does
    assert "parameters" not in by_name["U-Net", "Balanced", "alpha 0.25"].badges
    assert "parameters" in by_name["U-Net", "Focal", "alpha 0.25, gamma 4"].badges
    assert by_name["U-Net", "Focal", "alpha 0.25, gamma 4"].entries[3].text == "0.8839"
    assert len([row for row in rows if row.state == "printed"]) == 9


@pytest.mark.parametrize(
    ("name", "differing"),
    [
        (
            "kits19",
            [
                *("resized before all else to", "learning rate", "augmented copies of an image in an epoch"),
                *("augmented images interpolated by", "tuning", "overlapping windows", "scored on"),
            ],
        ),
        ("inverse-weighting", ["final seeds", "windows of a prediction"]),
        ("inverse-weighting-luna16", ["cropped to", "tuning", "final seeds", "windows of a prediction"]),
        ("chest-ct", ["tuning"]),
        ("matthews", []),
        ("matthews-brats15", []),
    ],
)
def test_studies_that_come_along_say_where_they_depart(tmp_path: Path, name: str, differing: list[str]) -> None:
    """Their own files, on three cases: data, and how many there are, are of the copy that a user has."""
    study = load(name, data=tmp_path)
    roles = ("train", "validation", "test")
    cases = [Case(role, role, (role,), {"shape": [9, 9], "spacing": None, "voxels": {}}) for role in roles]
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        ledger.create_study(study.name, study.plain(), study.design(), cases, "d" * 64, {}, now=1e9)
    found = verdicts(results(read(tmp_path / "ledger.db", study.name, pictures=False)[0]))
    data = ("data", "training cases", "test cases", "folds")
    assert [label for label, verdict in found if verdict == "differs" and label not in data] == differing


def test_a_schedule_of_the_same_name_and_other_numbers_differs(
    kits: tuple[Path, Results], monkeypatch: pytest.MonkeyPatch
) -> None:
    training = {**kits[1].records.study.file["training"], "optimizer": "adam", "eps": 1e-7, "schedule": "plateau"}
    training |= {"plateau": {"factor": 0.1, "patience": 5, "min_rate": 1e-5, "monitor": "loss"}}
    monkeypatch.setitem(kits[1].records.study.file, "training", training)
    assert not {"schedule", "optimiser"} & set(dict(verdicts(kits[1])))
    changed = {**training, "eps": 1e-8, "plateau": {**training["plateau"], "patience": 50}}
    monkeypatch.setitem(kits[1].records.study.file, "training", changed)
    assert {"schedule", "optimiser"} <= set(dict(verdicts(kits[1])))
