"""Shares of a GPU: how many trials of a network fit on one, by what a probe measured."""

import math

from study.machines.admission import UNIT
from trainables.training.device import BESIDE
from trainables.training.footprint import Footprint

MARGIN = 1.2
"""Of the measured memory: other configurations, losses and cases may take more than those of the probe."""
MOST = 8
"""Trials on one GPU at most: they take turns, and a GPU that eight keep busy gains nothing by a ninth."""


def fitting(footprint: Footprint, cases: int = 0, most: int = MOST) -> int:
    """How many trials fit on one GPU; 0 where not even one does.

    Alone on it a trial needs no margin: what it lacks nobody else has.

    Args:
        footprint: What the network takes, measured on such a GPU.
        cases: Bytes of all training cases, which a trial keeps on the GPU where they take at most
            `data.residence.DEVICE_SHARE` of its share.
        most: No more than that, >= 1, whatever memory says.
    """
    from trainables.data.patches.residence import DEVICE_SHARE

    for count in range(min(most, MOST), 1, -1):
        share = footprint.total_bytes / count - BESIDE
        held = cases if cases <= DEVICE_SHARE * footprint.total_bytes / count else 0
        if footprint.peak_bytes * MARGIN + held <= share:
            return count
    return 1 if footprint.peak_bytes + BESIDE <= footprint.total_bytes else 0


def share_of(count: int) -> float:
    """The share of a GPU of which so many fit on one, as Ray counts it: rounded down, 0.3333 of three."""
    return 1.0 if count == 1 else math.floor(UNIT / count) / UNIT
