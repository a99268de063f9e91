"""Scores of one case: class probabilities of the training grid are resampled to the original grid and scored there."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, Self

import numpy as np
from torch import Tensor

from trainables.data.cases.area import slices
from trainables.data.preparing.resample import restored_planes
from trainables.metrics import Measured, Odds, gather, measure_case
from trainables.metrics.scoring import needs_odds


class Judged(Protocol):
    """The attributes of a prepared case that scoring reads (`trainables.data.cache.cache.CachedCase`)."""

    @property
    def reference(self) -> np.ndarray:
        """Class indices on the original grid."""

    @property
    def reference_spacing(self) -> tuple[float, ...] | None:
        """Voxel sides of the original grid in mm."""

    @property
    def box(self) -> tuple[tuple[int, int], ...] | None:
        """Box of the original grid that was kept; None: all."""

    @property
    def excluded(self) -> np.ndarray | None:
        """Voxels of the original grid that are not scored; None where all are."""


def judge(
    name: str,
    case: Judged,
    probabilities: Tensor,
    prediction: np.ndarray | Tensor,
    *,
    regions: Mapping[str, Sequence[int]],
    metrics: Sequence[str],
    empty: Literal["missing", "one"],
    lesions: bool,
) -> Measured:
    """Scores, counts and lesion records of one case.

    Args:
        name: The case's name.
        case: The case.
        probabilities: `(C, *spatial)` on the training grid, sums to 1 over C.
        prediction: Class indices on the original grid, uint8 (`CachedCase.restore`), compared on its own device.
        regions: Region → class indices whose union it is.
        metrics: Names of metrics.
        empty: Value of a case without a region.
        lesions: Whether the lesion records themselves are wanted.
    """
    odds: Mapping[str, Odds] = {}
    if needs_odds(metrics, lesions=lesions):
        odds = _odds(case, probabilities, prediction, regions)
    return measure_case(
        name,
        np.asarray(case.reference),
        prediction,
        regions=regions,
        metrics=metrics,
        spacing=case.reference_spacing,
        empty=empty,
        unscored=0 if case.excluded is None else int(np.count_nonzero(case.excluded)),
        odds=odds,
        lesions=lesions,
    )


@dataclasses.dataclass(frozen=True, eq=False)
class RegionOf:
    """A case with one region instead of its classes: 1 inside, 0 elsewhere. Has what `judge` reads of a case."""

    reference: np.ndarray
    reference_spacing: tuple[float, ...] | None
    box: tuple[tuple[int, int], ...] | None
    excluded: np.ndarray | None

    @classmethod
    def of(cls, case: Judged, classes: Sequence[int]) -> Self:
        """The case, seen as the union of some classes."""
        inside = np.isin(np.asarray(case.reference), list(classes)).astype(np.uint8)
        return cls(inside, case.reference_spacing, case.box, case.excluded)


def _odds(
    case: Judged, probabilities: Tensor, prediction: np.ndarray | Tensor, regions: Mapping[str, Sequence[int]]
) -> Mapping[str, Odds]:
    """Log-odds of the regions, plane by plane: the probabilities are never whole on the original grid."""
    predicted = prediction.cpu().numpy() if isinstance(prediction, Tensor) else prediction
    reference = np.asarray(case.reference)
    box = None if case.box is None else slices(case.box)
    shape = reference.shape if box is None else reference[box].shape
    planes = (plane.cpu().numpy() for plane in restored_planes(probabilities, shape))
    excluded = None if case.excluded is None else np.asarray(case.excluded)
    return gather(planes, reference, predicted, regions, box=box, excluded=excluded)
