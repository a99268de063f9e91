"""The workbook, read back without the code that wrote it."""

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from reports.build import write
from reports.document import document
from reports.formats.xlsx import Value, _names, _rows, _written, workbook
from reports.results.records import read
from reports.results.results import results
from reports.tables.table import Entry, Row, Table
from tests.reports.ledgers import Fake, build

M = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


def sheets(content: bytes) -> dict[str, dict[str, tuple[str | float, bool]]]:
    """Sheet → cell → (words or number, bold), by the relations that the package declares."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        trees = {name: ElementTree.fromstring(archive.read(name)) for name in archive.namelist()}
    strings = ["".join(part.itertext()) for part in trees["xl/sharedStrings.xml"]]
    targets = {link.get("Id"): link.get("Target") for link in trees["xl/_rels/workbook.xml.rels"]}
    styles = trees["xl/styles.xml"]
    fonts = [font.find(f"{M}b") is not None for font in styles.iter(f"{M}font")]
    formats = [fonts[int(form.get("fontId", 0))] for form in styles.find(f"{M}cellXfs") or ()]
    found: dict[str, dict[str, tuple[str | float, bool]]] = {}
    for sheet in trees["xl/workbook.xml"].iter(f"{M}sheet"):
        cells = found.setdefault(str(sheet.get("name")), {})
        for cell in trees[f"xl/{targets[sheet.get(f'{R}id')]}"].iter(f"{M}c"):
            assert cell.find(f"{M}f") is None  # never a formula
            content = str(cell.findtext(f"{M}v"))
            value: str | float = strings[int(content)] if cell.get("t") == "s" else float(content)
            cells[str(cell.get("r"))] = value, formats[int(cell.get("s", 0))]
    return found


def test_numbers_have_all_their_digits_and_intervals_their_columns(full_ledger: Path) -> None:
    found = results(read(full_ledger, "fake", pictures=False)[0])
    made = sheets(workbook(document(found), [found]))
    first = next(cells for name, cells in made.items() if name.startswith("Test cases  mean over 2"))
    focal = found.arms[1].cells[found.objective].estimate
    assert focal is not None
    heads = {first[f"{column}2"][0]: column for column in "ABCDEFG"}
    assert first["A4"][0] == "unet+focal"
    assert first[f"{heads['Dice ↑']}4"] == (pytest.approx(focal.mean, abs=1e-12), True)
    assert first[f"{heads['Dice ↑, low']}4"] == (pytest.approx(focal.low, abs=1e-12), False)
    assert first[f"{heads['Dice ↑, high']}4"] == (pytest.approx(focal.high, abs=1e-12), False)
    assert "Dice ↑, more" not in heads  # no margin was declared: nothing is marked beside the best
    assert first["A5"][0] == "unet+tversky†"
    assert {"Report", "All numbers"} <= set(made)
    assert len(made) == len(document(found).tables) + 2
    assert any("may be claimed" in str(value) for value, _ in made["Report"].values())


def test_the_same_bytes_by_name_only(full_ledger: Path, tmp_path: Path) -> None:
    first = write(full_ledger, "fake", tmp_path / "a", ("xlsx",))["report.xlsx"].read_bytes()
    assert write(full_ledger, "fake", tmp_path / "b", ("xlsx",))["report.xlsx"].read_bytes() == first


def test_several_studies_in_a_workbook(tmp_path: Path) -> None:
    for name in ("one", "two"):
        build(tmp_path / "ledger.db", Fake(name=name, losses=("dice", "focal"), previews=False))
    made = sheets(write(tmp_path / "ledger.db", ["one", "two"], tmp_path, ("xlsx",))["report.xlsx"].read_bytes())
    assert {value for cell, (value, _) in made["All numbers"].items() if cell[0] == "A"} == {"study", "one", "two"}


def test_words_stay_words_and_nothing_breaks_the_file() -> None:
    hostile = '=HYPERLINK("x")<&>\'\x00\x0b\ud800'
    table = Table("t", hostile, ("Arm", "Dice"), (Row((Entry(hostile), Entry("−0.25", "more", like_best=True))),))
    (cells,) = sheets(_written([(hostile, _rows(table))])).values()
    assert cells["A3"][0] == '=HYPERLINK("x")<&>\'' + "�" * 3
    assert cells["B3"][0] == -0.25
    assert cells["C3"][0] == "more ≈"
    assert cells["C2"][0] == "Dice, more"


def test_names_of_sheets() -> None:
    long = "Test cases: organ [mean]/lesion, at 1k iterations"
    names = _names([long, long.upper(), "'", "a" * 40])
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)
    assert len({name.lower() for name in names}) == 4
    assert "history" not in {name.lower() for name in _names(["History", "history"])}
    assert not any(name.endswith("'") for name in _names(["a" * 30 + "'b"]))


def test_what_is_no_number_is_written_as_words() -> None:
    (cells,) = sheets(
        _written([("one", [[Value(float("inf")), Value(float("nan")), Value(2.5, decimals=1)]])])
    ).values()
    assert [cells[name][0] for name in ("A1", "B1", "C1")] == ["inf", "nan", 2.5]
