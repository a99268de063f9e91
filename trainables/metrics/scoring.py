"""Scores of one case: every region and metric that was asked for, on the original grid."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trainables.metrics.empty import Empty, Value, by_rule, note_of
from trainables.metrics.geometry import Geometry
from trainables.metrics.registry import Metric, metric_named
from trainables.trial import Score


def score_case(
    case: str,
    reference: NDArray[np.uint8],
    prediction: NDArray[np.uint8],
    *,
    regions: Mapping[str, Sequence[int]],
    metrics: Sequence[str],
    spacing: Sequence[float] | None,
    empty: Empty = "missing",
) -> tuple[Score, ...]:
    """Scores a predicted label map.

    Args:
        case: The case's name.
        reference: Class indices on the original grid.
        prediction: Class indices, likewise.
        regions: Region → class indices whose union it is.
        metrics: Names that `metric_named` knows.
        spacing: Voxel size in mm along each axis of the arrays; None where it is unknown.
        empty: What cases without a region count.

    Returns:
        Region by region, metric by metric, in the orders given. Every value is finite or, by `empty.RULES`, missing.
    """
    scores: list[Score] = []
    for region, classes in regions.items():
        geometry = Geometry.of(inside(reference, classes), inside(prediction, classes), spacing=spacing)
        note = note_of(geometry)
        scores += [Score(case, region, name, _value(metric_named(name), geometry, empty), note) for name in metrics]
    return tuple(scores)


def _value(metric: Metric, geometry: Geometry, empty: Empty) -> float | None:
    value = by_rule(geometry, metric.kind, empty)
    return metric.compute(geometry) if value is Value.COMPUTED else value


def inside(labels: NDArray[np.uint8], classes: Sequence[int]) -> NDArray[np.bool_]:
    """Where a label map holds one of the classes."""
    table = np.zeros(256, dtype=np.bool_)
    table[list(classes)] = True
    return table[labels]
