"""The objective: means over regions and cases, and how cases without a region count."""

import numpy as np
import pytest

from trainables.evaluation.objective import Empty, objective
from trainables.metrics import score_case
from trainables.trial import Score


def test_mean_over_cases_of_the_mean_over_regions() -> None:
    scores = [
        Score("a", "organ", "dice", 0.9),
        Score("a", "lesion", "dice", 0.3),
        Score("b", "organ", "dice", 0.8),
        Score("b", "lesion", "dice", None, "clean negative", 1.0),
        Score("b", "organ", "hd95", 5.0),
    ]
    assert objective(scores, metric="dice", regions=("organ", "lesion")) == pytest.approx((0.6 + 0.8) / 2)
    assert objective(scores, metric="dice", regions=("lesion",)) == pytest.approx(0.3)
    assert objective(scores, metric="dice", regions=("other",)) is None


def drawn(case: str, reference: int, prediction: int, metric: str, empty: str) -> tuple[Score, ...]:
    """Scores of a row of ten voxels of which the first few are in the masks."""
    masks = [np.arange(10, dtype=np.uint8)[None] < count for count in (reference, prediction)]
    known, found = (mask.astype(np.uint8) for mask in masks)
    return score_case(case, known, found, regions={"lesion": (1,)}, metrics=(metric,), spacing=(1, 2), empty=empty)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "report", "empty", "expected"),
    [
        # Case a: 2 of 3 voxels found. Case b: lacks the region, 4 voxels found. Case c: lacks it, nothing found.
        ("dice", "missing", "report", 0.8),
        ("dice", "missing", "missing", 0.8),
        ("dice", "missing", "one", (0.8 + 0 + 1) / 3),
        ("dice", "one", "report", (0.8 + 0 + 1) / 3),
        ("dice", "one", "missing", 0.8),
        ("hd95", "missing", "report", 1.8),
        ("hd95", "missing", "one", (1.8 + (1 + 20**2) ** 0.5 + 0) / 3),
        ("volume_error", "missing", "one", (1 * 2 / 1000 + 4 * 2 / 1000 + 0) / 3),
    ],
)
def test_cases_without_the_region(metric: str, report: str, empty: Empty, expected: float) -> None:
    scores = [
        *drawn("a", 3, 2, metric, report),
        *drawn("b", 0, 4, metric, report),
        *drawn("c", 0, 0, metric, report),
    ]
    assert objective(scores, metric=metric, regions=("lesion",), empty=empty) == pytest.approx(expected)
