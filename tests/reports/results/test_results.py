"""From ledger to numbers, against values worked out directly from the rows."""

import copy
import dataclasses
import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from reports.document import document
from reports.results.protocol import protocol
from reports.results.records import read
from reports.results.results import ArmResult, Results, results
from reports.tables.table import Table
from tests.reports.conftest import FULL
from tests.reports.ledgers import DIVERGED, LOST, OWED, Fake, build


@pytest.fixture(scope="module")
def full(full_ledger: Path) -> Results:
    """The results of FULL."""
    return results_of(full_ledger)


def results_of(path: Path, name: str = "fake") -> Results:
    return results(read(path, name, pictures=False)[0])


def made(tmp_path: Path, fake: Fake) -> Results:
    return results_of(build(tmp_path / "ledger.db", fake), fake.name)


def arm(found: Results, name: str) -> ArmResult:
    return next(one for one in found.arms if one.row.name == name)


def rows(path: Path, arm: str, region: str, metric: str, mark: int) -> dict[str, list[float]]:
    """Case → values over final trainings, straight from the tables."""
    query = """select cases.name, case_scores.value from case_scores
        join trials on trials.id = case_scores.trial_id join arms on arms.id = trials.arm_id
        join cases on cases.id = case_scores.case_id
        where trials.stage = 'final' and arms.name = ? and region = ? and metric = ? and iteration = ?
        and value is not null order by cases.name, trials.key"""
    found: dict[str, list[float]] = {}
    with sqlite3.connect(path) as connection:
        for case, value in connection.execute(query, (arm, region, metric, mark)):
            found.setdefault(case, []).append(value)
    return found


def column(table: Table, heading: str) -> dict[str, str]:
    """Arm → what stands in a column."""
    index = next(i for i, name in enumerate(table.columns) if name.startswith(heading))
    return {row.entries[0].text: row.entries[index].text for row in table.rows}


def test_one_case_a_patient_and_one_seed_is_scipys_paired_t_test(tmp_path: Path) -> None:
    fake = Fake(losses=("dice", "focal"), patients=(1,) * 8, seeds=1, trials=0, empty=0, marks=(100,), previews=False,
                region="organ")  # fmt: skip
    found = made(tmp_path, fake)
    ours, theirs = (
        np.array(list(rows(tmp_path / "ledger.db", name, "organ", "dice", 100).values()))[:, 0]
        for name in ("unet+focal", "unet+dice")
    )
    expected = stats.ttest_rel(ours, theirs)
    (comparison,) = found.comparisons
    assert comparison.arm == "unet+focal"
    assert comparison.p == pytest.approx(expected.pvalue)
    assert comparison.cell.estimate is not None
    assert comparison.cell.estimate.low == pytest.approx(expected.confidence_interval().low, abs=1e-4)  # on a scale
    # the arm's own interval: the jackknife's standard error, on the logit scale
    cell = arm(found, "unet+focal").cells["organ", "dice", 100]
    assert cell.estimate is not None
    mean, error = ours.mean(), stats.sem(ours) * np.sqrt(8 / 7)
    reach = stats.t.ppf(0.975, 7) * error / (mean * (1 - mean))
    ends = [1 / (1 + (1 - mean) / mean * np.exp(sign * reach)) for sign in (1, -1)]
    assert (cell.estimate.low, cell.estimate.high) == pytest.approx(ends)


def test_the_printed_number_is_the_mean_of_the_ledgers_rows(full: Results, full_ledger: Path) -> None:
    found = document(full)
    values = rows(full_ledger, "unet+focal", "lesion", "hd95", 1000)
    expected = np.mean([value for case in values.values() for value in case])
    lesion = next(table for table in found.regions if "lesion" in table.title)
    assert column(lesion, "HD95")["unet+focal"] == f"{expected:.2f}"
    assert column(lesion, "n of N")["unet+focal"] == f"{len(values)} of {len(FULL.cases) - 2}"


