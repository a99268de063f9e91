"""GPU shares: how many trials of a network fit on one GPU, by measured memory."""

import math

from study.machines.admission import UNIT
from trainables.training.device import BESIDE
from trainables.training.footprint import Footprint

MARGIN = 1.2
"""Factor on the measured memory: other configurations, losses and cases may need more than those of the probe."""
MOST = 8
"""Maximum number of trials on one GPU: they take turns, and a GPU that eight keep busy gains nothing from a ninth."""


def fitting(footprint: Footprint, cases: int = 0, most: int = MOST) -> int:
    """Return how many trials fit on one GPU; 0 if not even one does.

    A trial alone on a GPU needs no margin: no neighbour uses its memory.

    Args:
        footprint: Memory of the network, measured on such a GPU.
        cases: Bytes of all training cases, which a trial keeps on the GPU if they take at most
            `data.residence.DEVICE_SHARE` of its share.
        most: Upper limit, >= 1.
    """
    from trainables.data.patches.residence import DEVICE_SHARE

    for count in range(min(most, MOST), 1, -1):
        share = footprint.total_bytes / count - BESIDE
        held = cases if cases <= DEVICE_SHARE * footprint.total_bytes / count else 0
        if footprint.peak_bytes * MARGIN + held <= share:
            return count
    return 1 if footprint.peak_bytes + BESIDE <= footprint.total_bytes else 0


def share_of(count: int) -> float:
    """Return the share of a GPU for `count` trials, as Ray counts it: rounded down, 0.3333 for three."""
    return 1.0 if count == 1 else math.floor(UNIT / count) / UNIT
