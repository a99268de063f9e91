"""The sentences: what the numbers of groups, seeds and searches allow."""

import dataclasses
from pathlib import Path

import pytest

from reports.document import document
from reports.prose.claims import claims
from reports.prose.remarks import remarks
from reports.results.records import read
from reports.results.results import Results, results
from study.ledger import Ledger
from tests.reports.ledgers import Fake, build


def made(tmp_path: Path, fake: Fake) -> Results:
    return results(read(build(tmp_path / "ledger.db", fake), fake.name, pictures=False)[0])


BETTER = {"unet+focal": 0.9}


def said(tmp_path: Path, fake: Fake) -> str:
    return " ".join(claims(made(tmp_path, fake)))


def test_a_difference_is_claimed_with_its_size_interval_and_p(tmp_path: Path) -> None:
    first, *rest = claims(made(tmp_path, Fake(quality=BETTER, losses=("dice", "focal", "tversky"))))
    assert first.startswith("On 18 test cases of 12 patients, unet+focal has a better Dice (mean over 2 regions) than")
    assert "baseline unet+dice: by +0." in first
    assert "Holm over 2 comparisons" in first
    assert rest[0].startswith("unet+focal: Neither arm alone missed a patient")
    assert (
        "On 18 test cases of 12 patients, no difference from the baseline unet+dice was shown for unet+tversky."
        in rest[1]
    )


def test_a_smaller_distance_is_better(tmp_path: Path) -> None:
    text = said(tmp_path, Fake(quality=BETTER, metrics=("hd95", "dice"), region="organ"))
    assert "unet+focal has a better HD95 (organ) than the baseline unet+dice: by −" in text


def test_nothing_shown_is_no_evidence_of_equality(tmp_path: Path) -> None:
    text = said(tmp_path, Fake(losses=("dice", "focal"), seed_spread=0.0, empty=0.0))
    assert "no arm's Dice (mean over 2 regions) was shown to differ" in text
    assert "no evidence that they are equal" in text


@pytest.mark.parametrize(
    ("patients", "sentence"),
    [
        ((4,), "All test cases are of one group"),
        ((1,) * 5, "5 patients are too few for a test (at least 6)"),
        ((2,) * 6, "Exploratory, with fewer than 10 groups: on 12 test cases of 6 patients"),
        ((1,) * 10, "On 10 test cases of 10 patients"),
    ],
)
def test_groups_decide_what_may_be_said(tmp_path: Path, patients: tuple[int, ...], sentence: str) -> None:
    found = made(tmp_path, Fake(quality=BETTER, patients=patients))
    assert claims(found)[0].startswith(sentence)
    assert (found.comparisons[0].p is None) == (len(patients) < 6)
    assert (len(claims(found)) == 1) == (len(patients) < 6)
    if len(patients) == 1:
        assert all(
            cell.estimate is None or cell.estimate.low is None for arm in found.arms for cell in arm.cells.values()
        )


@pytest.mark.parametrize(
    ("seeds", "searches", "sentence", "absent"),
    [
        (2, 1, "these trained networks, not of these losses", "at the configurations found"),
        (3, 1, "It holds at the configurations found by 1 search an arm", "these trained networks"),
        (3, 2, "It holds at the configurations found by 2 searches an arm", "these trained networks"),
        (2, 3, "", "at the configurations found"),
    ],
)
def test_seeds_and_searches_decide_how_far_it_reaches(
    tmp_path: Path, seeds: int, searches: int, sentence: str, absent: str
) -> None:
    text = said(tmp_path, Fake(quality=BETTER, seeds=seeds, searches=searches))
    assert sentence in text
    assert absent not in text


