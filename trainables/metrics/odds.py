"""Log-odds of a region over a whole image, gathered plane by plane: a histogram, and those of the predicted voxels.

The predicted mask is the one that overlaps and distances are computed from; log-odds only rank it (FROC, precision).
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trainables.metrics.histogram import Histogram, LogOdds, log_odds


@dataclasses.dataclass(frozen=True, eq=False)
class Odds:
    """A region's log-odds as rankings and lesion records need them.

    Attributes:
        histogram: Histogram of all scored voxels.
        found: The predicted mask on the original grid.
        values: Those of the voxels of `found`, in the order of `reference[found]`.
    """

    histogram: Histogram
    found: NDArray[np.bool_]
    values: LogOdds


def gather(
    planes: Iterable[NDArray[np.float32]],
    reference: NDArray[np.uint8],
    prediction: NDArray[np.uint8],
    regions: Mapping[str, Sequence[int]],
    *,
    box: tuple[slice, ...] | None = None,
    excluded: NDArray[np.bool_] | None = None,
) -> dict[str, Odds]:
    """Gather the log-odds of every region.

    Args:
        planes: Class probabilities on the original grid inside `box`, one plane `(C, y, x)` after another along z; one
            plane in all of a 2D image.
        reference: Class indices `(z, y, x)` or `(y, x)`.
        prediction: Predicted class indices, of the same shape; background outside of the box and where nothing is
            scored. With three classes or more a voxel of a region may have log-odds below 0.
        regions: Region → class indices whose union it is.
        box: The part of the image that planes cover; None: all.
        excluded: Voxels that are not scored; None where all are.

    Returns:
        Region → log-odds.
    """
    whole = reference if reference.ndim == 3 else reference[None]
    scored = np.ones(whole.shape, np.bool_) if excluded is None else ~excluded.reshape(whole.shape)
    part = (slice(None),) * 3 if box is None else box if reference.ndim == 3 else (slice(None), *box)
    labels, predicted, counted = whole[part], prediction.reshape(whole.shape)[part], scored[part]
    tables = {region: _table(classes) for region, classes in regions.items()}
    histograms = {region: Histogram.empty() for region in regions}
    found = {region: np.zeros(whole.shape, np.bool_) for region in regions}
    values: dict[str, list[LogOdds]] = {region: [] for region in regions}
    for index, plane in enumerate(planes):
        here = counted[index]
        for region, classes in regions.items():
            odds = log_odds(plane, classes)
            histograms[region].add(odds[here], tables[region][labels[index][here]])
            inside = tables[region][predicted[index]] & here
            found[region][part][index] = inside
            values[region].append(odds[inside])
    covered = np.bincount(labels[counted], minlength=256)
    beyond = np.bincount(whole[scored], minlength=256) - covered
    for region, table in tables.items():
        histograms[region].add_never_found(int(beyond[table].sum()), int(beyond[~table].sum()))
    return {
        region: Odds(
            histograms[region],
            found[region].reshape(reference.shape),
            np.concatenate(values[region]) if values[region] else np.zeros(0, np.float16),
        )
        for region in regions
    }


def _table(classes: Sequence[int]) -> NDArray[np.bool_]:
    """Return, by class index, whether it belongs to the region."""
    table = np.zeros(256, np.bool_)
    table[list(classes)] = True
    return table
