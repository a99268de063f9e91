"""Patches: boxes of training cases, chosen by a sampling.

Every draw is a function of (seed, iteration, slot), so two losses with one seed see the same patches, and a resumed
training goes on as if it had never stopped, with no state to save.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from trainables.data.cache import CachedCase, Dataset
from trainables.data.sampling import SAMPLINGS, Among
from trainables.errors import InputError


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a patch is taken.

    Attributes:
        case: The case's name.
        start: First voxel along each axis of the case's training grid, also along z where patches are slices of it;
            negative where the patch begins before the edge.
        centred: Whether it was centred on a voxel of its sampling's choice.
    """

    case: str
    start: tuple[int, ...]
    centred: bool


class PatchSampler:
    """Draws batches of patches.

    A box that would reach over an edge is moved inside. A case smaller than the patch is put in its middle, with the
    case's padding value and background around it. Patches of two sides are axial slices where a case is a volume.
    """

    def __init__(
        self,
        dataset: Dataset,
        cases: Sequence[str],
        patch_size: Sequence[int],
        foreground: float,
        seed: int,
        margin: Sequence[int] | None = None,
        context: int = 0,
        *,
        sampling: str = "foreground",
        overlap: Sequence[int] | None = None,
        batch_size: int = 1,
    ) -> None:
        """Nothing is read until the first batch.

        Args:
            dataset: Where the cases are.
            cases: Names of those to draw from.
            patch_size: Voxels of a patch.
            foreground: Share of patches that are centred on foreground, or on a lesion, in `[0, 1]`.
            seed: The trial's seed.
            margin: Voxels that every patch has more on each side, for the augmentation to turn into
                (`Augmenter.margin`); they may lie beyond the volume's edge. It does not change what is drawn.
            context: For slices of volumes: neighbouring slices on each side that come as channels (`slices.slices_of`).
            sampling: Key of `sampling.SAMPLINGS`.
            overlap: Voxels by which the windows of a grid overlap; None: not at all.
            batch_size: Slots of an iteration, for a grid.

        Raises:
            ValueError: No cases, sizes that do not fit the dataset, or no such sampling.
            InputError: Neighbouring slices are asked for, and a case is flat; or there is no lesion to go by.
        """
        if not cases:
            raise ValueError("no training cases")
        if len(patch_size) != dataset.dim or min(patch_size) < 1:
            raise ValueError(f"patch_size must be {dataset.dim} positive numbers, not {tuple(patch_size)}")
        if not 0 <= foreground <= 1:
            raise ValueError(f"foreground must lie in [0, 1], not {foreground}")
        if context and (flat := [name for name in cases if dataset.cases[name].label.ndim == 2]):
            raise InputError(f"patch.context: case {flat[0]} is flat and has no neighbouring slices. Leave it out.")
        self.dataset = dataset
        self.context = context
        self.cases = tuple(cases)
        self.patch_size = tuple(patch_size)
        if sampling not in SAMPLINGS:
            raise ValueError(f"sampling must be one of {', '.join(SAMPLINGS)}, not {sampling!r}")
        shared = tuple(overlap) if overlap is not None else (0,) * len(self.patch_size)
        among = Among(dataset, self.cases, self.patch_size, shared, foreground, batch_size, seed)
        self._sampling = SAMPLINGS[sampling](among)
        self.margin = tuple(margin) if margin is not None else (0,) * len(self.patch_size)

    def place(self, iteration: int, slot: int) -> Place:
        """Where the patch of one slot lies, margin not counted."""
        choice = self._sampling.choose(iteration, slot)
        case = self.dataset.cases[choice.case]
        start = []
        patch = self._within(case, self.patch_size, 1)
        for axis, (size, length) in enumerate(zip(patch, case.label.shape, strict=True)):
            room = length - size
            if room <= 0:
                start.append(-(-room // 2))
            elif choice.centre is None:
                start.append(int(choice.where[axis] * (room + 1)))
            else:
                start.append(min(max(choice.centre[axis] - size // 2, 0), room))
        return Place(choice.case, tuple(start), choice.centre is not None)

    def batch(self, iteration: int, batch_size: int) -> tuple[Tensor, Tensor]:
        """The patches of one iteration.

        Args:
            iteration: From 0.
            batch_size: Number of slots; slot `i` is the same in a smaller or larger batch.

        Returns:
            Images float32 `(batch_size, channels, *size)` and labels int64 `(batch_size, *size)`, where `size` is the
            patch's with its margins; with context, of each channel its slices in turn.
        """
        size = tuple(patch + 2 * extra for patch, extra in zip(self.patch_size, self.margin, strict=True))
        images = np.empty((batch_size, self.dataset.channels * (2 * self.context + 1), *size), np.float32)
        labels = np.zeros((batch_size, *size), np.int64)
        for slot in range(batch_size):
            place = self.place(iteration, slot)
            self._copy(place, images[slot], labels[slot])
        return torch.from_numpy(images), torch.from_numpy(labels)

    def components(self, iteration: int, batch_size: int) -> Tensor:
        """Lesion numbers of the same patches as `batch`: int64 `(batch_size, *size)`, 0 is background."""
        size = tuple(patch + 2 * extra for patch, extra in zip(self.patch_size, self.margin, strict=True))
        numbers = np.zeros((batch_size, *size), np.int64)
        for slot in range(batch_size):
            place = self.place(iteration, slot)
            case = self.dataset.cases[place.case]
            own = self._within(case, size, 1)
            first = [s - extra for s, extra in zip(place.start, self._within(case, self.margin, 0), strict=True)]
            source, inside = _overlap(first, own, case.label.shape)
            numbers[slot].reshape(own)[inside] = case.components[source]
        return torch.from_numpy(numbers)

    def _copy(self, place: Place, image: np.ndarray, label: np.ndarray) -> None:
        """Fills one slot; what lies beyond the edges is padding and background."""
        case = self.dataset.cases[place.case]
        size = self._within(case, label.shape, 1)
        first = [start - extra for start, extra in zip(place.start, self._within(case, self.margin, 0), strict=True)]
        source, inside = _overlap(first, size, case.label.shape)
        label.reshape(size)[inside] = case.label[source]
        if len(size) > label.ndim:  # neighbouring slices are channels
            first[0], size = first[0] - self.context, (2 * self.context + 1, *size[1:])
            source, inside = _overlap(first, size, case.label.shape)
        image = image.reshape(-1, *size)
        if any(part.stop - part.start < side for part, side in zip(inside, size, strict=True)):
            image[:] = np.reshape(case.padding, (-1, *(1,) * len(size)))
        image[(slice(None), *inside)] = case.image[(slice(None), *source)]

    @staticmethod
    def _within(case: CachedCase, sides: Sequence[int], z: int) -> tuple[int, ...]:
        """Sides along the case's own axes: those of a slice with `z` before them where the case is a volume."""
        return (z,) * (case.label.ndim - len(sides)) + tuple(sides)


def _overlap(
    first: Sequence[int], size: Sequence[int], shape: Sequence[int]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where a box and a volume meet: in the volume, and in the box.

    Args:
        first: First voxel of the box along each axis of the volume.
        size: Voxels of the box.
        shape: Voxels of the volume.
    """
    ends = [(max(low, 0), min(low + side, length)) for low, side, length in zip(first, size, shape, strict=True)]
    inside = (slice(low - start, high - start) for (low, high), start in zip(ends, first, strict=True))
    return tuple(slice(low, high) for low, high in ends), tuple(inside)
