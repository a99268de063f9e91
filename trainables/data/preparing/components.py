"""Components: the lesions of a label map, numbered once on the full volume, with voxels to centre patches on."""

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
        sizes: True number of voxels of each.
        classes: Class index of each.
    """

    numbers: np.ndarray
    voxels: np.ndarray
    counts: tuple[int, ...]
    sizes: tuple[int, ...]
    classes: tuple[int, ...]


def components_of(label: np.ndarray, classes: int) -> Components:
    """Components with 26 neighbours in 3D, 8 in 2D: voxels that share a corner belong together.

    Args:
        label: Class indices `(*spatial)`, 2D or 3D.
        classes: Number of classes, background included.
    """
    import cc3d

    numbers = np.zeros(label.shape, np.int32)
    found: list[int] = []
    for index in range(1, classes):
        inside = label == index
        if not inside.any():
            continue
        whole = inside.view(np.uint8)  # of flat bool arrays of odd width cc3d 4.1 numbers background too
        raw = cc3d.connected_components(whole, connectivity=26 if label.ndim == 3 else 8)
        _, first, own = np.unique(raw[inside], return_index=True, return_inverse=True)
        rank = np.empty(len(first), np.int32)
        rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)  # whatever order cc3d numbers in
        numbers[inside] = rank[own] + (len(found) + 1)
        found += [index] * len(first)
    flat = numbers.reshape(-1)
    places = np.flatnonzero(flat)
    places = places[np.argsort(flat[places], kind="stable")]
    sizes = np.bincount(flat[places], minlength=len(found) + 1)[1:]
    ends = np.cumsum(sizes)
    kept = [
        thinned(places[end - size : end], COMPONENT_CAP, number)
        for number, (size, end) in enumerate(zip(sizes, ends, strict=True), start=1)
    ]
    return Components(
        numbers=numbers,
        voxels=np.concatenate([*kept, np.empty(0, np.int64)]).astype(np.int32),
        counts=tuple(len(voxels) for voxels in kept),
        sizes=tuple(int(size) for size in sizes),
        classes=tuple(found),
    )


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
