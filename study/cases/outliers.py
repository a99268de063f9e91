"""Outliers: cases that differ strongly from the rest in voxel size, shape or intensity, or have a label of their own.

Far is a robust z above 3.5 (Iglewicz and Hoaglin 1993): the distance from the median over the median absolute deviation
(MAD), times 0.6745; if more than half of the cases are equal, so that the MAD is 0, over 1.2533 times the mean
absolute deviation. Sizes and contrasts are compared by their logarithm: twice as large is as far as half as large.
"""

import dataclasses
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean, median

from trainables.data.inspecting.inspect import CaseFacts

FAR = 3.5
FEWEST = 5
"""Minimum number of cases for outliers."""
NEAR = 0.05
"""Values within 5 % of the median are never outliers, since voxel sizes may be rounded."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outlier:
    """A case that differs from the rest in one quantity.

    Attributes:
        case: The case's name.
        what: The quantity: `spacing z`, `shape x`, `middle of channel 0`, `contrast of channel 0`, `label NAME`.
        value: Its value.
        usual: The median; None for a label.
        z: Robust z; None for a label.
    """

    case: str
    what: str
    value: float
    usual: float | None = None
    z: float | None = None


def outliers(facts: Sequence[CaseFacts]) -> tuple[Outlier, ...]:
    """Return all outliers, ordered by quantity, then by case; none among fewer than five cases."""
    if len(facts) < FEWEST:
        return ()
    found = [*_lone_labels(facts)]
    for what, values, scale, least in _quantities(facts):
        found += far(what, values, scale, least)
    return tuple(found)


def robust_z(values: Sequence[float]) -> list[float]:
    """Return each value's distance from the median, in standard deviations of a normal sample; 0 if all are equal."""
    middle = median(values)
    apart = [value - middle for value in values]
    deviation = median(map(abs, apart)) / 0.6745 or 1.2533 * fmean(map(abs, apart))
    return [each / deviation if deviation else 0.0 for each in apart]


def far(what: str, values: Mapping[str, float], scale: Callable[[float], float], least: float) -> Iterator[Outlier]:
    """Return the cases whose value is an outlier.

    Args:
        what: The quantity.
        values: Case → value.
        scale: Transformation of the values before they are compared.
        least: Distance from the median, after `scale`, up to which a value is never an outlier.
    """
    if len(values) < FEWEST:
        return
    scaled = [scale(value) for value in values.values()]
    middle = median(scaled)
    usual = median(values.values())
    for (case, value), position, z in zip(values.items(), scaled, robust_z(scaled), strict=True):
        if abs(z) > FAR and abs(position - middle) > least:
            yield Outlier(case=case, what=what, value=value, usual=usual, z=round(z, 1))


def _quantities(
    facts: Sequence[CaseFacts],
) -> Iterator[tuple[str, Mapping[str, float], Callable[[float], float], float]]:
    """Yield (quantity, case → value, scale, distance that is never an outlier)."""
    dim = Counter(len(fact.shape) for fact in facts).most_common(1)[0][0]
    alike = [fact for fact in facts if len(fact.shape) == dim]
    for axis, name in enumerate("zyx"[3 - dim :]):
        known = {fact.name: fact.spacing[axis] for fact in alike if fact.spacing is not None}
        yield f"spacing {name}", known, math.log, math.log(1 + NEAR)
    for axis, name in enumerate("zyx"[3 - dim :]):
        yield f"shape {name}", {fact.name: fact.shape[axis] for fact in alike}, math.log, math.log(1 + NEAR)
    for channel in range(min(len(fact.quantiles) for fact in facts)):
        ends = {fact.name: fact.quantiles[channel] for fact in facts}
        wide = {case: high - low for case, (low, _, high) in ends.items() if high > low}
        typical = median(wide.values()) if wide else 0.0
        yield f"middle of channel {channel}", {case: each[1] for case, each in ends.items()}, float, NEAR * typical
        yield f"contrast of channel {channel}", wide, math.log, math.log(1 + NEAR)


def _lone_labels(facts: Sequence[CaseFacts]) -> Iterator[Outlier]:
    for label in facts[0].voxels:
        having = [fact for fact in facts if fact.voxels[label]]
        if len(having) == 1:
            yield Outlier(case=having[0].name, what=f"label {label}", value=having[0].voxels[label])
