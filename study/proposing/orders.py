"""Axes along which labels lie in a fixed order, so that a mirrored image shows labels where they never are."""

import itertools
import statistics
from collections.abc import Mapping, Sequence

AXES = "zyx"
NEARLY_ALL = 0.95
"""Share of the cases with both labels in which the order must be the same."""
APART = 0.05
"""Median distance of two centres, in sides of the image, from which they count as apart."""
FEWEST = 5
"""Cases with both labels from which an order is believed."""


def ordered_axes(cases: Sequence[Mapping[str, tuple[float, ...]]]) -> str:
    """Return the axes along which some pair of labels lies in one order in nearly all cases.

    Args:
        cases: Label → centre along each axis, in [0, 1], for each case; without labels that it lacks.

    Returns:
        Some of the letters of `zyx`, in that order; `yx` at most in 2D.
    """
    labels = sorted({label for case in cases for label in case})
    found: set[str] = set()
    for one, other in itertools.combinations(labels, 2):
        both = [(case[one], case[other]) for case in cases if one in case and other in case]
        if len(both) < FEWEST:
            continue
        letters = AXES[-len(both[0][0]) :]
        for axis, letter in enumerate(letters):
            offsets = [first[axis] - second[axis] for first, second in both]
            same = max(sum(offset > 0 for offset in offsets), sum(offset < 0 for offset in offsets))
            if same >= NEARLY_ALL * len(both) and statistics.median(map(abs, offsets)) >= APART:
                found.add(letter)
    return "".join(letter for letter in AXES if letter in found)
