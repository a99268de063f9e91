"""Lesion metrics of a case by hand."""

import numpy as np
import pytest

from tests.trainables.metrics.examples import LESIONS, LOG_ODDS, measured


def test_the_metrics_of_a_case() -> None:
    found = measured(LESIONS != ".", LOG_ODDS)
    assert found["lesion_recall"] == pytest.approx(2 / 3)
    assert found["lesion_false_positives"] == 3
    assert found["lesion_dice"] == pytest.approx(2 / 3)
    assert found["dice"] == pytest.approx(2 * 3 / (7 + 9))
    # By falling log-odds 9, 8 hit; 7, 6, 5, 4 do not; 3 hits; 2, 1 do not; then 31 voxels at 0, 4 of them hits.
    steps = [(1, 1), (2, 2), (3, 7)]
    assert found["average_precision"] == pytest.approx(sum(tp / n for tp, n in steps) / 7 + 4 / 7 * 7 / 40, abs=1e-6)


def test_cases_without_lesions_count_their_false_positives_and_nothing_else() -> None:
    for empty, dice in (("missing", None), ("one", 0.0)):
        found = measured(np.zeros(LOG_ODDS.shape), LOG_ODDS, empty=empty)
        assert found["lesion_false_positives"] == 5
        assert (found["lesion_recall"], found["lesion_dice"]) == (None, None)
        assert (found["average_precision"], found["dice"]) == (dice, dice)
        clean = measured(np.zeros(LOG_ODDS.shape), LOG_ODDS * 0, empty=empty)
        assert clean["lesion_false_positives"] == 0
        assert clean["average_precision"] == (None if empty == "missing" else 1.0)