def test_misses_and_false_positives_are_counted_over_all_trainings(full: Results, full_ledger: Path) -> None:
    found = arm(full, "unet+dice").detection["lesion"]
    with sqlite3.connect(full_ledger) as connection:
        counted = dict(
            connection.execute(
                """select note, count(*) from case_scores
                join trials on trials.id = trial_id join arms on arms.id = arm_id
                where arms.name = 'unet+dice' and trials.stage = 'final' and region = 'lesion' and metric = 'dice'
                and iteration = 1000 group by note"""
            ).fetchall()
        )
    assert found.missed == counted["miss"] > 0
    assert found.false == counted["false positive"] > 0
    assert found.absent == counted["false positive"] + counted["clean negative"]
    assert found.present == counted["miss"] + counted[None]


def test_arms_stand_as_they_ended(full: Results) -> None:
    ends = {one.row.name: (one.standing, dataclasses.astuple(one.trainings)[:5]) for one in full.arms}
    # planned, scored, collapsed, diverged, missing
    assert ends == {
        "unet+dice": ("complete", (3, 3, 0, 0, 0)),
        "unet+focal": ("complete", (3, 3, 0, 0, 0)),
        "unet+tversky": ("complete", (3, 2, 0, 0, 1)),
        "vnet+dice": ("complete", (3, 2, 0, 1, 0)),
        "vnet+focal": ("complete", (3, 3, 3, 0, 0)),
        "vnet+tversky": ("failed", (3, 0, 0, 0, 0)),
    }
    assert full.complete


def test_a_diverged_seed_pulls_the_mean_down_and_a_lost_one_does_not(full: Results, full_ledger: Path) -> None:
    for name, share in (("vnet+dice", 2 / 3), ("unet+tversky", 1.0)):
        values = rows(full_ledger, name, "organ", "dice", 1000)
        scored = np.mean([value for case in values.values() for value in case])
        assert arm(full, name).cells["organ", "dice", 1000].mean == pytest.approx(share * scored)


def test_a_diverged_seed_is_said_beside_the_mean(full: Results) -> None:
    row = next(row for row in document(full).regions[0].rows if row.entries[0].text == "vnet+dice")
    assert (row.entries[-2].text, row.entries[-2].detail) == ("2 of 3", "1 diverged")


def test_the_best_and_nothing_marked_beside_it_without_a_margin(full: Results) -> None:
    assert full.best[full.objective] == {"unet+focal"}
    assert full.best["organ", "hd95", 1000] == {"unet+focal"}  # smaller is better
    assert full.to_best is None
    assert not any(entry.like_best for table in document(full).tables for row in table.rows for entry in row.entries)


def test_differences_carry_their_sign(full: Results) -> None:
    table = document(full).differences
    assert table is not None
    focal, collapsed = (
        next(r for r in table.rows if r.entries[0].text == name) for name in ("unet+focal", "vnet+focal")
    )
    assert re.fullmatch(r"\+0\.\d{3}", focal.entries[1].text)
    assert re.fullmatch(r"\[[+−]0\.\d{3}, \+0\.\d{3}\]", focal.entries[1].detail)
    assert re.fullmatch(r"\[−0\.\d{3}, −0\.\d{3}\]", collapsed.entries[1].detail)


def test_failed_arms_are_in_every_table(full: Results) -> None:
    said = document(full)
    for table in (*said.regions, *said.marks, said.budget):
        assert [row.entries[0].text for row in table.rows] == [f"{m}+{n}" for m in FULL.models for n in FULL.losses]
    assert column(said.regions[0], "Dice")["vnet+tversky"] == "failed"
    assert column(said.budget, "failed")["vnet+tversky"] == "6"
    assert said.differences is not None
    assert column(said.differences, "p (Holm)")["vnet+tversky"] == "–"
    assert said.failures is not None
    assert column(said.failures, "reason")["vnet+tversky"] == DIVERGED


def test_holm_counts_the_arm_without_a_result(full: Results) -> None:
    raw = {c.arm: c.cell.estimate.p for c in full.comparisons if c.p is not None and c.cell.estimate is not None}
    assert set(raw) == {"unet+focal", "vnet+focal"}  # of five: one failed, one incomplete, one diverged
    smallest = min(raw, key=lambda name: raw[name] or 0)
    assert next(c.p for c in full.comparisons if c.arm == smallest) == pytest.approx(min(1, 5 * (raw[smallest] or 0)))


