"""Thinning: at most so many of a list's entries, spread evenly over it, the same ones every time."""

import numpy as np


def thinned(entries: np.ndarray, most: int, key: int) -> np.ndarray:
    """All entries, or `most` of them: one at a pseudo-random place of each of `most` equal stretches.

    Args:
        entries: `(n,)`, in an order that neighbours share.
        most: How many are kept at most, >= 1.
        key: Where the pseudo-random places begin, >= 0; equal keys, equal places.
    """
    if len(entries) <= most:
        return entries
    places = np.random.Generator(np.random.Philox(key=key)).random(most)
    return entries[((np.arange(most) + places) * (len(entries) / most)).astype(np.int64)]
