"""The objective: one number per mark, the mean of its cases' scores."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from trainables.trial import Score


def objective(scores: Iterable[Score], *, metric: str, regions: Sequence[str]) -> float | None:
    """Mean over cases of the mean over regions.

    Args:
        scores: Of one mark, any metrics and regions.
        metric: Which metric counts.
        regions: Which regions count.

    Returns:
        None where no value is there. A missing value (`Score.value` is None) is left out of its case's mean, a case
        without any of its values out of the mean over cases. Misses and divergence are no missing values: METHOD.md §4
        gives them a number, and the scores carry it.
    """
    by_case: dict[str, list[float]] = defaultdict(list)
    for score in scores:
        if score.metric == metric and score.region in regions and score.value is not None:
            by_case[score.case].append(score.value)
    means = [sum(values) / len(values) for _, values in sorted(by_case.items())]
    return sum(means) / len(means) if means else None
