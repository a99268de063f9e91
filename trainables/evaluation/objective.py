"""The objective: one number per mark, the mean of its cases' scores."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

from trainables.trial import Score

Empty = Literal["report", "missing", "one"]
"""How an objective counts a case that lacks a region. `report`: as the report does. `missing`: not at all, so false
positives there never count. `one`: 1 where the prediction lacks it too and 0 where not (KiTS19, Metrics Reloaded);
distances 0 and the image's diagonal, volume errors what was falsely found. Shares of lesions have no value there."""

ABSENT = ("clean negative", "false positive")
"""Notes of scores whose case lacks the region."""


def objective(scores: Iterable[Score], *, metric: str, regions: Sequence[str], empty: Empty = "report") -> float | None:
    """Mean over cases of the mean over regions.

    Args:
        scores: Scores at one mark, of any metrics and regions.
        metric: Which metric counts.
        regions: Which regions count.
        empty: How a case without a region counts.

    Returns:
        None where no value is there. A missing value is left out of its case's mean, and a case without any value out
        of the mean over cases. Misses are not missing: METHOD.md §4 gives them a number.
    """
    by_case: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        if score.metric == metric and score.region in regions and (value := _counted(score, empty)) is not None:
            by_case[score.case].append(value)
    means = [sum(values) / len(values) for _, values in sorted(by_case.items())]
    return sum(means) / len(means) if means else None


def _counted(score: Score, empty: Empty) -> float | None:
    if empty == "missing" and score.note in ABSENT:
        return None
    return score.counted if empty == "one" and score.value is None else score.value
