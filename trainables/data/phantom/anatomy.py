"""A synthetic patient: organs, bones, vessels and lesions as shapes in mm, drawn from one random stream.

Axes are `[z, y, x]`: to the head, to the front, to the right; the origin lies in the middle of the organ's level.
Intensities are Hounsfield units (HU). The patient is small, so that a whole section fits into 64 × 64 voxels of 2 mm.
"""

import dataclasses
from typing import Literal

import numpy as np

Part = Literal["tissue", "organ", "vessel", "lesion"]
LESION_COUNTS = (0.1, 0.2, 0.2, 0.18, 0.14, 0.1, 0.08)
"""Probability of 0, 1, … 6 lesions."""
SMALLEST, LARGEST = 4.0, 30.0
"""Lesion diameters in mm, log-uniform: most lesions are small, most lesion volume is in few large ones."""


@dataclasses.dataclass(frozen=True, eq=False)
class Shape:
    """A deformed ellipsoid, or a tube where a radius is infinite.

    Attributes:
        part: Kind of tissue; a later shape covers an earlier one, vessels and lesions only where the organ is.
        centre: mm, `(z, y, x)`.
        radii: mm along its own axes.
        hu: Intensity inside; for lesions, relative to what they lie in.
        turn: `(3, 3)` rotation from space to its own axes.
        bumps: `(k, 4)`: directions and phases of waves on its surface.
        height: Amplitude of those waves, relative to the radius.
        edge: Width of its border in mm beyond the voxel's own blur.
        texture: Standard deviation of smooth mottling inside, HU.
    """

    part: Part
    centre: np.ndarray
    radii: np.ndarray
    hu: float
    turn: np.ndarray
    bumps: np.ndarray
    height: float = 0.0
    edge: float = 0.0
    texture: float = 0.0

    def depth(self, points: np.ndarray) -> np.ndarray:
        """How far inside each point lies, about in mm; negative outside. `points` is `(3, *shape)` mm."""
        offset = points - self.centre.reshape(3, *(1,) * (points.ndim - 1))
        own = np.tensordot(self.turn, offset, 1) / self.radii.reshape(3, *(1,) * (points.ndim - 1))
        reach = np.sqrt(np.square(own).sum(0))
        surface = np.ones_like(reach)
        if self.height:
            direction = own / np.maximum(reach, 1e-3)
            waves = np.tensordot(self.bumps[:, :3], direction, 1) + self.bumps[:, 3].reshape(-1, *(1,) * reach.ndim)
            surface += self.height * np.sin(waves).mean(0)
        return np.asarray((surface - reach) * self.radii[np.isfinite(self.radii)].min(), np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class Patient:
    """Shapes from the outside to the inside.

    Attributes:
        shapes: In the order in which they cover each other; lesions last.
        size: Half widths of the body, mm `(y, x)`.
    """

    shapes: tuple[Shape, ...]
    size: tuple[float, float]


def patient(rng: np.random.Generator) -> Patient:
    """A patient: body wall, spine, ribs, four organs, vessels, and 0 to 6 lesions in the organ of interest."""
    half_y, half_x = 44 * rng.uniform(0.93, 1.05), 56 * rng.uniform(0.93, 1.05)
    organ_hu = rng.uniform(70, 120)
    organ = _blob(rng, "organ", (0, 3, 19), (rng.uniform(30, 42), 23, 25), organ_hu, 0.22, texture=rng.uniform(4, 9))
    shapes = [*_wall(rng, half_y, half_x), organ, *_neighbours(rng, organ_hu), *_spine(rng)]
    shapes += [_vessel(rng, organ, rng.uniform(20, 55)) for _ in range(rng.integers(3, 6))]
    shapes += [_lesion(rng, organ) for _ in range(rng.choice(len(LESION_COUNTS), p=LESION_COUNTS))]
    return Patient(tuple(shapes), (half_y, half_x))


def later(before: Patient, rng: np.random.Generator) -> Patient:
    """The same patient some months on: every lesion has grown or shrunk, everything else has moved a little."""
    shapes = []
    for shape in before.shapes:
        growth = rng.uniform(0.7, 1.4) if shape.part == "lesion" else 1.0
        shift = rng.normal(0, 0.7, 3)
        shapes.append(dataclasses.replace(shape, radii=shape.radii * growth, centre=shape.centre + shift))
    return Patient(tuple(shapes), before.size)


def moved(who: Patient, up: float) -> Patient:
    """The patient moved along z by some mm."""
    shift = np.array([up, 0.0, 0.0])
    return Patient(tuple(dataclasses.replace(shape, centre=shape.centre + shift) for shape in who.shapes), who.size)


def _blob(
    rng: np.random.Generator,
    part: Part,
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    hu: float,
    height: float,
    *,
    texture: float = 3.0,
    edge: float = 0.0,
) -> Shape:
    """An ellipsoid a little off its usual place and size, turned by up to 20°, with a wavy surface."""
    waves = np.concatenate([rng.normal(0, 2.5, (6, 3)), rng.uniform(0, 2 * np.pi, (6, 1))], 1)
    return Shape(
        part=part,
        centre=np.array(centre) + rng.normal(0, 2, 3),
        radii=np.array(radii) * rng.uniform(0.88, 1.12, 3),
        hu=hu,
        turn=_turn(rng, 20),
        bumps=waves,
        height=height,
        edge=edge,
        texture=texture,
    )


def _tube(
    part: Part, centre: tuple[float, float, float], half_y: float, half_x: float, hu: float, texture: float = 3.0
) -> Shape:
    """Endless along z."""
    radii = np.array([np.inf, half_y, half_x])
    return Shape(part, np.array(centre), radii, hu, np.eye(3), np.zeros((1, 4)), texture=texture)


def _wall(rng: np.random.Generator, half_y: float, half_x: float) -> list[Shape]:
    """Skin and fat, a layer of muscle, ribs in it, and the fat between the organs."""
    fat, muscle = rng.uniform(3, 8), rng.uniform(4, 6)
    skin = _tube("tissue", (0, 0, 0), half_y, half_x, -105, 8)
    layer = _tube("tissue", (0, 0, 0), half_y - fat, half_x - fat, 55, 6)
    cavity = _tube("tissue", (0, 0, 0), half_y - fat - muscle, half_x - fat - muscle, -95, 10)
    ribs = []
    for level in np.arange(-90, 91, 22) + rng.uniform(-8, 8):
        for side in (-1, 1):
            for angle in np.deg2rad([20, 60, 100]):
                y, x = -np.cos(angle) * (half_y - fat - 2), side * np.sin(angle) * (half_x - fat - 2)
                ribs.append(_blob(rng, "tissue", (level + 10 * np.cos(angle), y, x), (4, 4, 4), 420, 0.0))
    return [skin, layer, cavity, *ribs]


def _spine(rng: np.random.Generator) -> list[Shape]:
    """Vertebrae with discs between, the canal behind them, the aorta in front."""
    offset = rng.uniform(-15, 15)
    discs = _tube("tissue", (0, -24, 0), 9, 11, 85)
    bones = [_blob(rng, "tissue", (offset + 28 * k, -24, 0), (11, 9, 11), 320, 0.06, texture=30) for k in range(-4, 5)]
    canal = _tube("tissue", (0, -36, 0), 4, 5, 30)
    aorta = _tube("tissue", (0, -10, -3), 5, 5, rng.uniform(130, 210))
    return [discs, *bones, canal, aorta]


def _neighbours(rng: np.random.Generator, organ_hu: float) -> list[Shape]:
    """A spleen about as bright as the organ, kidneys (one with a cyst that is no lesion), a stomach with gas."""
    spleen = _blob(rng, "tissue", (8, -8, -34), (22, 13, 9), organ_hu + rng.normal(8, 10), 0.15, texture=6)
    left = _blob(rng, "tissue", (-12, -22, -24), (19, 8, 8), organ_hu + 60, 0.1, texture=10)
    right = _blob(rng, "tissue", (-16, -24, 22), (19, 7, 8), organ_hu + 60, 0.1, texture=10)
    cyst = _blob(rng, "tissue", (-12, -20, -22), (5, 5, 5), organ_hu - 35, 0.0)
    stomach = _blob(rng, "tissue", (10, 15, -16), (20, 12, 15), rng.uniform(15, 55), 0.2, texture=8)
    gas = _blob(rng, "tissue", (10, 21, -16), (9, 4, 8), -750, 0.1)
    return [spleen, left, right, cyst, stomach, gas]


def _vessel(rng: np.random.Generator, organ: Shape, brighter: float) -> Shape:
    """A straight bright tube through the organ; cut across it looks like a small lesion."""
    centre = organ.centre + rng.uniform(-0.5, 0.5, 3) * organ.radii
    radius = rng.uniform(1.2, 2.6)
    radii = np.array([rng.uniform(15, 30), radius, radius])
    return Shape("vessel", centre, radii, organ.hu + brighter, _turn(rng, 180), np.zeros((1, 4)), edge=0.5)


def _lesion(rng: np.random.Generator, organ: Shape) -> Shape:
    """Mostly darker than the organ, by 22 to 90 HU (log-uniform), some brighter; the border is often vague."""
    direction = rng.normal(size=3)
    place = direction / np.linalg.norm(direction) * rng.uniform(0, 1) ** (1 / 3) * 0.85
    diameter = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))
    contrast = np.exp(rng.uniform(np.log(22), np.log(90))) * (-1 if rng.random() < 0.8 else 0.7)
    return Shape(
        part="lesion",
        centre=organ.centre + organ.turn.T @ (place * organ.radii),
        radii=diameter / 2 * rng.uniform(0.8, 1.25, 3),
        hu=contrast,
        turn=_turn(rng, 180),
        bumps=np.concatenate([rng.normal(0, 3, (5, 3)), rng.uniform(0, 2 * np.pi, (5, 1))], 1),
        height=rng.uniform(0, 0.35),
        edge=rng.uniform(0, 0.12) * diameter,
        texture=rng.uniform(2, 8),
    )


def _turn(rng: np.random.Generator, degrees: float) -> np.ndarray:
    """A rotation by up to that angle about each axis."""
    turn = np.eye(3)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        angle = np.deg2rad(rng.uniform(-degrees, degrees))
        plane = np.eye(3)
        plane[[first, second], [first, second]] = np.cos(angle)
        plane[first, second], plane[second, first] = -np.sin(angle), np.sin(angle)
        turn = turn @ plane
    return turn
