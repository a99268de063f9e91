"""p-values of other packages beside ours: each on the differences that it claims to see."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import segstudy
from reports.build import cross_check
from reports.tables import cross_check as module
from reports.tables.table import Table
from study.command.cli import run_command
from tests.reports.ledgers import Fake, build
from tests.reports.results.test_results import column, made

FAKE = Fake(quality={"unet+focal": 0.823, "unet+dice": 0.82}, previews=False, region="organ")


def test_each_test_is_that_of_its_package_on_the_tidy_frame(tmp_path: Path) -> None:
    build(tmp_path / "ledger.db", FAKE)
    scores = segstudy.cases("fake", home=tmp_path).query("region == 'organ' and metric == 'dice' and iteration == 1000")
    wide = scores.pivot_table("value", index=["group", "case"], columns="arm", observed=True)  # seeds averaged
    apart = (wide["unet+focal"] - wide["unet+dice"]).dropna()
    patients = apart.groupby("group", observed=True).mean()
    found = module.cross_check(made(tmp_path / "again", FAKE))
    assert float(column(found, "t by case")["unet+focal"].lstrip("<")) == pytest.approx(
        stats.ttest_1samp(apart, 0).pvalue, abs=6e-4
    )
    assert float(column(found, "t by patient")["unet+focal"].lstrip("<")) == pytest.approx(
        stats.ttest_1samp(patients, 0).pvalue, abs=6e-4
    )
    assert column(found, "Cases")["unet+focal"] == str(len(apart))
    assert column(found, "Patients")["unet+focal"] == str(len(patients)) != str(len(apart))


def chances(found: Table, arm: str) -> list[float]:
    return [float(part) for part in column(found, "Bayesian")[arm].split(" / ")]


def frame(tmp_path: Path, fake: Fake, metric: str = "dice") -> pd.DataFrame:
    """Scores of the objective of one study, by training and case, an arm a column."""
    build(tmp_path / "ledger.db", fake)
    scores = segstudy.cases("fake", home=tmp_path).query(
        f"region == 'organ' and metric == '{metric}' and iteration == 1000"
    )
    return scores.pivot_table("value", index=["fold", "number", "group", "case"], columns="arm", observed=True)


def test_chances_by_patient_with_a_margin(tmp_path: Path) -> None:
    fake = dataclasses.replace(FAKE, equivalence=0.04)
    wide = frame(tmp_path, fake)
    apart = (wide["unet+focal"] - wide["unet+dice"]).dropna()
    patients = apart.groupby(["group", "case"], observed=True).mean().groupby("group", observed=True).mean()
    curve = stats.t(len(patients) - 1, patients.mean(), stats.sem(patients))
    found = module.cross_check(made(tmp_path / "again", fake))
    assert chances(found, "unet+focal") == pytest.approx(
        [curve.cdf(-0.04), curve.cdf(0.04) - curve.cdf(-0.04), curve.sf(0.04)], abs=6e-3
    )
    assert chances(found, "unet+focal")[1] > 0.1
    assert "differences are those of patients" in found.notes[-1]


def test_chances_of_trainings_whose_folds_share_data(tmp_path: Path) -> None:
    fake = dataclasses.replace(FAKE, folds=3, quality={"unet+focal": 0.84, "unet+dice": 0.82})
    wide = frame(tmp_path, fake)
    apart = (wide["unet+focal"] - wide["unet+dice"]).dropna().groupby(["fold", "number"], observed=True).mean()
    assert len(apart) == 9  # folds × seeds
    scale = apart.std() * np.sqrt(1 / 9 + (1 / 3) / (2 / 3))
    found = module.cross_check(made(tmp_path / "again", fake))
    above = stats.t(8, apart.mean(), scale).sf(0)
    assert chances(found, "unet+focal") == pytest.approx([1 - above, 0, above], abs=6e-3)
    assert "correlated by 1 / 3" in found.notes[-1]


def test_a_smaller_distance_is_better(tmp_path: Path) -> None:
    fake = dataclasses.replace(FAKE, metrics=("hd95", "dice"))
    wide = frame(tmp_path, fake, "hd95")
    lower = (wide["unet+focal"] - wide["unet+dice"]).groupby("group", observed=True).mean().mean() < 0
    worse, _, better = chances(module.cross_check(made(tmp_path / "again", fake)), "unet+focal")
    assert (better > worse) == lower


def test_a_clustered_error_by_hand() -> None:
    # Patients' sums of residuals about the mean 2: (1-2)+(1-2) = -2, 3-2 = 1, 3-2 = 1; n = 4, G = 3.
    # Variance: (4 + 1 + 1) / 16, times G/(G-1) * (n-1)/(n-1) = 1.5; z = 2 / 0.75.
    p = module._clustered(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 2]))
    assert p == pytest.approx(2 * stats.norm.sf(2 / 0.75))


def test_equal_arms_and_one_patient_have_no_p() -> None:
    assert module._tried(module._t_by_case, np.zeros(4), np.arange(4)) is None
    assert module._tried(module._t_by_case, np.arange(4.0), np.zeros(4, int)) is None


def test_the_command_prints_it_and_a_study_without_a_baseline_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(tmp_path / "ledger.db", FAKE)
    assert run_command(["report", "fake", "--cross-check", "--home", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "Wilcoxon by patient" in said
    assert "unet+tversky" in said
    assert "\x1b" not in cross_check(tmp_path / "ledger.db", "fake")
    assert not (tmp_path / "reports").exists()
