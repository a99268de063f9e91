"""Arms that are tested, and the statements about arms that are not."""

import dataclasses
import sqlite3
from pathlib import Path

import pytest

from reports.document import document
from study.ledger import Ledger
from tests.reports.ledgers import LOST, OWED, Fake, build
from tests.reports.results.test_results import arm, made, results_of


def test_an_incomplete_arm_is_neither_ranked_nor_tested(tmp_path: Path) -> None:
    quality, fates = {"unet+focal": 0.95}, {"final-a01-r0-f0-n001": LOST, "final-a01-r0-f0-n002": LOST}
    found = made(tmp_path, Fake(quality=quality, fates=fates, previews=False))
    assert found.best[found.objective] <= {"unet+dice", "unet+tversky"}
    focal, tversky = found.comparisons
    assert (focal.p, focal.cell.sign_flip) == (None, None)
    assert focal.refused == "It is incomplete (seed 2, seed 3 lost): nothing is tested until it is trained in full."
    assert tversky.p is not None
    assert tversky.cell.estimate is not None
    assert tversky.p == pytest.approx(min(1.0, 2 * tversky.cell.estimate.p))  # type: ignore[operator]
    said = document(found)
    assert not any("focal has" in line for line in said.claims)
    assert any("Nothing may be claimed of unet+focal: It is incomplete" in line for line in said.claims)
    assert "unet+focal (seed 2, seed 3 lost)." in " ".join(said.regions[0].notes)
    assert said.regions[0].rows[1].entries[0].label == "unet+focal†"


def test_an_incomplete_baseline_leaves_nothing_tested(tmp_path: Path) -> None:
    found = made(tmp_path, Fake(fates={"final-a00-r0-f0-n001": LOST}, previews=False))
    assert [comparison.p for comparison in found.comparisons] == [None, None]
    assert all("The baseline unet+dice is incomplete" in str(each.refused) for each in found.comparisons)


def test_a_fold_lost_in_every_seed_is_not_ranked_against_whole_arms(tmp_path: Path) -> None:
    fates = {f"final-a01-r0-f1-n00{seed}": LOST for seed in range(2)}
    found = made(tmp_path, Fake(folds=3, seeds=2, losses=("dice", "focal"), fates=fates, previews=False))
    whole, part = (arm(found, name).cells[found.objective] for name in ("unet+dice", "unet+focal"))
    assert part.cases < whole.cases
    assert found.best[found.objective] == {"unet+dice"}
    assert found.comparisons[0].p is None
    assert found.comparisons[0].cell.cases == part.cases
    assert "fold 2 seed 1" in str(found.comparisons[0].refused)


def test_a_baseline_that_is_changed_after_results_were_seen_stands_in_the_foot(tmp_path: Path) -> None:
    path = build(tmp_path / "ledger.db", Fake(quality={"unet+focal": 0.9}, baseline="unet+tversky", previews=False))
    first = results_of(path)
    assert (first.first_baseline, first.first_comparisons) == (None, ())
    with Ledger.open(path) as ledger:
        text = 'after test tables were shown twice: report.baseline: nothing → "unet+tversky": another baseline'
        ledger.add_notice(ledger.study("fake").id, text.replace("twice", "2 times"))
    found = results_of(path)
    assert found.first_baseline == "unet+dice"
    focal = next(each for each in found.first_comparisons if each.arm == "unet+focal")
    table = document(found).differences
    assert table is not None
    assert "The baseline was declared as unet+dice and changed to unet+tversky" in table.notes[-1]
    assert focal.p is not None
    assert (
        f"unet+focal +{focal.cell.mean:.3f}, p {'<0.001' if focal.p < 0.001 else f'{focal.p:.3f}'}" in table.notes[-1]
    )
    assert (
        document(found).claims[0].startswith("Exploratory, against a baseline named after test tables had been shown")
    )


