"""Normalisation: clips the intensities of one channel and brings them to a common scale."""

import math

import numpy as np

from trainables.data.cases.options import Normalize

CHUNK = 1 << 18
"""Voxels looked at together, so that what is computed of them stays in the processor's cache."""


def normalize(
    volume: np.ndarray, clip: tuple[float, float] | None, how: Normalize, inside: np.ndarray | None = None
) -> None:
    """Clip intensities and bring them to a common scale, in place; a constant volume becomes 0.

    Args:
        volume: float32, any shape; changed.
        clip: Lowest and highest value kept.
        how: `zscore`, `zscore_nonzero`, `minmax` or `none`.
        inside: For `zscore_nonzero`: True where the mean and the deviation are taken; the rest becomes 0.
    """
    if clip is not None:
        np.clip(volume, np.float32(clip[0]), np.float32(clip[1]), out=volume)
    if how == "none":
        return
    if how == "zscore_nonzero":
        assert inside is not None
        values = volume[inside]
        volume[...] = 0
        if values.size:
            normalize(values, None, "zscore")
            volume[inside] = values
        return
    if how == "zscore":
        shift = float(volume.mean(dtype=np.float64))
        scale = _deviation(volume, shift)
    else:
        shift, scale = float(volume.min()), float(volume.max()) - float(volume.min())
    if not scale > 1e-7 * abs(shift):
        volume[...] = 0
        return
    np.subtract(volume, np.float32(shift), out=volume)
    np.multiply(volume, np.float32(1 / scale), out=volume)


def _deviation(volume: np.ndarray, mean: float) -> float:
    """Return the standard deviation in float64, in chunks: NumPy's own makes an array of eight bytes a voxel."""
    flat, total = volume.reshape(-1), 0.0
    for start in range(0, flat.size, CHUNK):
        part = flat[start : start + CHUNK].astype(np.float64)
        part -= mean
        total += float(np.square(part, out=part).sum())
    return math.sqrt(total / flat.size)


def percentiles(values: np.ndarray, shares: tuple[float, float]) -> tuple[float, float] | None:
    """Return two percentiles, interpolated between neighbours; None of no values."""
    if not values.size:
        return None
    low, high = np.percentile(values, shares)
    return float(low), float(high)