def test_only_the_objective_is_tested(full: Results) -> None:
    said = document(full)
    with_p = [table.key for table in said.tables if any(name.startswith("p (") for name in table.columns)]
    assert with_p == ["region-0", "differences"]


def test_validation_and_test_values_never_share_a_table(full: Results) -> None:
    said = document(full)
    for table in (*said.regions, *said.marks):
        assert "test cases" in table.title.lower()
        assert "validation" not in " ".join(table.columns).lower()
    assert said.search is not None
    assert "validation cases only" in said.search.title


def test_an_unfinished_study_says_what_is_missing(tmp_path: Path) -> None:
    fates = {"search-a01-r0-f0-n002": OWED, "final-a02-r0-f0-n001": OWED, "final-a02-r0-f0-n002": OWED}
    found = made(tmp_path, Fake(fates=fates))
    said = document(found)
    assert not said.complete
    assert said.claims == ("Nothing may be claimed yet: the study is not finished, and its numbers will change.",)
    assert said.missing == (
        "unet+focal: 3 of 4 search trials ended; no final training yet.",
        "unet+tversky: 1 of 3 final trainings ended.",
    )
    assert column(said.regions[0], "seeds") == {"unet+dice": "3 of 3", "unet+focal": "0 of 3", "unet+tversky": "1 of 3"}
    assert [row.state for row in said.regions[0].rows] == ["baseline", "unfinished", "unfinished"]
    assert found.best[found.objective] == {"unet+dice"}  # of the arms that are complete
    assert found.comparisons[0].p is None


def test_a_study_that_has_not_begun(tmp_path: Path) -> None:
    fates = {f"search-a0{arm}-r0-f0-n00{number}": OWED for arm in range(3) for number in range(4)}
    said = document(made(tmp_path, Fake(fates=fates)))
    assert said.claims == ("Nothing may be claimed yet: no test case has been scored.",)
    assert set(column(said.regions[0], "Dice").values()) == {"–"}


def test_an_arm_whose_seeds_all_diverged_counts_zero_without_interval_or_p(tmp_path: Path) -> None:
    found = made(tmp_path, Fake(fates={f"final-a01-r0-f0-n00{seed}": DIVERGED for seed in range(3)}))
    estimate = arm(found, "unet+focal").cells["organ", "dice", 1000].estimate
    assert estimate is not None
    assert (estimate.mean, estimate.low, estimate.high) == (0.0, None, None)
    assert found.comparisons[0].p is None
    assert "3 of 6 trainings diverged" in str(found.comparisons[0].refused)


def test_an_arm_that_machines_lost_has_no_number(tmp_path: Path) -> None:
    found = made(tmp_path, Fake(fates={f"final-a01-r0-f0-n00{seed}": LOST for seed in range(3)}))
    assert arm(found, "unet+focal").standing == "failed"
    assert "unet+focal: no result, all 3 final trainings were lost." in document(found).missing
    assert found.comparisons[0].cell.estimate is None


def test_folds_without_test_cases_score_each_case_once(tmp_path: Path) -> None:
    found = made(tmp_path, Fake(folds=4, seeds=2))
    values = rows(tmp_path / "ledger.db", "unet+dice", "organ", "dice", 1000)
    assert {len(case) for case in values.values()} == {2}
    cell = arm(found, "unet+dice").cells["organ", "dice", 1000]
    assert cell.mean == pytest.approx(np.mean(list(values.values())))
    assert (cell.cases, cell.units) == (len(values), 2)
    said = document(found)
    assert column(said.regions[0], "trainings")["unet+dice"] == "8 of 8"
    assert any(line.startswith("Chosen on cases scored here") for line in said.remarks)


def test_whether_test_cases_are_set_apart_follows_from_the_cases_not_from_the_file(tmp_path: Path) -> None:
    """A split's own file (`split: {file: …}`) names them where the study file is silent."""
    records, _ = read(build(tmp_path / "apart.db", Fake(folds=3, test_apart=True)), "fake", pictures=False)
    silent = copy.deepcopy(dict(records.study.file))
    silent["dataset"]["split"]["test"] = None
    study = dataclasses.replace(records.study, file=silent)
    assert protocol(study, records.arms, records.cases).test_apart
    each_once, _ = read(build(tmp_path / "once.db", Fake(folds=3)), "fake", pictures=False)
    assert not protocol(each_once.study, each_once.arms, each_once.cases).test_apart


