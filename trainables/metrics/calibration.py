"""Calibration of a region's probabilities over the voxels of a case: Brier score and expected calibration error.

Both are computed from the histogram of log-odds, whose bins are so narrow (float16) that a probability is off by less
than 0.0002. They cover all scored voxels of the image, so an easy background makes both small: compare arms, not data.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from trainables.metrics.geometry import Geometry
from trainables.metrics.histogram import BINS, Histogram

GROUPS = 15
"""Groups of equal width in probability, as Guo et al. have them."""


def brier(geometry: Geometry) -> float | None:
    """Mean over voxels of `(p - g)^2`, in `[0, 1]`: p the region's probability, g whether the voxel belongs to it.

    Source: Brier 1950, https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """
    histogram = _of(geometry)
    p, count = _probabilities(), histogram.positives.sum() + histogram.negatives.sum()
    if not count:
        return None
    return float((histogram.positives @ (1 - p) ** 2 + histogram.negatives @ p**2) / count)


def ece(geometry: Geometry) -> float | None:
    """Mean over voxels of a group's `|mean p - share of the region|`, 15 groups of equal width in p, in `[0, 1]`.

    Source: Guo et al. 2017, https://arxiv.org/abs/1706.04599, for each region against the rest.
    """
    histogram = _of(geometry)
    voxels = histogram.positives + histogram.negatives
    if not voxels.sum():
        return None
    p = _probabilities()
    groups = np.minimum((p * GROUPS).astype(int), GROUPS - 1)
    expected = np.bincount(groups, voxels * p, GROUPS)
    found = np.bincount(groups, histogram.positives, GROUPS)
    return float(np.abs(expected - found).sum() / voxels.sum())


@functools.cache
def _probabilities() -> NDArray[np.float64]:
    """The probability of each bin of `Histogram`, by rising log-odds; bins of NaN hold nothing."""
    ranks = np.arange(BINS, dtype=np.uint16)
    bits = np.where(ranks & 0x8000, ranks & 0x7FFF, ~ranks).astype(np.uint16)  # the inverse of `histogram.rank`
    odds = np.nan_to_num(bits.view(np.float16).astype(np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf)
    with np.errstate(over="ignore"):
        p = 1 / (1 + np.exp(-odds))
    p.setflags(write=False)
    return np.asarray(p)


def _of(geometry: Geometry) -> Histogram:
    assert geometry.histogram is not None, "calibration needs log-odds"
    return geometry.histogram
