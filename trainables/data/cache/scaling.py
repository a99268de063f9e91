"""Scaling for `zscore_training`: intensities are scaled by the training cases' foreground when they are read.

Every fold has training cases of its own, and their statistics belong to the trial: so one prepared dataset, the same
whatever the split, serves all folds, and no validation or test case decides how an image looks.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from trainables.data.cases.options import PreprocessOptions
from trainables.errors import InputError

Scale = tuple[float | None, float | None, float, float]
"""Lowest and highest value kept (None: all), then what is subtracted, then what it is divided by."""
Scales = tuple[Scale | None, ...]
"""One for each channel; None leaves it as it is. None at all: ()."""


class WithForeground(Protocol):
    """A prepared case."""

    @property
    def foreground_intensities(self) -> np.ndarray:
        """float32 `(channel, n)`."""


def training_scales(cases: Sequence[WithForeground], options: PreprocessOptions) -> Scales:
    """Return the scale of each channel for `zscore_training`: mean and deviation of the training cases' foreground.

    Each case gives at most 10,000 voxels on the training grid, so that large ones do not decide. With
    `options.percentiles`, values are cut at these of the same voxels; the mean and the deviation are of uncut ones.

    Args:
        cases: The training cases.
        options: How they were prepared.

    Returns:
        One for each channel, None where it has another normalisation; () where all have.

    Raises:
        InputError: No training case has foreground.

    Source: Isensee et al. 2021, https://doi.org/10.1038/s41592-020-01008-z, the scheme for CT.
    """
    if not options.scaled_by_training:
        return ()
    values = np.concatenate([case.foreground_intensities for case in cases], axis=1).astype(np.float64)
    if not values.shape[1]:
        raise InputError(
            "`preprocess.normalize: zscore_training` measures the training cases' foreground, and none has any. "
            "Check `dataset.labels`, or take zscore."
        )
    scales: list[Scale | None] = []
    for channel, voxels in enumerate(values):
        if options.normalization(channel) != "zscore_training":
            scales.append(None)
            continue
        mean, deviation = float(voxels.mean()), float(voxels.std())
        low, high = (None, None) if options.percentiles is None else np.percentile(voxels, options.percentiles).tolist()
        scales.append((low, high, mean, deviation if deviation > 1e-7 * abs(mean) else 1.0))
    return tuple(scales)


def scaled(values: np.ndarray, scale: Scale | None) -> np.ndarray:
    """Scale the intensities of one channel: float32, any shape, a new array."""
    result = np.array(values, np.float32)
    if scale is None:
        return result
    low, high, mean, deviation = scale
    if low is not None and high is not None:
        np.clip(result, np.float32(low), np.float32(high), out=result)
    np.subtract(result, np.float32(mean), out=result)
    np.multiply(result, np.float32(1 / deviation), out=result)
    return result


def scaled_padding(values: Sequence[float | None], scales: Scales) -> tuple[float, ...]:
    """Return for each channel the scaled intensity that stands for nothing beyond the edges; None is 0.

    Args:
        values: As prepared.
        scales: What is done to the channels; () for nothing.
    """
    return tuple(
        0.0 if value is None else float(scaled(np.array(value), scale))
        for value, scale in zip(values, scales or (None,) * len(values), strict=True)
    )


class Scaled:
    """A stored image `(channel, *spatial)` that is scaled where it is read; nothing else of it is held in memory."""

    def __init__(self, stored: np.ndarray, scales: Scales) -> None:
        if len(scales) != len(stored):
            raise ValueError(f"{len(scales)} scales for {len(stored)} channels")
        self._stored, self._scales = stored, scales

    @property
    def shape(self) -> tuple[int, ...]:
        """`(channel, *spatial)`."""
        return self._stored.shape

    def __len__(self) -> int:
        return len(self._stored)

    def __getitem__(self, index: Any) -> np.ndarray:
        """As an array's; the first part of the index, for the channels, is a number or a slice."""
        channels = index[0] if isinstance(index, tuple) else index
        part = self._stored[index]
        if isinstance(channels, slice):
            return np.stack([scaled(values, scale) for values, scale in zip(part, self._scales[channels], strict=True)])
        return scaled(part, self._scales[channels])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)
