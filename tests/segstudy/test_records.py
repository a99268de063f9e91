"""Frames of a study's records: the same numbers as the ledger and the report have."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import segstudy
from reports.build import write
from study.ledger import Ledger
from tests.reports.ledgers import DIVERGED, LOST, Fake, build

FINALS = "final-a00-r0-f0-n000"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    fates = {"final-a01-r0-f0-n001": DIVERGED, "final-a02-r0-f0-n002": LOST}
    build(folder / "ledger.db", Fake(fates=fates, previews=False))
    return folder


def test_results_are_the_numbers_of_the_csv(home: Path) -> None:
    found = segstudy.results("fake", home=home)
    written = pd.read_csv(write(str(home / "ledger.db"), "fake", home / "report", ["csv"])["results.csv"])
    assert len(found) == len(written)
    assert found["mean"].dropna().round(9).tolist() == written["mean"].dropna().round(9).tolist()


def test_comparisons_say_why_there_is_no_p(home: Path) -> None:
    found = segstudy.comparisons("fake", home=home).set_index("arm")
    assert list(found.index) == ["unet+focal", "unet+tversky"]
    assert (found.baseline == "unet+dice").all()
    assert found.loc["unet+tversky", "refused"].startswith("It is incomplete (seed 3 lost)")
    assert pd.isna(found.loc["unet+tversky", "p"])
    # The diverged training of focal counts 0 in every case, so the difference is near minus a third of Dice.
    assert found.loc["unet+focal", "difference"] == pytest.approx(-0.8 / 3, abs=0.06)


def test_trials_have_their_parameters_and_last_mark(home: Path) -> None:
    found = segstudy.trials("fake", home=home).set_index("trial")
    assert found.loc["final-a01-r0-f0-n001", "status"] == "failed"
    assert found.loc["final-a02-r0-f0-n002", ["status", "objective"]].isna().tolist() == [False, True]
    assert found.loc[FINALS, "iteration"] == 1000
    assert found.loc[FINALS, "created"].tz is not None
    assert "training.learning_rate" in found
    assert set(segstudy.trials("fake", stage="search", home=home).stage) == {"search"}
    halved = found[(found.status == "halved") & (found.arm == "unet+dice")]
    assert set(halved.iteration) == {250}


def test_cases_have_a_row_for_each_score(home: Path) -> None:
    found = segstudy.cases("fake", home=home)
    with Ledger.open(home / "ledger.db", read_only=True) as ledger:
        study = ledger.study("fake").id
        scores, groups = ledger.scores(study, "final"), {case.name: case.group for case in ledger.cases(study)}
    assert len(found) == len(scores.value)
    assert (found.case.astype(str).map(groups) == found.group.astype(str)).all()
    assert (found.arm[found.trial == FINALS] == "unet+dice").all()
    last = scores.trials[scores.trial[-1]], scores.cases[scores.case[-1]].name, scores.regions[scores.region[-1]]
    row = found.iloc[-1]
    assert (row.trial, row.case, row.region) == (str(last[0]), *last[1:])
    assert (row.fold, row.number) == (last[0].fold, last[0].number)
    assert row.value == pytest.approx(scores.value[-1], nan_ok=True)
    assert set(found.note.dropna()) <= {"miss", "false positive", "clean negative"}


def test_curves_hold_training_and_objective(home: Path) -> None:
    found = segstudy.curves("fake", stage="final", home=home)
    own = found[found.trial == FINALS]
    assert own[own.curve == "objective"].iteration.tolist() == [250, 1000]
    with Ledger.open(home / "ledger.db", read_only=True) as ledger:
        drawn = ledger.curves(ledger.study("fake").id, "final", {"loss"})
    first = next(curve for curve in drawn if str(curve.trial) == FINALS)
    assert own[own.curve == "loss"].value.tolist() == first.values.tolist()


def test_studies_and_status(home: Path) -> None:
    (row,) = segstudy.studies(home=home).to_dict("records")
    assert (row["study"], row["arms"], row["failed"]) == ("fake", 3, 2)
    found = segstudy.status("fake", home=home)
    assert found.arms.arm.tolist() == ["unet+dice", "unet+focal", "unet+tversky"]
    assert found.failed.trial.tolist() == ["final-a01-r0-f0-n001", "final-a02-r0-f0-n002"]
    assert segstudy.stop("fake", home=home) is False


def test_report_writes_files(home: Path, tmp_path: Path) -> None:
    paths = segstudy.report("fake", tmp_path / "out", ["md"], home=home)
    assert paths["report.md"].read_text(encoding="utf-8").startswith("#")


@pytest.mark.parametrize("call", [segstudy.results, segstudy.trials, segstudy.cases, segstudy.curves, segstudy.status])
def test_an_unknown_study_is_one_line(home: Path, call) -> None:
    with pytest.raises(segstudy.InputError, match="no study named 'other'"):
        call("other", home=home)


def test_the_catalogue_lists_what_a_file_may_name() -> None:
    assert {"dice", "focal_tversky"} <= set(segstudy.losses().name)
    assert "unet3d" in set(segstudy.models().name)
    metrics = segstudy.metrics().set_index("name")
    assert metrics.loc["hd95", "better"] == "smaller"
    assert metrics.loc["volume_bias", "better"] == "zero"


def test_everything_exported_is_documented() -> None:
    for name in segstudy.__all__:
        assert getattr(segstudy, name).__doc__, name
    assert (
        subprocess.run([sys.executable, "-c", "import segstudy; help(segstudy.run)"], capture_output=True).returncode
        == 0
    )
