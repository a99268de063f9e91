"""Voxel size and patch of a proposed study, by nnU-Net's published heuristics."""

import math
from collections.abc import Sequence

import numpy as np

from study.proposing.facts import Facts

COARSE = 3.0
"""A voxel whose longest side is more than this many times its shortest is anisotropic."""
THIN = 16
"""Volumes with fewer slices than this are learnt slice by slice: a 3D network would pad most of its patch."""
STEP = 16
"""Sides of patches are multiples of this, by which all networks here divide. The nearest is taken: on
cores a patch of 48³ for an image of 36 x 50 x 35 would spend half of the time on padding."""
VOXELS = {("cpu", 2): 2**16, ("cpu", 3): 2**17, ("gpu", 2): 2**18, ("gpu", 3): 2**21}
"""Largest patch, by device and dimensions: two of 128³ take about 10 GB in a U-Net; a core trains 16 times slower."""


def in_slices(facts: Facts) -> bool:
    """Return whether patches are 2D."""
    return facts.flat or facts.shape[0] < THIN


def common_spacing(facts: Facts) -> list[float]:
    """Return the median voxel size; along the coarse axis of anisotropic voxels the 10th percentile."""
    spacing = list(facts.spacing)
    if facts.anisotropy > COARSE:
        axis = spacing.index(max(spacing))
        fine = float(np.percentile([each[axis] for each in facts.spacings], 10))
        spacing[axis] = max(fine, max(side for other, side in enumerate(spacing) if other != axis))
    return [float(f"{side:.3g}") for side in spacing]


def patch(facts: Facts, spacing: Sequence[float] | None) -> list[int]:
    """Return the patch: the median image, shortened along its longest side in mm until memory holds it.

    Args:
        facts: The data set.
        spacing: The voxel size that cases are resampled to; None: their own.
    """
    shape, sides = list(facts.shape), list(facts.spacing or (1.0,) * len(facts.shape))
    if spacing is not None:
        shape = [max(1, round(n * own / new)) for n, own, new in zip(shape, sides, spacing, strict=True)]
        sides = list(spacing)
    if in_slices(facts):
        shape, sides = shape[-2:], sides[-2:]
    size = [max(STEP, int(side / STEP + 0.5) * STEP) for side in shape]
    size[-1] = max(2 * STEP, size[-1])  # one side at least is longer than what networks divide by
    most = VOXELS["gpu" if facts.gpus else "cpu", len(size)]
    while math.prod(size) > most:
        longest = max(
            (axis for axis in range(len(size)) if size[axis] > STEP), key=lambda axis: size[axis] * sides[axis]
        )
        size[longest] -= STEP
    return size
