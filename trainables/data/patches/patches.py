"""Patches: boxes of training cases, chosen by a sampling.

Every draw is a function of (seed, iteration, slot), so two losses with one seed see the same patches, and a resumed
training goes on as if it had never stopped, with no state to save.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from trainables.data.cache.cache import CachedCase, Dataset
from trainables.data.patches.samplings import SAMPLINGS, Among
from trainables.errors import InputError

HOST = torch.device("cpu")


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


class Source(Protocol):
    """A case's voxels: memory-mapped arrays (`CachedCase`), or tensors on a device (`residence.Held`)."""

    @property
    def image(self) -> Any:
        """`(channel, *spatial)`."""

    @property
    def label(self) -> Any:
        """`(*spatial)`."""

    @property
    def components(self) -> Any:
        """`(*spatial)`; asked for only where lesions are weighted."""

    @property
    def padding(self) -> Sequence[float]:
        """For each channel."""


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
            context: For slices of volumes: neighbours on each side that become channels (`windows.with_ends`).
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

    @property
    def channels(self) -> int:
        """Number of channels of a patch, with its context."""
        return self.dataset.channels * (2 * self.context + 1)

    def batch(
        self,
        iteration: int,
        batch_size: int,
        *,
        lesions: bool = False,
        held: Mapping[str, Source] | None = None,
        device: torch.device = HOST,
        pinned: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """The patches of one iteration, with the sampler's margin.

        Args:
            iteration: From 0.
            batch_size: Number of slots; slot `i` is the same in a smaller or larger batch.
            lesions: Whether lesion numbers come beside the labels.
            held: Tensors of the cases (`residence.hold`); None reads them from the memory map.
            device: Where `held` is and the patches shall be.
            pinned: Whether the result lies in memory from which a GPU can copy by itself.

        Returns:
            Images float32 `(batch_size, channels, *size)` and labels uint8 `(batch_size, *size)`, where `size` is the
            patch's with its margins; with context, of each channel its slices in turn. With lesions, labels are int32
            `(batch_size, 2, *size)`: classes, then lesion numbers.
        """
        size = tuple(patch + 2 * extra for patch, extra in zip(self.patch_size, self.margin, strict=True))
        names = ("label", "components") if lesions else ("label",)
        how: dict[str, Any] = {"device": device, "pin_memory": pinned}
        images = torch.empty((batch_size, self.channels, *size), **how)
        kind = torch.int32 if lesions else torch.uint8
        labels = torch.empty((batch_size, len(names), *size), dtype=kind, **how)
        for slot in range(batch_size):
            place = self.place(iteration, slot)
            if held is None:
                found: tuple[Any, Any] = images[slot].numpy(), labels[slot].numpy()
                self.cut(place, self.dataset.cases[place.case], names, self.margin, *found)
            else:
                self.cut(place, held[place.case], names, self.margin, images[slot], labels[slot])
        return images, labels if lesions else labels[:, 0]

    def cut(
        self,
        place: Place,
        source: Source,
        names: Sequence[str],
        extra: Sequence[int],
        image: Any,
        maps: Iterable[Any],
    ) -> None:
        """Copies one patch; what lies beyond the edges is padding and background.

        Args:
            place: Where the patch is.
            source: Its case: arrays or tensors.
            names: Which maps: `label`, `components`.
            extra: Voxels more on each side.
            image: `(channels, *size)` to be filled, of the source's kind and on its device; a view in any direction.
            maps: For each of the names `(*size)` to be filled, likewise.
        """
        beside = len(source.label.shape) - len(extra)
        first = [start - more for start, more in zip(place.start, (0,) * beside + tuple(extra), strict=True)]
        size = (1,) * beside + tuple(image.shape[1:])
        for name, found in zip(names, maps, strict=True):
            _copy(getattr(source, name), first, found.reshape(size), 0)
        if beside:  # neighbouring slices are channels
            first[0], size = first[0] - self.context, (2 * self.context + 1, *size[1:])
        image = image.reshape(-1, *size)
        for channel, padding in enumerate(source.padding):
            _copy(source.image[channel], first, image[channel], padding)

    @staticmethod
    def _within(case: CachedCase, sides: Sequence[int], z: int) -> tuple[int, ...]:
        """Sides along the case's own axes: those of a slice with `z` before them where the case is a volume."""
        return (z,) * (case.label.ndim - len(sides)) + tuple(sides)


def _copy(volume: Any, first: Sequence[int], found: Any, padding: float) -> None:
    """A box of a volume, with padding where it reaches over an edge.

    Args:
        volume: Array or tensor.
        first: First voxel of the box along each axis of the volume.
        found: The box, to be filled.
        padding: Values beyond the edges.
    """
    if isinstance(volume, np.memmap):
        volume = np.asarray(volume)  # the same memory; a slice of a memmap takes five times as long
    ends = [
        (max(low, 0), min(low + side, length))
        for low, side, length in zip(first, found.shape, volume.shape, strict=True)
    ]
    inside = tuple(slice(low - start, high - start) for (low, high), start in zip(ends, first, strict=True))
    if any(high - low < side for (low, high), side in zip(ends, found.shape, strict=True)):
        found[...] = padding
    found[inside] = volume[tuple(slice(low, high) for low, high in ends)]
