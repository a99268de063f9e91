"""Connected components of a label map on the full volume, and the voxels of each that patches are centred on."""

import dataclasses

import numpy as np

COMPONENT_CAP = 10_000
"""Voxels kept of each component as centres of patches."""


@dataclasses.dataclass(frozen=True, eq=False)
class Components:
    """The connected components of each foreground class by itself, numbered 1, 2, … across the classes.

    Numbers follow the classes, then the components' first voxels in the array's order.

    Attributes:
        numbers: int32 `(*spatial)`; 0 is background.
        voxels: int32 flat indices into `numbers`: of each component in turn at most 10,000, spread evenly.
        counts: How many of them belong to each component; `counts[i]` is that of number `i + 1`.
    """

    numbers: np.ndarray
    voxels: np.ndarray
    counts: tuple[int, ...]


def components_of(label: np.ndarray, classes: int) -> Components:
    """Find components with 26 neighbours in 3D, 8 in 2D: voxels that share a corner are connected.

    Args:
        label: Class indices `(*spatial)`, 2D or 3D.
        classes: Number of classes, background included.
    """
    import cc3d

    numbers = np.zeros(label.shape, np.int32)
    found = 0
    for index in range(1, classes):
        inside = label == index
        if not inside.any():
            continue
        whole = inside.view(np.uint8)  # of flat bool arrays of odd width cc3d 4.1 numbers background too
        raw = cc3d.connected_components(whole, connectivity=26 if label.ndim == 3 else 8)
        _, first, own = np.unique(raw[inside], return_index=True, return_inverse=True)
        rank = np.empty(len(first), np.int32)
        rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)  # whatever order cc3d numbers in
        numbers[inside] = rank[own] + (found + 1)
        found += len(first)
    flat = numbers.reshape(-1)
    places = np.flatnonzero(flat)
    places = places[np.argsort(flat[places], kind="stable")]
    sizes = np.bincount(flat[places], minlength=found + 1)[1:]
    ends = np.cumsum(sizes)
    kept = [
        thinned(places[end - size : end], COMPONENT_CAP, number)
        for number, (size, end) in enumerate(zip(sizes, ends, strict=True), start=1)
    ]
    return Components(
        numbers=numbers,
        voxels=np.concatenate([*kept, np.empty(0, np.int64)]).astype(np.int32),
        counts=tuple(len(voxels) for voxels in kept),
    )


def thinned(entries: np.ndarray, most: int, key: int) -> np.ndarray:
    """Return all entries, or `most` of them: one at a pseudo-random place in each of `most` equal intervals.

    Args:
        entries: `(n,)`, in an order that neighbours share.
        most: How many are kept at most, >= 1.
        key: Seed of the places, >= 0.
    """
    if len(entries) <= most:
        return entries
    places = np.random.Generator(np.random.Philox(key=key)).random(most)
    return entries[((np.arange(most) + places) * (len(entries) / most)).astype(np.int64)]
