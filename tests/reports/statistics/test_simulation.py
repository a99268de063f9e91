"""The simulation in benchmarks/ judges the report's own procedure: its vectorised form, held to the functions."""

import functools
import math
import pathlib

import numpy as np
import pytest

from benchmarks.parts.intervals import gate
from benchmarks.parts.intervals.adopted import adopted
from benchmarks.parts.intervals.comparing import CANDIDATES, seen_of, simulate
from benchmarks.parts.intervals.scenarios import SCENARIOS, Scenario
from benchmarks.parts.intervals.studies import FOLDS, Studies, draw
from benchmarks.parts.intervals.tables import label, missed, table
from reports.statistics.intervals_and_tests import difference, mean_of
from reports.statistics.missed_patients import Scale

COUNT = 6
NAMES = {
    "plain, seed SD 0.01|20": "seeds add to the variance",
    "5 / 10 % of cases fail, seed SD 0|10": "patients of one case may be missed",
    "10 % of patients missed|20": "misses count",
    "5 folds, training SD 0.006|20": "trainings share data",
    "unequal slices|10": "patients weigh the same",
    "skewed|10": "means on the scale",
    "one arm skewed|10": "skewness counts",
    "distances|10": "no upper end",
    "3 searches, SD 0.01|10": "a row is a search",
}
KEPT = [scenario for scenario in SCENARIOS if label(scenario) in NAMES]


@functools.cache
def _studies(scenario: Scenario) -> Studies:
    return draw(scenario, COUNT, np.random.Generator(np.random.Philox(key=9)), shift=0.02)


def _one(studies: Studies, b: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Arm and baseline `(S, N)`, the cases' patients, and where nothing was found, of one study."""
    sizes = studies.sizes[b]
    groups = np.repeat(np.arange(len(sizes)), sizes)
    real = np.arange(studies.arm.shape[-1]) < sizes[:, None]
    arm, baseline = studies.arm[b][:, real], studies.baseline[b][:, real]
    lost = [np.repeat(studies.missed[k, b], sizes)[None].repeat(len(arm), axis=0) for k in (0, 1)]
    return arm, baseline, groups, (lost[0], lost[1])


def test_every_kind_of_study_is_held() -> None:
    assert {label(scenario) for scenario in KEPT} == set(NAMES)


@pytest.mark.parametrize("scenario", KEPT, ids=label)
def test_differences_are_those_of_the_report(scenario: Scenario) -> None:
    studies = _studies(scenario)
    found = adopted()(seen_of(studies, "difference"))
    scale = Scale(*studies.limits, worst=0.0 if math.isfinite(studies.limits[1]) else 300.0)
    for b in range(COUNT):
        arm, baseline, groups, lost = _one(studies, b)
        folds = 1 if studies.folds is None else FOLDS
        one = difference(arm, baseline, groups, missed=lost, scale=scale, folds=folds)
        assert one.p == pytest.approx(found.p[b], abs=1e-9)
        assert (one.low, one.high) == pytest.approx((found.low[b], found.high[b]), abs=1e-9)


@pytest.mark.parametrize("scenario", KEPT, ids=label)
def test_means_are_those_of_the_report(scenario: Scenario) -> None:
    studies = _studies(scenario)
    found = adopted()(seen_of(studies, "mean"))
    for b in range(COUNT):
        arm, _, groups, lost = _one(studies, b)
        one = mean_of(arm, groups, missed=lost[0], scale=Scale(*studies.limits))
        assert (one.low, one.high) == pytest.approx((found.low[b], found.high[b]), abs=1e-9)


def test_the_parts_of_the_procedure_all_come_into_play() -> None:
    """Else the two forms would agree without having been compared."""
    seen = {scenario: seen_of(_studies(scenario), "difference") for scenario in KEPT}
    left = {label(one): adopted(skew=math.inf)(part).p != adopted()(part).p for one, part in seen.items()}
    assert left["one arm skewed|10"].any()
    assert (seen[_named("10 % of patients missed|20")].missed.any(axis=(0, 2))).any()
    names = adopted()(seen[_named("unequal slices|10")]).estimand
    assert {str(name) for name in np.asarray(names)} == {"found_by_patient"}
    plain = CANDIDATES["CR2"](seen[_named("5 folds, training SD 0.006|20")])
    assert (plain.p < adopted()(seen[_named("5 folds, training SD 0.006|20")]).p).all()


def _named(wanted: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if label(scenario) == wanted)


def test_a_study_of_the_gate_by_hand() -> None:
    # Arm 1 is .02 to .06 better in each of ten patients, arms 2 to 5 are the baseline: one p is small, Holm's too.
    base = 0.75 + np.linspace(-0.1, 0.1, 10)[None].repeat(3, axis=0)
    better = base + np.array([0.02, 0.06, 0.03, 0.05, 0.04, 0.02, 0.06, 0.03, 0.05, 0.04])
    found = gate.judged(np.stack([base, better, base, base, base, base]), np.arange(10))
    assert list(found[:5]) == [False, True, True, True, True]
    assert list(found[5:7]) == [True, True]
    assert list(found[7:]) == [True, False, False, False, False, True]


def test_limits_and_what_misses_them() -> None:
    assert not gate.holds("mean", 0.90, 0.91)
    assert gate.holds("mean", 0.91, 0.91)
    assert not gate.holds("family", 0.056, 0.055)
    row = {"rejected": 0.061, "covered": 0.94, "mean_covered": 0.929, "power": 0.5, "width": 0.1, "refused": math.nan}
    figures = {"plain, seed SD 0|10": {"mine": row}, "skewed|5": {"mine": row}}
    assert missed(figures, "mine") == [
        "plain, seed SD 0|10: type-I 0.061",
        "plain, seed SD 0|10: mean_covered 0.929",
    ]
    assert table(figures, "rejected", ["mine"])[2:] == [
        "| plain, seed SD 0 | 10 | .061 |",
        "| (skewed) | 5 | .061 |",
    ]


def test_shares_of_a_simulation() -> None:
    """Shares are of whole studies, and a test that counts slices as patients shows."""
    wanted = {"t by case": CANDIDATES["t by case"], "adopted": adopted()}
    found = simulate(_named("unequal slices|10"), wanted, 500, seed=1)
    assert found["t by case"].rejected > 0.15
    assert found["adopted"].rejected < 0.08
    assert found["adopted"].covered == pytest.approx(1 - found["adopted"].rejected, abs=0.02)
    assert found["adopted"].rejected * 500 == pytest.approx(round(found["adopted"].rejected * 500))


def test_a_test_without_an_interval_has_no_error_where_the_truth_is_not_zero() -> None:
    wanted = {"Wilcoxon by patient": CANDIDATES["Wilcoxon by patient"], "t by patient": CANDIDATES["t by patient"]}
    found = simulate(_named("advantage goes with slices|10"), wanted, 500, seed=1)
    assert math.isnan(found["Wilcoxon by patient"].rejected)
    assert found["t by patient"].rejected == pytest.approx(1 - found["t by patient"].covered)


def test_the_document_has_every_setting() -> None:
    page = (pathlib.Path(__file__).parents[3] / "docs" / "STATISTICS.md").read_text(encoding="utf-8")
    for scenario in SCENARIOS:
        name = scenario.name if scenario.gate else f"({scenario.name})"
        assert page.count(f"\n| {name} | {scenario.patients} | ") >= 2, label(scenario)
