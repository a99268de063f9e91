"""Augmentation: what a patch might as well have looked like.

| name | probability | what |
| --- | --- | --- |
| mirror | 0.5 for each axis | the axis reversed |
| rotate | 0.15 | about each axis by U(-15°, 15°); in 2D in the plane |
| scale | 0.15 | coordinates times, half the time U(0.85, 1), else U(1, 1.25), the same along all axes |
| elastic | 0.15 | smooth displacement, standard deviation U(0, 2.5) of the finest voxels, correlated over about 10 |
| brightness | 0.15 | times U(0.5, 2) |
| contrast | 0.15 | around the mean, half the time times U(0.3, 1), else U(1, 3), cut at the old extremes |
| gamma | 0.15 | on values scaled to [0, 1], half the time U(0.7, 1), else U(1, 1.5); mean and deviation restored |
| noise | 0.15 | Gaussian, standard deviation U(0, 0.05) |

Probabilities and ranges are those of the kits19 paper's pipeline (MIScnn with batchgenerators), but for the elastic
displacement, stated there as a filter's gain (alpha up to 900, sigma 9 to 13), which is this displacement in 3D and six
times as much in 2D. Intensities are normalised ones. Geometry comes first, as one map; intensities follow in the order
in which they are named. Every draw is a function of (seed, iteration, slot); leaving one name out changes no other's.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables import streams
from trainables.data import deform
from trainables.data.intensity import INTENSITIES

PROBABILITY = 0.15
DRAWS = {
    "mirror": 3,
    "rotate": 4,
    "scale": 3,
    "elastic": 2,
    "brightness": 2,
    "contrast": 3,
    "gamma": 3,
    "noise": 2,
}
"""Augmentation → uniform numbers that are drawn for it, used or not."""
AUGMENTATIONS = tuple(DRAWS)
MOVING = {"rotate", "scale", "elastic"}
MARGIN = 0.25
"""Share of the patch that is taken more on each side, so that turned patches show tissue in their corners."""


class Augmenter:
    """Applies augmentations to batches of `PatchSampler(…, margin=augmenter.margin)`."""

    def __init__(
        self,
        names: Sequence[str],
        seed: int,
        patch_size: Sequence[int],
        spacing: Sequence[float] | None = None,
    ) -> None:
        """Nothing is drawn here.

        Args:
            names: Among `AUGMENTATIONS`; none leaves patches as they are.
            seed: The trial's seed.
            patch_size: Voxels of the patches that come out; `margin` says how much more go in.
            spacing: Voxel sides in mm along the same axes (`Dataset.spacing`); None takes them as equal.

        Raises:
            ValueError: A name is unknown.
        """
        unknown = [name for name in names if name not in DRAWS]
        if unknown:
            raise ValueError(f"unknown augmentation {unknown[0]!r}; known are {', '.join(AUGMENTATIONS)}")
        self.names = tuple(names)
        self.seed = seed
        self.patch_size = tuple(patch_size)
        self.spacing = tuple(spacing) if spacing is not None else (1.0,) * len(self.patch_size)

    @property
    def margin(self) -> tuple[int, ...]:
        """Voxels that a patch needs more on each side."""
        if not MOVING & set(self.names):
            return (0,) * len(self.patch_size)
        free = deform.free_axes(self.spacing)
        return tuple(math.ceil(MARGIN * size) if ok else 0 for size, ok in zip(self.patch_size, free, strict=True))

    def apply(self, images: Tensor, labels: Tensor, iteration: int) -> tuple[Tensor, Tensor]:
        """One batch, on whatever device it is.

        Args:
            images: `(N, C, *size)` float32, where `size` is the patch's with its margins.
            labels: `(N, *size)` integer, or `(N, M, *size)`: M maps that move together, such as classes and lesions.
            iteration: Training iteration, which decides the draws.

        Returns:
            Images `(N, C, *patch_size)` and labels `(N, *patch_size)` or `(N, M, *patch_size)`: new tensors.
        """
        drawn = [self._draw(iteration, slot) for slot in range(len(images))]
        images, labels = self._move(images, labels, drawn, iteration)
        for name in self.names:
            if name in INTENSITIES:
                images = self._recolour(name, images, drawn, iteration)
        return images, labels

    def _draw(self, iteration: int, slot: int) -> dict[str, Any]:
        """The slot's parameters; a name that is left out, or did not happen, is missing."""
        chance = streams.stream(self.seed, "augment", iteration, slot).random(sum(DRAWS.values()))
        drawn: dict[str, Any] = {}
        for name, own in zip(DRAWS, np.split(chance, np.cumsum(list(DRAWS.values()))[:-1]), strict=True):
            if name not in self.names:
                continue
            if name == "mirror":
                drawn[name] = own[: len(self.patch_size)] < 0.5
            elif own[0] < PROBABILITY:
                drawn[name] = _STRENGTHS[name](own[1:])
        return drawn

    def _move(
        self, images: Tensor, labels: Tensor, drawn: list[dict[str, Any]], iteration: int
    ) -> tuple[Tensor, Tensor]:
        """Geometry. Patches that are only mirrored are cut out and flipped, which is exact and fast."""
        seen = images.new_empty((*images.shape[:2], *self.patch_size))
        dim = len(self.patch_size)
        classes = labels.new_empty((*labels.shape[:-dim], *self.patch_size))
        moved = [slot for slot, one in enumerate(drawn) if MOVING & one.keys()]
        middle = tuple(
            slice((have - want) // 2, (have - want) // 2 + want)
            for have, want in zip(labels.shape[-dim:], self.patch_size, strict=True)
        )
        for slot in set(range(len(images))) - set(moved):
            axes = [axis for axis, flip in enumerate(drawn[slot].get("mirror", ())) if flip]
            seen[slot] = images[slot][(slice(None), *middle)].flip([axis + 1 for axis in axes])
            classes[slot] = labels[slot][(slice(None),) * (labels.ndim - dim - 1) + middle].flip(
                [axis - dim for axis in axes]
            )
        if moved:
            maps = torch.from_numpy(np.stack([self._map(drawn[slot]) for slot in moved])).to(images.device)
            fields = self._fields([drawn[slot] for slot in moved], moved, iteration, images.device)
            seen[moved], classes[moved] = deform.sample(images[moved], labels[moved], maps, fields, self.patch_size)
        return seen, classes

    def _map(self, one: dict[str, Any]) -> np.ndarray:
        dim = len(self.patch_size)
        angles = one.get("rotate", np.zeros(3))[: 1 if dim == 2 else 3]
        return deform.matrix(angles, one.get("scale", 1.0), one.get("mirror", (False,) * dim), self.spacing)

    def _fields(
        self, drawn: list[dict[str, Any]], slots: list[int], iteration: int, device: torch.device
    ) -> Tensor | None:
        if not any("elastic" in one for one in drawn):
            return None
        dim = len(self.patch_size)
        control = np.zeros((len(drawn), dim, *deform.knots(self.patch_size, self.spacing)), np.float32)
        for row, (one, slot) in enumerate(zip(drawn, slots, strict=True)):
            if "elastic" in one:
                noise = streams.stream(self.seed, "augment/elastic", iteration, slot)
                control[row] = one["elastic"] * noise.standard_normal(control.shape[1:], np.float32)
        return deform.displacement(torch.from_numpy(control).to(device), self.patch_size, self.spacing)

    def _recolour(self, name: str, images: Tensor, drawn: list[dict[str, Any]], iteration: int) -> Tensor:
        slots = [slot for slot, one in enumerate(drawn) if name in one]
        if not slots:
            return images
        if name == "noise":
            added = [
                drawn[slot][name]
                * streams.stream(self.seed, "augment/noise", iteration, slot).standard_normal(
                    tuple(images.shape[1:]), np.float32
                )
                for slot in slots
            ]
            strength = torch.from_numpy(np.stack(added)).to(images)
        else:
            values = [drawn[slot][name] for slot in slots]
            strength = images.new_tensor(values).view(-1, *(1,) * (images.ndim - 1))
        images[slots] = INTENSITIES[name](images[slots], strength)
        return images


def _either(own: np.ndarray, low: float, high: float) -> float:
    """Half the time U(low, 1), else U(1, high): as likely to weaken as to strengthen, whatever the ranges."""
    return float(low + own[1] * (1 - low) if own[0] < 0.5 else 1 + own[1] * (high - 1))


_STRENGTHS: dict[str, Callable[[np.ndarray], Any]] = {
    "rotate": lambda own: np.deg2rad(15) * (2 * own - 1),
    "scale": lambda own: _either(own, 0.85, 1.25),
    "elastic": lambda own: np.float32(2.5 * own[0]),
    "brightness": lambda own: float(0.5 + 1.5 * own[0]),
    "contrast": lambda own: _either(own, 0.3, 3.0),
    "gamma": lambda own: _either(own, 0.7, 1.5),
    "noise": lambda own: np.float32(0.05 * own[0]),
}
"""Augmentation → its strength from uniform numbers."""