def test_seeds_added_after_results_were_seen_leave_the_first_ones_p_in_the_foot(tmp_path: Path) -> None:
    # The third seed of focal is much worse: without it the difference is another one.
    fake = Fake(seeds=3, quality={"unet+focal": 0.84}, losses=("dice", "focal"), previews=False)
    path = build(tmp_path / "ledger.db", fake)
    with sqlite3.connect(path) as connection:
        connection.execute(
            "update case_scores set value = value * 0.9 where metric = 'dice' and trial_id in "
            "(select id from trials where key = 'final-a01-r0-f0-n002')"
        )
    as_declared = results_of(build(tmp_path / "two.db", dataclasses.replace(fake, seeds=2))).comparisons
    assert results_of(path).first_seeds is None
    with Ledger.open(path) as ledger:
        text = "after test tables were shown once: budget.final_seeds: 2 → 3: more final seeds for each winner"
        ledger.add_notice(ledger.study("fake").id, text)
    found = results_of(path)
    assert found.first_seeds == 2
    (first,), (now,) = found.first_comparisons, found.comparisons
    assert (first.p, first.cell.mean) == (as_declared[0].p, as_declared[0].cell.mean)
    assert first.cell.mean > now.cell.mean + 0.02
    said = document(found)
    assert said.differences is not None
    assert said.differences.notes[-1].startswith(
        "2 final seeds were declared and raised to 3 after test tables had been shown: the p above are exploratory. As "
        f"declared first (Holm): unet+focal +{first.cell.mean:.3f}, p "
    )
    assert "After test results had been seen, the final seeds were raised from 2." in said.methods[-1]


def test_seeds_that_are_still_to_come_do_not_hide_what_the_first_ones_say(tmp_path: Path) -> None:
    fates = {f"final-a0{number}-r0-f0-n002": OWED for number in range(2)}
    path = build(tmp_path / "ledger.db", Fake(losses=("dice", "focal"), fates=fates, previews=False))
    with Ledger.open(path) as ledger:
        text = "after test tables were shown 3 times: arm unet+focal; budget.final_seeds: 2 → 3: more final seeds"
        ledger.add_notice(ledger.study("fake").id, text)
    found = results_of(path)
    assert found.comparisons[0].p is None
    assert found.first_comparisons[0].p is not None


def test_seeds_and_baseline_changed_together_go_back_to_both(tmp_path: Path) -> None:
    path = build(tmp_path / "ledger.db", Fake(baseline="unet+tversky", previews=False))
    with Ledger.open(path) as ledger:
        study = ledger.study("fake").id
        ledger.add_notice(study, "after test tables were shown once: budget.final_seeds: 2 → 3: more final seeds")
        text = 'after test tables were shown 2 times: report.baseline: nothing → "unet+tversky": another baseline'
        ledger.add_notice(study, text)
    found = results_of(path)
    assert (found.first_baseline, found.first_seeds) == ("unet+dice", 2)
    assert [(each.arm, each.cell.units) for each in found.first_comparisons] == [("unet+focal", 2), ("unet+tversky", 2)]
    table = document(found).differences
    assert table is not None
    assert "changed to unet+tversky and 2 final seeds were declared and raised to 3 after test" in table.notes[-1]


def test_a_column_with_cases_of_its_own_shows_how_many(tmp_path: Path) -> None:
    # Dice of found lesions: in half of the cases the arm finds none in some training, in one case in none at all.
    path = build(tmp_path / "ledger.db", Fake(losses=("dice", "focal"), metrics=("dice", "recall"), empty=0.0,
                                              region="lesion", previews=False))  # fmt: skip
    with sqlite3.connect(path) as connection:
        where = "region='lesion' and metric='recall' and case_id in (select id from cases where name {})"
        connection.execute("update case_scores set value=null where " + where.format("='p00_0'"))
        connection.execute(
            "update case_scores set value=null where " + where.format("< 'p04'") + " and trial_id in "
            "(select id from trials where key='final-a01-r0-f0-n002')"
        )
    found = results_of(path)
    cell = arm(found, "unet+focal").cells["lesion", "recall", 1000]
    assert (cell.cases, cell.units, cell.conditional) == (17, 3, True)  # of 18 cases, and no training is dropped
    entry = document(found).regions[0].rows[1].entries[2]
    assert entry.n == 17
    assert entry.below.endswith("; n = 17")
    assert document(found).regions[0].rows[1].entries[1].n is None  # as the row's
    assert any("trainings are averaged by case" in note for note in document(found).regions[0].notes)
