"""Draws: the random numbers of one patch's augmentation, which can be stored and replayed.

Every draw is a function of (seed, iteration, slot). Whole patterns, such as noise, are not kept: they follow from the
draw's seed, iteration and slot, and so are the same when it is replayed.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from trainables import random_streams
from trainables.data.augmentation.recipes import AXES

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
_ENDS = np.cumsum(list(DRAWS.values())).tolist()
_PLACES = {name: (end - count, end) for (name, count), end in zip(DRAWS.items(), _ENDS, strict=True)}


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """The augmentations of the patch of one slot.

    Attributes:
        seed: The trial's seed.
        iteration: The training's, from 0.
        slot: Position in the batch, from 0.
        values: Augmentation → its strength, plain data; a name that is left out, or did not happen, is missing.
    """

    seed: int
    iteration: int
    slot: int
    values: Mapping[str, Any]

    def stream(self, name: str) -> np.random.Generator:
        """Return the random stream of an augmentation's pattern."""
        return random_streams.stream(self.seed, f"augment/{name}", self.iteration, self.slot)

    def plain(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {"seed": self.seed, "iteration": self.iteration, "slot": self.slot, "values": dict(self.values)}

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `plain`, also after a journey through JSON."""
        return cls(data["seed"], data["iteration"], data["slot"], dict(data["values"]))


def draw(options: Mapping[str, Mapping[str, Any]], seed: int, dim: int, iteration: int, slot: int) -> Drawn:
    """Draw the augmentations of a slot.

    Args:
        options: Augmentation → all its options (`recipes.parse`). Leaving one out changes no other's draw.
        seed: The trial's seed.
        dim: 2 or 3.
        iteration: From 0.
        slot: Position in the batch, from 0.
    """
    chance = random_streams.stream(seed, "augment", iteration, slot).random(_ENDS[-1])
    values: dict[str, Any] = {}
    for name, how in options.items():
        first, end = _PLACES[name]
        if name == "mirror":
            allowed = [axis in how["axes"] for axis in AXES[-dim:]]
            values[name] = [bool(flip) for flip in (chance[first : first + dim] < how["probability"]) & allowed]
        elif chance[first] < how["probability"]:
            values[name] = _STRENGTHS[name](chance[first + 1 : end], how)
    return Drawn(seed, iteration, slot, values)


def _either(own: np.ndarray, options: Mapping[str, Any]) -> float:
    """Half the time U(low, 1), else U(1, high): as likely to weaken as to strengthen, whatever the ranges."""
    low, high = options["range"]
    return float(low + own[1] * (1 - low) if own[0] < 0.5 else 1 + own[1] * (high - 1))


def _between(share: float, pair: tuple[float, float]) -> float:
    return float(pair[0] + share * (pair[1] - pair[0]))


def _single(share: float, pair: tuple[float, float]) -> float:
    """Rounded to float32, as the voxels that it multiplies."""
    return float(np.float32(_between(share, pair)))


_STRENGTHS: dict[str, Callable[[np.ndarray, Mapping[str, Any]], Any]] = {
    "rotate": lambda own, how: (np.deg2rad(how["degrees"]) * (2 * own - 1)).tolist(),
    "scale": _either,
    "elastic": lambda own, how: _single(own[0], how["displacement"]),
    "brightness": lambda own, how: _between(own[0], how["range"]),
    "contrast": _either,
    "gamma": _either,
    "noise": lambda own, how: _single(own[0], how["deviation"]),
    "elastic_filter": lambda own, how: [_between(own[0], how["alpha"]), _between(own[1], how["sigma"])],
    "uniform_noise": lambda own, how: _single(own[0], how["amplitude"]),
    "salt_pepper": lambda own, how: _between(own[0], how["share"]),
    "perlin": lambda own, how: {
        "amplitude": _between(own[0], how["amplitude"]),
        "cell": _between(own[1], how["cell"]),
        "octaves": int(how["octaves"][0] + own[2] * (int(how["octaves"][1]) + 1 - int(how["octaves"][0]))),
        "persistence": how["persistence"],
    },
}
"""Augmentation → its strength from uniform numbers and its options."""
