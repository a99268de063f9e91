"""Augmentation: random changes of geometry and intensity of training patches.

| name | probability | what |
| --- | --- | --- |
| mirror | 0.5 for each of its axes | the axis reversed |
| rotate | 0.15 | about each axis by U(-15°, 15°); in 2D in the plane |
| scale | 0.15 | coordinates times, half the time U(0.85, 1), else U(1, 1.25), the same along all axes |
| elastic | 0.15 | smooth displacement, standard deviation U(0, 2.5) of the finest voxels, correlated over about 10 |
| brightness | 0.15 | times U(0.5, 2) |
| contrast | 0.15 | around the mean, half the time times U(0.3, 1), else U(1, 3), cut at the old extremes |
| gamma | 0.15 | on values scaled to [0, 1], half the time U(0.7, 1), else U(1, 1.5); mean and deviation restored |
| noise | 0.15 | Gaussian, standard deviation U(0, 0.05) |
| elastic_filter | 0.15 | U(-1, 1) in each voxel under a Gaussian filter of U(9, 13) voxels, times U(0, 900) voxels |
| uniform_noise | 0.15 | U(-a, a) in each voxel with a from U(0, 0.1) |
| salt_pepper | 0.15 | a share of U(0, 0.02) of the voxels set to the channel's least or greatest value |
| perlin | 0.15 | a smooth pattern (`perlin.py`) times U(0.02, 0.2), cells of U(8, 64) voxels, 1 to 6 octaves |

Probabilities and ranges, defaults that a study file can change (`recipes.py`), are those of the kits19 paper's
pipeline (MIScnn with batchgenerators), whose elastic displacement is `elastic_filter`; `elastic` is as strong in 3D,
where the filter's gives six times as much in 2D. Perlin's are proposals for the liver study, which names none.
Intensities are normalised ones. All follow in the order in which they are named, but for geometry, which is one map and
stands where the first of rotate, scale, elastic and elastic_filter does (mirror alone: first). Every draw is a function
of (seed, iteration, slot) (`draws.py`); leaving one name out changes no other's.
"""

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from trainables.data.augmentation import deform
from trainables.data.augmentation.deform import sent
from trainables.data.augmentation.draws import DRAWS, Drawn, draw
from trainables.data.augmentation.intensity import INTENSITIES
from trainables.data.augmentation.motion import MOVING, Space
from trainables.data.augmentation.patterns import PATTERNS, pattern
from trainables.data.augmentation.recipes import Given, parse
from trainables.data.augmentation.warp import warp

AUGMENTATIONS = tuple(DRAWS)


class Cut(Protocol):
    """Copies a patch with `extra` voxels more on each side into an image `(C, *size)` and maps `(*size)`."""

    def __call__(self, extra: Sequence[int], image: np.ndarray, maps: Sequence[np.ndarray]) -> None:
        """Arrays may be views in any direction."""


