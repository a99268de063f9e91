"""Patterns that augmentation adds voxel by voxel: Gaussian, uniform, salt and pepper, and Perlin noise, from a draw."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trainables.data.augmentation.draws import Drawn

Shape = tuple[int, ...]


def pattern(name: str, drawn: Drawn, shape: Shape) -> np.ndarray:
    """Make the pattern that an augmentation adds to a patch.

    Args:
        name: Key of `PATTERNS`.
        drawn: The slot's draw, in which the name has happened.
        shape: Shape of the patch, `(C, *size)`.

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


def perlin(
    rng: np.random.Generator, size: Sequence[int], *, cell: float, octaves: int, persistence: float
) -> np.ndarray:
    """Make Perlin noise of mean about 0 whose greatest magnitude is 1.

    Args:
        rng: Generator of the gradients and the lattice's offset.
        size: Voxels along each axis, 2 or 3 of them.
        cell: Voxels between the first octave's lattice points, >= 2; each further octave's is half as wide.
        octaves: How many are summed, >= 1.
        persistence: Each octave's amplitude against that of the one before, in (0, 1].

    Returns:
        float32 `(*size)`, in `[-1, 1]`.
    """
    total = np.zeros(tuple(size), np.float64)
    for octave in range(octaves):
        total += persistence**octave * _octave(rng, size, cell / 2**octave)
    return (total / max(float(np.abs(total).max()), 1e-12)).astype(np.float32)


def _octave(rng: np.random.Generator, size: Sequence[int], cell: float) -> np.ndarray:
    dim = len(size)
    places = [(np.arange(side) + 0.5) / cell + rng.random() for side in size]
    below = [np.floor(place).astype(np.intp) for place in places]
    offsets = [place - low for place, low in zip(places, below, strict=True)]
    fades = [t**3 * (t * (6 * t - 15) + 10) for t in offsets]
    gradients = rng.standard_normal((*(int(low[-1]) + 2 for low in below), dim))
    gradients /= np.linalg.norm(gradients, axis=-1, keepdims=True)
    total = np.zeros(tuple(size), np.float64)
    for corner in itertools.product((0, 1), repeat=dim):
        at = gradients[np.ix_(*(low + step for low, step in zip(below, corner, strict=True)))]
        weight, slope = np.ones((1,) * dim), np.zeros((1,) * dim)
        for axis, step in enumerate(corner):
            shape = [-1 if other == axis else 1 for other in range(dim)]
            weight = weight * (fades[axis] if step else 1 - fades[axis]).reshape(shape)
            slope = slope + at[..., axis] * (offsets[axis] - step).reshape(shape)
        total += weight * slope
    return total
