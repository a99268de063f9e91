"""Samplings: named rules by which training patches are chosen.

| name | a slot of an iteration |
| --- | --- |
| foreground | any case; with the share's probability centred on a voxel of one of its classes, else any box |
| uniform | any case, any box inside it |
| grid | the windows of a grid over all cases, in an order that is drawn anew each time all were seen |
| lesion | a case by its number of lesions; with the share's probability centred on one of them, else any box |

Every choice is a function of (seed, iteration, slot). Boxes lie inside the volume where that is large enough.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from trainables import random_streams
from trainables.data.cache.cache import CachedCase, Dataset
from trainables.data.patches.windows import starts
from trainables.errors import InputError


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """The choice of a sampling for one slot.

    Attributes:
        case: The case's name.
        centre: Voxel of the case in the middle of the patch, as near as the edges allow; None: `where` says it.
        where: For each axis of the case, and more, where the patch starts: a share of the room there is, in `[0, 1)`.
    """

    case: str
    centre: tuple[int, ...] | None
    where: tuple[float, ...]


class Sampling(Protocol):
    """Chooses the patch of a slot."""

    def choose(self, iteration: int, slot: int) -> Choice:
        """The choice of one slot, both from 0."""


@dataclasses.dataclass(frozen=True)
class Among:
    """The cases and lists that every sampling chooses from.

    Attributes:
        dataset: Where the cases are.
        cases: Names of those to choose from, one at least.
        patch_size: Voxels of a patch.
        overlap: Voxels by which the windows of a grid overlap.
        share: Share of patches that are centred on something, in `[0, 1]`.
        batch_size: Slots of an iteration; only a grid needs to know.
        seed: The trial's seed.
    """

    dataset: Dataset
    cases: tuple[str, ...]
    patch_size: tuple[int, ...]
    overlap: tuple[int, ...]
    share: float
    batch_size: int
    seed: int

    def chance(self, iteration: int, slot: int) -> np.ndarray:
        """Uniform numbers: which case, whether centred, which of its classes or lesions, which voxel, where else."""
        return random_streams.stream(self.seed, "patches", iteration, slot).random(7)


class Foreground:
    """`foreground`, and `uniform` where the share is 0."""

    def __init__(self, among: Among) -> None:
        self._among = among

    def choose(self, iteration: int, slot: int) -> Choice:
        """Each of the case's classes is as likely as the others, however few voxels it has."""
        among, chance = self._among, self._among.chance(iteration, slot)
        name = among.cases[int(chance[0] * len(among.cases))]
        case = among.dataset.cases[name]
        centred = chance[1] < among.share
        centre = _voxel(case, case.foreground, case.foreground_counts, chance[2], chance[3]) if centred else None
        return Choice(name, centre, tuple(chance[4:]))


def uniform(among: Among) -> Foreground:
    """Any box of any case."""
    return Foreground(dataclasses.replace(among, share=0.0))


class Lesion:
    """`lesion`: patients with many lesions come often, and in them small lesions as often as large ones.

    Source: Shirokikh et al. 2020, https://arxiv.org/abs/2007.10033, and its code.
    """

    def __init__(self, among: Among) -> None:
        """Looks at the number of lesions of every case.

        Raises:
            InputError: There is no lesion in any case.
        """
        self._among = among
        counts = [len(among.dataset.cases[name].component_counts) for name in among.cases]
        if not sum(counts):
            raise InputError(
                f"patch.sampling lesion: no lesion in any of {len(counts)} training cases; use foreground or uniform"
            )
        self._reach = np.cumsum(counts) / sum(counts)

    def choose(self, iteration: int, slot: int) -> Choice:
        """Lesions are the connected components of each class in the full volume."""
        among, chance = self._among, self._among.chance(iteration, slot)
        name = among.cases[int(np.searchsorted(self._reach, chance[0], side="right"))]
        case = among.dataset.cases[name]
        centred = chance[1] < among.share
        centre = _voxel(case, case.component_voxels, case.component_counts, chance[2], chance[3]) if centred else None
        return Choice(name, centre, tuple(chance[4:]))


class Grid:
    """`grid`: every window of every case once, then all of them again in another order."""

    def __init__(self, among: Among) -> None:
        """Lays the windows; the last one along each axis is shifted back to end with the volume."""
        self._among = among
        self._windows = [window for name in among.cases for window in self._of(name)]

    def choose(self, iteration: int, slot: int) -> Choice:
        """The window at the slot's place in the order."""
        turn, place = divmod(iteration * self._among.batch_size + slot, len(self._windows))
        return self._windows[int(_order(self._among.seed, turn, len(self._windows))[place])]

    def _of(self, name: str) -> list[Choice]:
        among = self._among
        shape = among.dataset.cases[name].label.shape
        beside = (1,) * (len(shape) - len(among.patch_size))  # a slice of a volume is one voxel thick
        sizes, overlaps = (*beside, *among.patch_size), (*(0 for _ in beside), *among.overlap)
        corners = itertools.product(
            *(
                starts(length, size, overlap) if length > size else [0]
                for length, size, overlap in zip(shape, sizes, overlaps, strict=True)
            )
        )
        middles = (tuple(start + size // 2 for start, size in zip(corner, sizes, strict=True)) for corner in corners)
        return [Choice(name, middle, (0.0,) * len(shape)) for middle in middles]


@functools.lru_cache(maxsize=4)
def _order(seed: int, turn: int, count: int) -> np.ndarray:
    return random_streams.stream(seed, "patches/grid", turn).permutation(count)


def _voxel(
    case: CachedCase, voxels: np.ndarray, counts: Sequence[int], which: float, which_voxel: float
) -> tuple[int, ...] | None:
    """A voxel of one of the lists that `voxels` is made of, by two numbers in `[0, 1)`; None where all are empty."""
    present = [index for index, count in enumerate(counts) if count]
    if not present:
        return None
    chosen = present[int(which * len(present))]
    flat = voxels[sum(counts[:chosen]) + int(which_voxel * counts[chosen])]
    return tuple(int(index) for index in np.unravel_index(int(flat), case.label.shape))


SAMPLINGS: dict[str, Callable[[Among], Sampling]] = {
    "foreground": Foreground,
    "uniform": uniform,
    "grid": Grid,
    "lesion": Lesion,
}