def test_a_sentence_goes_by_the_cases_that_entered_its_test(tmp_path: Path) -> None:
    # About half of the patients have a lesion; the objective is its Dice.
    found = made(tmp_path, Fake(patients=(1,) * 24, empty=0.5, region="lesion", previews=False))
    cell = found.comparisons[0].cell
    assert cell.estimate is not None
    assert 10 <= cell.cases == cell.estimate.groups < 24 == found.scores.patients
    assert claims(found)[0].startswith(f"On {cell.cases} test cases of {cell.cases} patients, no arm's Dice (lesion)")
    few = made(tmp_path / "few", Fake(patients=(1,) * 14, empty=0.5, region="lesion", previews=False))
    cell = few.comparisons[0].cell
    assert 6 <= cell.cases < 10 < few.scores.patients
    assert claims(few)[0].startswith(f"Exploratory, with fewer than 10 groups: on {cell.cases} test cases of")
    row = next(row for row in document(few).regions[0].rows if row.entries[0].text == "unet+focal")
    assert row.entries[-1].detail == "exploratory"


def test_unequal_failures_are_not_said_to_cost_an_error_rate(tmp_path: Path) -> None:
    found = made(tmp_path, Fake(quality=BETTER, previews=False))
    assert len({arm.detection["lesion"].missed for arm in found.arms}) > 1
    assert "0.075" not in " ".join(claims(found))


def test_changes_after_results_were_seen_stand_in_the_claims(tmp_path: Path) -> None:
    path = build(tmp_path / "ledger.db", Fake(quality=BETTER, previews=False))
    with Ledger.open(path) as ledger:
        ledger.add_notice(ledger.study("fake").id, "after test tables were shown 3 times: arm unet+focal")
    found = results(read(path, "fake", pictures=False)[0])
    first, *_, last = claims(found)
    assert first.startswith(
        "Exploratory, added after test tables had been shown: on 18 test cases of 12 patients, unet+focal"
    )
    assert last == "The study was changed after test tables were shown 3 times: arm unet+focal."


def test_nothing_tuned_needs_no_repeated_search(tmp_path: Path) -> None:
    assert "configurations found" not in said(tmp_path, Fake(quality=BETTER, trials=0))


def test_one_arm_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    assert claims(made(tmp_path, Fake(losses=("dice",))))[0] == "There is nothing to compare the arm with."


def test_cases_without_patients_are_said_to_be_taken_so(tmp_path: Path) -> None:
    assert any("another patient" in line for line in remarks(made(tmp_path, Fake(grouped=False))))
    assert not any("another patient" in line for line in remarks(made(tmp_path / "b", Fake(grouped=True))))


def test_other_winners_by_other_metrics_are_said(tmp_path: Path) -> None:
    found = made(tmp_path, Fake(quality=BETTER))
    assert not any(line.startswith("By HD95") for line in remarks(found))
    column = ("mean", "hd95", 1000)
    turned = dataclasses.replace(found, best={**found.best, column: frozenset({"unet+dice"})})
    assert "By HD95 another arm is best than by Dice: unet+dice." in remarks(turned)


def test_notices_of_the_ledger_are_passed_on(tmp_path: Path) -> None:
    build(tmp_path / "ledger.db", Fake())
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        ledger.add_notice(ledger.study("fake").id, "after test tables were shown 3 times: arm unet+new")
    found = results(read(tmp_path / "ledger.db", "fake", pictures=False)[0])
    assert remarks(found)[-1] == "after test tables were shown 3 times: arm unet+new"


def test_nothing_is_tested_where_nobody_knows_the_patients(tmp_path: Path) -> None:
    tested = made(tmp_path, Fake(grouped=False))
    untested = made(tmp_path / "b", Fake(grouped=False, ungrouped="unknown"))
    assert any(found.p is not None for found in tested.comparisons)
    assert [found.p for found in untested.comparisons] == [None] * len(tested.comparisons)
    assert [found.cell.mean for found in untested.comparisons] == [found.cell.mean for found in tested.comparisons]
    (claim,) = claims(untested)
    assert "no difference may be claimed" in claim