def test_folds_with_test_cases_are_averaged(tmp_path: Path) -> None:
    found = made(tmp_path, Fake(folds=3, test_apart=True, seeds=2))
    cell = arm(found, "unet+dice").cells["organ", "dice", 1000]
    values = rows(tmp_path / "ledger.db", "unet+dice", "organ", "dice", 1000)
    assert {len(case) for case in values.values()} == {6}
    assert cell.mean == pytest.approx(np.mean(list(values.values())))
    assert cell.units == 2
    assert not any("Chosen on cases" in line for line in document(found).remarks)


def test_three_searches_are_the_unit(tmp_path: Path) -> None:
    said = document(found := made(tmp_path, Fake(searches=3, seeds=2)))
    assert arm(found, "unet+dice").cells["organ", "dice", 1000].units == 3
    assert "patients and searches" in said.regions[0].notes[0]
    assert not any("takes at least" in line for line in said.claims)
    assert said.search is not None
    assert len(said.search.rows) == 9


def test_unknown_spacing_is_in_pixels(tmp_path: Path) -> None:
    said = document(made(tmp_path, Fake(spacing=None)))
    assert "HD95 (px) ↓" in said.regions[0].columns
    assert any("pixels (px)" in line for line in said.remarks)
    known = document(made(tmp_path / "known", Fake()))
    assert "HD95 (mm) ↓" in known.regions[0].columns


def test_the_baseline_is_the_files(tmp_path: Path) -> None:
    found = made(tmp_path, Fake(baseline="unet+tversky"))
    assert [comparison.arm for comparison in found.comparisons] == ["unet+dice", "unet+focal"]
    assert column(document(found).regions[0], "p (Holm)")["unet+tversky"] == "baseline"


def test_chosen_parameters_are_shown_and_nothing_where_nothing_was_tuned(tmp_path: Path, plain_ledger: Path) -> None:
    first = document(made(tmp_path, Fake())).regions[0].rows[1].entries[0]
    assert first.detail.startswith("learning_rate 0.0")
    plain = document(results_of(plain_ledger))
    assert plain.regions[0].rows[1].entries[0].detail == ""
    assert plain.search is None
    assert column(plain.budget, "search trials")["unet+dice"] == "nothing to tune"


def test_budget_counts_trials_and_hours(full: Results) -> None:
    budget = document(full).budget
    line = next(row for row in budget.rows if row.entries[0].text == "vnet+dice")
    # 6 search trials, of which halving ended 3 and memory 1; 900 s each and 70 s more with each number
    assert [entry.text for entry in line.entries[1:]] == ["6 of 6", "2", "3", "1", "0", "3 of 3", "1", "1.8", "0.81"]


def test_one_diverged_seed_of_three_has_an_interval_within_range_and_every_seeds_mean(tmp_path: Path) -> None:
    fates = {"final-a01-r0-f0-n001": DIVERGED}
    found = made(tmp_path, Fake(losses=("dice", "focal"), fates=fates, previews=False, equivalence=0.9))
    for metric, low, high in (("dice", 0.0, 1.0), ("hd95", 0.0, 120.0)):
        estimate = arm(found, "unet+focal").cells["mean", metric, 1000].estimate
        assert estimate is not None
        assert low < estimate.low < estimate.mean < estimate.high < high  # type: ignore[operator]
    assert found.comparisons[0].p is None
    assert "1 of 6 trainings diverged" in str(found.comparisons[0].refused)
    assert found.to_best is not None
    assert not found.to_best.close  # whatever the margin
    means = arm(found, "unet+focal").cells[found.objective].unit_means
    said = ", ".join(f"{mean:.3f}" for mean in means)
    assert means[1] == pytest.approx(0)
    assert f"unet+focal: its seeds differ by more than its cases explain (Dice {said})." in document(found).remarks
