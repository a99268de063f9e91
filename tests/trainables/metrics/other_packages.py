"""HD95 and surface Dice of MedPy and of DeepMind's surface-distance on random masks, and the script that made them.

pip install medpy==0.5.2 surface-distance==0.1 "numpy<2" scipy
python -m tests.trainables.metrics.other_packages
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SHAPES: tuple[tuple[tuple[int, ...], tuple[float, ...]], ...] = (
    ((12, 13, 11), (1.0, 1.0, 1.0)),
    ((9, 12, 14), (3.0, 0.7, 1.1)),
    ((17, 19), (1.0, 1.0)),
    ((16, 21), (0.4, 1.3)),
    ((8, 9, 10), (0.5, 2.0, 1.0)),
)
"""Shape and spacing; the seed is the place in this list."""

VALUES: tuple[tuple[float, float, float, float], ...] = (
    (3.40330273588798, 3.7416573867739413, 0.8063075931132131, 0.8904298338040615),
    (4.8754486972995625, 4.656178690729126, 0.672908712337192, 0.8343187180987002),
    (2.561865508485308, 3.1622776601683795, 0.7283387349330266, 0.9542873979012031),
    (2.6440450097162667, 4.382921400162226, 0.6837701045236337, 0.8645028457498669),
    (2.1488103951543103, 2.8284271247461903, 0.906689534478625, 0.9519853987631293),
)
"""MedPy's hd95; surface-distance's robust Hausdorff at 95 %, and its surface Dice at tolerances of 1 and 2."""


def masks(seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """A ball, and a smaller one beside it with noise."""
    shape, rng = SHAPES[seed][0], np.random.default_rng(seed)
    grid = np.meshgrid(*[np.linspace(-1, 1, side) for side in shape], indexing="ij")
    reference = sum(axis**2 for axis in grid) ** 0.5 < 0.7
    prediction = (sum((axis - 0.15) ** 2 for axis in grid) ** 0.5 < 0.65) ^ (rng.random(shape) < 0.03)
    return np.asarray(reference), np.asarray(prediction)


def main() -> None:
    medpy: Any = __import__("medpy.metric.binary").metric.binary
    other: Any = __import__("surface_distance")
    for seed, (_, spacing) in enumerate(SHAPES):
        reference, prediction = masks(seed)
        found = other.compute_surface_distances(reference, prediction, spacing)
        dice = [other.compute_surface_dice_at_tolerance(found, tolerance) for tolerance in (1.0, 2.0)]
        hausdorff = other.compute_robust_hausdorff(found, 95)
        print(medpy.hd95(prediction, reference, voxelspacing=spacing), hausdorff, *dice)


if __name__ == "__main__":
    main()
