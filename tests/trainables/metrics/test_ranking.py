"""Average precision of a case."""

import pytest

from tests.trainables.metrics.examples import LESIONS, LOG_ODDS, measured


def test_a_miss_is_ranked_all_the_same() -> None:
    found = measured(LESIONS != ".", LOG_ODDS - 10)
    assert (found["lesion_recall"], found["lesion_dice"], found["dice"]) == (0.0, None, 0.0)
    assert found["average_precision"] == pytest.approx(measured(LESIONS != ".", LOG_ODDS)["average_precision"])
