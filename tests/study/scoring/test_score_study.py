"""`segstudy score --study` gives the ledger's scores for the masks that `segstudy predict` writes."""

import csv
import pathlib

import pytest

from study.cli import run_command
from study.ledger import Ledger
from tests.study.predicting.test_own_test_cases import nifti
from tests.study.predicting.trained import NAME, file, trained


def test_the_ledgers_scores(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, home, masks, out = (tmp_path / name for name in ("data", "home", "masks", "out"))
    nifti(data)
    study = file(data, {"preprocess": {"spacing": [2.0, 1.2, 1.2]}})
    trained(study, home, monkeypatch, seeds=1)
    images = [str(data / "images" / f"c{number}.nii.gz") for number in (1, 2)]
    assert run_command(["predict", NAME, *images, "-o", str(masks), "--home", str(home), "--device", "cpu"]) == 0
    common = [str(masks), str(data / "masks"), "--study", NAME, "--home", str(home)]
    assert run_command(["score", *common, "--output", str(out)]) == 0, capsys.readouterr().err
    with (out / "scores.csv").open() as opened:
        found = {(row["case"], row["region"], row["metric"]): row["value"] for row in csv.DictReader(opened)}
    with Ledger.open(home / "ledger.db", read_only=True) as ledger:
        rows = list(ledger.scores(ledger.study(NAME).id).rows())
    assert {row.case for row in rows} == {case for case, _, _ in found} == {"c1", "c2"}
    for row in rows:
        value = found[row.case, row.region, row.metric]
        assert (value == "") == (row.value is None)
        assert row.value is None or float(value) == pytest.approx(row.value, abs=1e-6)
    assert any(row.value for row in rows)
    (masks / "c2.nii.gz").unlink()
    assert run_command(["score", *common]) == 2
    assert "no prediction of c2" in capsys.readouterr().err