class Augmenter:
    """Applies augmentations, to whole batches or to a patch while it is read."""

    def __init__(
        self,
        recipes: Sequence[Given],
        seed: int,
        patch_size: Sequence[int],
        spacing: Sequence[float] | None = None,
    ) -> None:
        """Nothing is drawn here.

        Args:
            recipes: Names among `AUGMENTATIONS`, some with options (`recipes.parse`); none leaves patches as they are.
            seed: The trial's seed.
            patch_size: Voxels of the patches that come out; `margin` says how much more go in.
            spacing: Voxel sides in mm along the same axes (`Dataset.spacing`); None takes them as equal.

        Raises:
            ValueError: A name or an option does not exist, or a value cannot be.
        """
        self.options = dict(parse(recipes))
        self.names = tuple(self.options)
        self.seed = seed
        self.patch_size = tuple(patch_size)
        sides = tuple(spacing) if spacing is not None else (1.0,) * len(self.patch_size)
        self._space = Space(self.patch_size, sides)
        place = next((index for index, name in enumerate(self.names) if name in MOVING), 0)
        colours = [[name for name in part if name in INTENSITIES] for part in (self.names[:place], self.names[place:])]
        self._before, self._after = colours
        self._rooms: dict[tuple[int, torch.dtype], Tensor] = {}

    @property
    def margin(self) -> tuple[int, ...]:
        """Voxels that a patch needs more on each side."""
        return self._space.margin(self.names)

    def draw(self, iteration: int, count: int) -> list[Drawn]:
        """Draw the changes of the patches of slots 0 to `count - 1`; to be stored, or given to `replay`."""
        return [draw(self.options, self.seed, len(self.patch_size), iteration, slot) for slot in range(count)]

    def apply(self, images: Tensor, labels: Tensor, iteration: int) -> tuple[Tensor, Tensor]:
        """One batch, on whatever device it is: `replay` of what `draw` gives for the iteration."""
        return self.replay(images, labels, self.draw(iteration, len(images)))

    def replay(self, images: Tensor, labels: Tensor, drawn: Sequence[Drawn]) -> tuple[Tensor, Tensor]:
        """One batch, all that moves in one resampling; the same draws give the same bits.

        Args:
            images: `(N, C, *size)` float32, where `size` is the patch's with its margins.
            labels: `(N, *size)` integer, or `(N, M, *size)`: M maps that move together, such as classes and lesions.
            drawn: For each patch its draw.

        Returns:
            Images `(N, C, *patch_size)` and labels `(N, *patch_size)` or `(N, M, *patch_size)`: new tensors.
        """
        images = images.clone() if self._before else images
        self._recolour(self._before, images, drawn)
        images, labels = self._move(images, labels, drawn)
        self._recolour(self._after, images, drawn)
        return images, labels

    def read(
        self, drawn: Drawn, cut: Cut, seen: Tensor, classes: Sequence[Tensor], kept: Sequence[torch.dtype]
    ) -> None:
        """One patch on the CPU, of which no more is read than will be seen: `replay` with the same draw.

        Args:
            drawn: The patch's draw.
            cut: Reads it.
            seen: `(C, *patch_size)` float32, to be filled.
            classes: Maps `(*patch_size)` that move together, to be filled.
            kept: For each map the type that it is read and moved in.
        """
        motion = self._space.motion(drawn, seen.device)
        early = [name for name in self._before if name in drawn.values]
        if motion is None and not early:
            back = tuple(slice(None, None, -1 if flip else 1) for flip in self._space.flips(drawn))
            cut((0,) * len(back), seen.numpy()[(slice(None), *back)], [one.numpy()[back] for one in classes])
        else:
            extra = self.margin if motion is None or early else motion.reach
            size = tuple(side + 2 * more for side, more in zip(self.patch_size, extra, strict=True))
            image, *maps = self._room(size, (len(seen), torch.float32), *((1, kind) for kind in kept))
            maps = [one[0] for one in maps]
            cut(extra, image.numpy(), [one.numpy() for one in maps])
            self._recolour(early, image[None], [drawn])
            if motion is None:
                self._flip(image, seen, drawn)
                for given, found in zip(maps, classes, strict=True):
                    self._flip(given, found, drawn)
            else:
                warp(image, maps, motion.matrix, motion.field, seen, classes)
        self._recolour(self._after, seen[None], [drawn])

    def _room(self, size: Sequence[int], *wanted: tuple[int, torch.dtype]) -> list[Tensor]:
        """Return buffers `(count, *size)` of each type; they are reused, since new pages cost more than copying."""
        voxels, found = math.prod(size), []
        for number, (count, kind) in enumerate(wanted):
            room = self._rooms.get((number, kind))
            if room is None or room.numel() < count * voxels:
                room = self._rooms[number, kind] = torch.empty(count * voxels, dtype=kind)
            found.append(room[: count * voxels].view(count, *size))
        return found

    def _move(self, images: Tensor, labels: Tensor, drawn: Sequence[Drawn]) -> tuple[Tensor, Tensor]:
        """Geometry. Patches that are only mirrored are cut out and flipped, which is exact and fast."""
        seen = images.new_empty((*images.shape[:2], *self.patch_size))
        dim = len(self.patch_size)
        classes = labels.new_empty((*labels.shape[:-dim], *self.patch_size))
        moved = [slot for slot, one in enumerate(drawn) if not MOVING.isdisjoint(one.values)]
        for slot in set(range(len(images))) - set(moved):
            self._flip(images[slot], seen[slot], drawn[slot])
            self._flip(labels[slot], classes[slot], drawn[slot])
        if moved:
            maps = torch.from_numpy(np.stack([self._space.matrix(drawn[slot]) for slot in moved]))
            fields = self._space.fields([drawn[slot] for slot in moved], images.device)
            still, marked = (torch.stack([whole[slot] for slot in moved]) for whole in (images, labels))
            found = deform.sample(still, marked, maps, fields, self.patch_size)
            for slot, one, its_classes in zip(moved, *found, strict=True):
                seen[slot], classes[slot] = one, its_classes
        return seen, classes

    def _flip(self, given: Tensor, found: Tensor, drawn: Drawn) -> None:
        """The middle of one patch, mirrored; leading axes are kept."""
        dim = len(self.patch_size)
        starts = [(have - want) // 2 for have, want in zip(given.shape[-dim:], self.patch_size, strict=True)]
        middle = tuple(slice(start, start + want) for start, want in zip(starts, self.patch_size, strict=True))
        beside = (slice(None),) * (given.ndim - dim)
        mirrored = [axis - dim for axis, flip in enumerate(self._space.flips(drawn)) if flip]
        found.copy_(given[(*beside, *middle)].flip(mirrored))

    def _recolour(self, names: Sequence[str], images: Tensor, drawn: Sequence[Drawn]) -> None:
        """Change the intensities of the patches that a change was drawn for, in place."""
        for name in names:
            for slot, one in enumerate(drawn):
                if name not in one.values:
                    continue
                patch = images[slot : slot + 1]
                strength = one.values[name]
                if name in PATTERNS:
                    strength = sent(torch.from_numpy(pattern(name, one, tuple(images.shape[1:]))), images.device)
                patch.copy_(INTENSITIES[name](patch, strength))
