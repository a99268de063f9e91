"""Patterns: what an augmentation brings to each voxel, from its draw; the same whenever a draw is replayed."""

from collections.abc import Callable
from typing import Any

import numpy as np

from trainables.data.draws import Drawn
from trainables.data.perlin import perlin

Shape = tuple[int, ...]


def pattern(name: str, drawn: Drawn, shape: Shape) -> np.ndarray:
    """The pattern that an augmentation adds to a patch.

    Args:
        name: Key of `PATTERNS`.
        drawn: The slot's draw, in which the name has happened.
        shape: Of the patch, `(C, *size)`.

    Returns:
        float32 of that shape.
    """
    return PATTERNS[name](drawn.stream(name), shape, drawn.values[name])


def _perlin(rng: np.random.Generator, shape: Shape, how: dict[str, Any]) -> np.ndarray:
    noise = perlin(rng, shape[1:], cell=how["cell"], octaves=how["octaves"], persistence=how["persistence"])
    return np.repeat(np.float32(how["amplitude"]) * noise[None], shape[0], axis=0)  # all channels alike


def _normal(rng: np.random.Generator, shape: Shape, deviation: float) -> np.ndarray:
    noise = rng.standard_normal(shape, np.float32)
    noise *= np.float32(deviation)
    return noise


def _uniform(rng: np.random.Generator, shape: Shape, amplitude: float) -> np.ndarray:
    return np.asarray(np.float32(amplitude) * (2 * rng.random(shape, np.float32) - 1))


def _salt_pepper(rng: np.random.Generator, shape: Shape, share: float) -> np.ndarray:
    chance = rng.random(shape, np.float32)
    return (chance < share / 2).astype(np.float32) - (chance >= 1 - share / 2)


PATTERNS: dict[str, Callable[[np.random.Generator, Shape, Any], np.ndarray]] = {
    "noise": _normal,
    "uniform_noise": _uniform,
    "salt_pepper": _salt_pepper,
    "perlin": _perlin,
}
"""Augmentation → its pattern from a stream, a shape and its strength."""
