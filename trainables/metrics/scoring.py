"""Scores of one case: every region and metric that was asked for, on the original grid."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from trainables.lesion_records import Lesions
from trainables.metrics.compared import Compared, inside
from trainables.metrics.components import lesion_records
from trainables.metrics.empty import Empty, Value, by_rule, note_of
from trainables.metrics.geometry import Geometry
from trainables.metrics.histogram import Histogram
from trainables.metrics.odds import Odds
from trainables.metrics.registry import Metric, metric_named
from trainables.trial import Counts, LesionScores, PooledScore, Score

if TYPE_CHECKING:
    from torch import Tensor


@dataclasses.dataclass(frozen=True)
class Measured:
    """Measurements of one case, or of several.

    Attributes:
        scores: For each case, region and metric.
        counts: For each case and region.
        lesions: Likewise, where they are asked for.
        histograms: Region → log-odds of all voxels of all cases, where they are asked for.
    """

    scores: tuple[Score, ...] = ()
    counts: tuple[Counts, ...] = ()
    lesions: tuple[Lesions, ...] = ()
    histograms: Mapping[str, Histogram] = dataclasses.field(default_factory=dict)

    def pooled(self) -> tuple[PooledScore, ...]:
        """Return average precision over the voxels of all cases, by region; metrics of `counts` are not included."""
        return tuple(
            PooledScore(region, "average_precision", histogram.average_precision)
            for region, histogram in self.histograms.items()
        )

    def __add__(self, other: Self) -> Self:
        known, new = dict(self.histograms), other.histograms
        return type(self)(
            self.scores + other.scores,
            self.counts + other.counts,
            self.lesions + other.lesions,
            known | {region: known[region] + new[region] if region in known else new[region] for region in new},
        )


def measure_case(
    case: str,
    reference: NDArray[np.uint8],
    prediction: "NDArray[np.uint8] | Tensor",
    *,
    regions: Mapping[str, Sequence[int]],
    metrics: Sequence[str],
    spacing: Sequence[float] | None,
    empty: Empty = "missing",
    unscored: int = 0,
    odds: Mapping[str, Odds] | None = None,
    lesions: bool = False,
) -> Measured:
    """Score a predicted label map.

    Args:
        case: The case's name.
        reference: Class indices on the original grid.
        prediction: Class indices, likewise, uint8, on any device.
        regions: Region → class indices whose union it is.
        metrics: Names that `metric_named` knows.
        spacing: Voxel size in mm along each axis of the arrays; None where it is unknown.
        empty: Value of cases without a region.
        unscored: Number of voxels that are not scored; neither array holds a class there.
        odds: Region → log-odds on the original grid, where a metric or `lesions` needs them.
        lesions: Whether to return the lesion records themselves too.

    Returns:
        Scores region by region, metric by metric, in the orders given. Every value is finite or, by `empty.RULES` or
        the metric itself, missing.

    Raises:
        ValueError: The shapes disagree with each other or with the spacing.
    """
    compared = Compared.of(reference, prediction)
    found, chosen = Measured(), [metric_named(name) for name in metrics]
    with_lesions = lesions or any(metric.reads == "lesions" for metric in chosen)
    with_histograms = any(metric.reads == "histogram" for metric in chosen)
    for region, classes in regions.items():
        records, known = None, (odds or {}).get(region)
        if with_lesions:
            assert known is not None, "lesions need log-odds"
            records = lesion_records(case, region, inside(reference, classes), known.found, known.values)
        histogram = known.histogram if known is not None and with_histograms else None
        geometry = Geometry.of_region(
            compared, classes, spacing=spacing, unscored=unscored, histogram=histogram, lesions=records
        )
        note = note_of(geometry)
        values = [_values(metric, geometry, empty) for metric in chosen]
        found += Measured(
            tuple(
                Score(case, region, name, value, note, counted)
                for name, (value, counted) in zip(metrics, values, strict=True)
            ),
            (Counts(case, region, geometry.tp, geometry.fp, geometry.fn, geometry.tn),),
            (records,) if records is not None and lesions else (),
            {} if histogram is None else {region: histogram},
        )
    return found


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
    """Return only the scores, for metrics that read nothing but the two masks; arguments as of `measure_case`."""
    return measure_case(
        case, reference, prediction, regions=regions, metrics=metrics, spacing=spacing, empty=empty
    ).scores


def needs_odds(metrics: Sequence[str], *, lesions: bool) -> bool:
    """Tell whether `measure_case` needs log-odds."""
    return lesions or any(metric_named(name).reads != "masks" for name in metrics)


def scores_of(lesions: Lesions) -> LesionScores:
    """Convert lesion records to the form that the ledger stores."""
    return LesionScores(
        lesions.case,
        lesions.region,
        len(lesions.voxels),
        int(lesions.found.sum()),
        lesions.false_positives,
        lesions.pack(),
    )


def _values(metric: Metric, geometry: Geometry, empty: Empty) -> tuple[float | None, float | None]:
    """The value by the report's policy, and where that is missing the value of the policy `one`."""
    value = _value(metric, geometry, empty)
    return value, _value(metric, geometry, "one") if value is None else None


def _value(metric: Metric, geometry: Geometry, empty: Empty) -> float | None:
    value = by_rule(geometry, metric.kind, empty)
    return metric.compute(geometry) if value is Value.COMPUTED else value
