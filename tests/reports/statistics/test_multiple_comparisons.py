"""Holm's adjustment, by hand."""

import pytest

from reports.statistics.multiple_comparisons import holm


def test_holm_by_hand() -> None:
    # Sorted .01 .02 .03: times 3, 2, 1 gives .03 .04 .03, and never below the one before.
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_counts_comparisons_that_are_still_missing() -> None:
    assert holm([0.01], 5) == pytest.approx([0.05])
    assert holm([0.01, 0.04], 3) == pytest.approx([0.03, 0.08])
    with pytest.raises(ValueError, match="at least 2"):
        holm([0.1, 0.2], 1)
