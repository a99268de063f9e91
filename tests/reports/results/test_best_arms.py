"""Arms printed in bold and marked as close to the best: by means over the same cases, and by intervals."""

from pathlib import Path

import pytest

from reports.document import document
from reports.results.best_arms import best_means
from reports.results.estimates import Cell
from reports.statistics.intervals_and_tests import Estimate
from tests.reports.ledgers import DIVERGED, Fake
from tests.reports.results.test_results import column, made


def test_marks_go_by_the_interval_to_the_best_and_never_beside_a_difference(tmp_path: Path) -> None:
    quality = {"unet+dice": 0.85, "unet+focal": 0.9, "unet+tversky": 0.896, "unet+cross_entropy": 0.9}
    losses = ("dice", "focal", "tversky", "cross_entropy")
    fates = {"final-a03-r0-f0-n000": DIVERGED}
    fake = Fake(losses=losses, quality=quality, equivalence=0.03, seed_spread=0.001, empty=0.0, region="organ",
                fates=fates, previews=False)  # fmt: skip
    found = made(tmp_path, fake)
    assert found.to_best is not None
    assert found.best[found.objective] == {"unet+focal"}
    assert found.to_best.close == {"unet+tversky"}
    assert found.to_best.level == pytest.approx(1 - 0.05 / 3)
    assert found.to_best.differences["unet+dice"].high < 0  # type: ignore[operator]
    marked = {row.entries[0].text for row in document(found).regions[0].rows if row.entries[1].like_best}
    assert marked == {"unet+tversky"}
    table = next(table for table in document(found).tables if table.key == "to-best")
    assert column(table, "within 0.03") == {"unet+dice": "–", "unet+tversky": "≈", "unet+cross_entropy": "–"}


def test_means_over_different_cases_are_not_ranked() -> None:
    def cell(mean: float, support: set[int]) -> Cell:
        estimate = Estimate(mean, None, None, None, None, 3, 1, "cases")
        return Cell(estimate, cases=len(support), support=frozenset(support))

    here, there = ("lesion", "lesion_dice", 100), ("organ", "dice", 100)
    arms = {
        "a": {here: cell(0.9, {0, 1}), there: cell(0.8, {0, 1, 2})},
        "b": {here: cell(0.5, {0, 1, 2}), there: cell(0.7, {0, 1, 2})},
        "c": {here: cell(0.4, {2}), there: cell(0.99, {2})},
    }
    best, reasons = best_means(arms, frozenset("ab"))
    assert best == {there: {"a"}}
    assert reasons == {here: "arms have values in different cases (2 to 3 cases)"}
