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
| elastic_filter | 0.15 | U(-1, 1) in each voxel under a Gaussian filter of U(9, 13) voxels, times U(0, 900) voxels |
| uniform_noise | 0.15 | U(-a, a) in each voxel with a from U(0, 0.1) |
| salt_pepper | 0.15 | a share of U(0, 0.02) of the voxels set to the channel's least or greatest value |
| perlin | 0.15 | a smooth pattern (`perlin.py`) times U(0.02, 0.2), cells of U(8, 64) voxels, 1 to 6 octaves |

Probabilities and ranges, defaults that a study file can change (`recipes.py`), are those of the kits19 paper's
pipeline (MIScnn with batchgenerators), whose elastic displacement is `elastic_filter`; `elastic` is as strong in 3D,
where the filter's gives six times as much in 2D. Perlin's are proposals for the liver study, which names none.
Intensities are normalised ones. All follow in the order in which they are named, but for geometry, which is one map and
stands where the first of rotate, scale, elastic and elastic_filter does (mirror alone: first). Every draw is a function
of (seed, iteration, slot); leaving one name out changes no other's.
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
from trainables.data.perlin import perlin
from trainables.data.recipes import Given, parse

DRAWS = {
    "mirror": 3,
    "rotate": 4,
    "scale": 3,
    "elastic": 2,
    "brightness": 2,
    "contrast": 3,
    "gamma": 3,
    "noise": 2,
    "elastic_filter": 3,
    "uniform_noise": 2,
    "salt_pepper": 2,
    "perlin": 4,
}
"""Augmentation → uniform numbers that are drawn for it, used or not."""
AUGMENTATIONS = tuple(DRAWS)
MOVING = {"rotate", "scale", "elastic", "elastic_filter"}
MARGIN = 0.25
"""Share of the patch that is taken more on each side, so that turned patches show tissue in their corners."""


class Augmenter:
    """Applies augmentations to batches of `PatchSampler(…, margin=augmenter.margin)`."""

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
        place = next((index for index, name in enumerate(self.names) if name in MOVING), 0)
        images = images.clone() if place else images
        for name in self.names[:place]:
            images = self._recolour(name, images, drawn, iteration)
        images, labels = self._move(images, labels, drawn, iteration)
        for name in self.names[place:]:
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
                drawn[name] = own[: len(self.patch_size)] < self.options[name]["probability"]
            elif own[0] < self.options[name]["probability"]:
                drawn[name] = _STRENGTHS[name](own[1:], self.options[name])
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
        found = None
        if any("elastic" in one for one in drawn):
            control = np.zeros(
                (len(drawn), len(self.patch_size), *deform.knots(self.patch_size, self.spacing)), np.float32
            )
            for row, (one, slot) in enumerate(zip(drawn, slots, strict=True)):
                if "elastic" in one:
                    noise = streams.stream(self.seed, "augment/elastic", iteration, slot)
                    control[row] = one["elastic"] * noise.standard_normal(control.shape[1:], np.float32)
            found = deform.displacement(torch.from_numpy(control).to(device), self.patch_size, self.spacing)
        if any("elastic_filter" in one for one in drawn):
            filtered = torch.stack(
                [self._filtered(one, slot, iteration, device) for one, slot in zip(drawn, slots, strict=True)]
            )
            found = filtered if found is None else found + filtered
        return found

    def _filtered(self, one: dict[str, Any], slot: int, iteration: int, device: torch.device) -> Tensor:
        shape = (len(self.patch_size), *self.patch_size)
        if "elastic_filter" not in one:
            return torch.zeros(shape, device=device)
        alpha, sigma = one["elastic_filter"]
        noise = streams.stream(self.seed, "augment/elastic_filter", iteration, slot).random(shape, np.float32)
        return deform.smoothed(torch.from_numpy(2 * noise - 1).to(device), sigma, self.spacing) * float(alpha)

    def _recolour(self, name: str, images: Tensor, drawn: list[dict[str, Any]], iteration: int) -> Tensor:
        slots = [slot for slot, one in enumerate(drawn) if name in one and name in INTENSITIES]
        if not slots:
            return images
        if name in _FIELDS:
            fields = [
                _FIELDS[name](
                    streams.stream(self.seed, f"augment/{name}", iteration, slot),
                    tuple(images.shape[1:]),
                    drawn[slot][name],
                )
                for slot in slots
            ]
            strength = torch.from_numpy(np.stack(fields)).to(images)
        else:
            values = [drawn[slot][name] for slot in slots]
            strength = images.new_tensor(values).view(-1, *(1,) * (images.ndim - 1))
        images[slots] = INTENSITIES[name](images[slots], strength)
        return images


def _either(own: np.ndarray, options: dict[str, Any]) -> float:
    """Half the time U(low, 1), else U(1, high): as likely to weaken as to strengthen, whatever the ranges."""
    low, high = options["range"]
    return float(low + own[1] * (1 - low) if own[0] < 0.5 else 1 + own[1] * (high - 1))


def _between(share: float, pair: tuple[float, float]) -> float:
    return float(pair[0] + share * (pair[1] - pair[0]))


_STRENGTHS: dict[str, Callable[[np.ndarray, dict[str, Any]], Any]] = {
    "rotate": lambda own, how: np.deg2rad(how["degrees"]) * (2 * own - 1),
    "scale": _either,
    "elastic": lambda own, how: np.float32(_between(own[0], how["displacement"])),
    "brightness": lambda own, how: _between(own[0], how["range"]),
    "contrast": _either,
    "gamma": _either,
    "noise": lambda own, how: np.float32(_between(own[0], how["deviation"])),
    "elastic_filter": lambda own, how: (_between(own[0], how["alpha"]), _between(own[1], how["sigma"])),
    "uniform_noise": lambda own, how: np.float32(_between(own[0], how["amplitude"])),
    "salt_pepper": lambda own, how: _between(own[0], how["share"]),
    "perlin": lambda own, how: {
        "amplitude": _between(own[0], how["amplitude"]),
        "cell": _between(own[1], how["cell"]),
        "octaves": int(how["octaves"][0] + own[2] * (int(how["octaves"][1]) + 1 - int(how["octaves"][0]))),
        "persistence": how["persistence"],
    },
}
"""Augmentation → its strength from uniform numbers and its options."""

Shape = tuple[int, ...]


def _perlin(rng: np.random.Generator, shape: Shape, how: dict[str, Any]) -> np.ndarray:
    pattern = perlin(rng, shape[1:], cell=how["cell"], octaves=how["octaves"], persistence=how["persistence"])
    return np.broadcast_to(np.float32(how["amplitude"]) * pattern, shape)  # all channels alike


def _salt_pepper(rng: np.random.Generator, shape: Shape, share: float) -> np.ndarray:
    chance = rng.random(shape, np.float32)
    return (chance < share / 2).astype(np.float32) - (chance >= 1 - share / 2)


_FIELDS: dict[str, Callable[[np.random.Generator, Shape, Any], np.ndarray]] = {
    "noise": lambda rng, shape, deviation: deviation * rng.standard_normal(shape, np.float32),
    "uniform_noise": lambda rng, shape, amplitude: amplitude * (2 * rng.random(shape, np.float32) - 1),
    "salt_pepper": _salt_pepper,
    "perlin": _perlin,
}
"""Augmentation → what it brings to each voxel, `(C, *size)`, from its strength."""
