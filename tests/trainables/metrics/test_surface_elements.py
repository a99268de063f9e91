"""Surface elements: areas worked by hand, and the two metrics beside the package that they are named after."""

import math

import numpy as np
import pytest

from tests.trainables.metrics.other_packages import SHAPES, VALUES, masks
from trainables.metrics import METRICS, Geometry, metric_named
from trainables.metrics.surface_elements import cell_codes, element_areas, surface_elements


def test_areas_of_a_cell_by_hand() -> None:
    # 3D, spacing (2, 3, 5). Corner k is bit k, the last axis fastest.
    areas = element_areas((2.0, 3.0, 5.0))
    assert (areas[0], areas[255]) == (0, 0)
    # One corner: the triangle through (1, 0, 0), (0, 1.5, 0), (0, 0, 2.5).
    triangle = 0.5 * math.hypot(1.5 * 2.5, 1 * 2.5, 1 * 1.5)
    assert areas[0b1] == pytest.approx(triangle)
    assert areas[255 - 0b1] == pytest.approx(triangle)
    assert areas[0b1000_0001] == pytest.approx(2 * triangle)  # opposite corners
    # Both corners of an edge along the last axis: a rectangle of 5 by the diagonal of (1, 1.5).
    assert areas[0b11] == pytest.approx(5 * math.hypot(1, 1.5))
    # The four corners of the face at the start of the first axis.
    assert areas[0b1111] == pytest.approx(3 * 5)
    # Three of them: the triangle of half the cell's middle section, and the flat trapezoid over the cut corner.
    # Without the corner (1, 1) of the face: (1, 0, 2.5), … the trapezoid is the one-corner triangle of twice the size
    # without its tip.
    assert areas[0b0111] == pytest.approx(3 * 5 / 2 + (4 - 1) * triangle)


def test_lengths_of_a_square_by_hand() -> None:
    lengths = element_areas((2.0, 3.0))
    corner = 0.5 * math.hypot(2, 3)
    assert lengths[0b1] == lengths[0b1110] == pytest.approx(corner)
    assert lengths[0b11] == pytest.approx(3)  # both at the start of the first axis: a line along the second
    assert lengths[0b101] == pytest.approx(2)
    assert lengths[0b1001] == lengths[0b0110] == pytest.approx(2 * corner)


def test_a_voxel_has_eight_elements() -> None:
    mask = np.zeros((3, 3, 3), np.bool_)
    mask[1, 1, 1] = True
    codes = cell_codes(mask)
    assert codes.shape == (4, 4, 4)
    assert sorted(codes[codes > 0].tolist()) == [1, 2, 4, 8, 16, 32, 64, 128]
    assert element_areas((1.0, 1.0, 1.0))[codes].sum() == pytest.approx(math.sqrt(3))  # an octahedron of edge sqrt(1/2)


def test_hd95_and_surface_dice_by_area_by_hand() -> None:
    # 2D, one voxel against the same and its neighbour 2 mm further along the second axis. Corners have length
    # d = 0.5 sqrt(1 + 4). The reference has four, all of which the prediction has, but two of them inside its bar now:
    # there the prediction's contour runs on, straight. The prediction has 4 corners and 2 straight parts of 2.
    reference, prediction = np.zeros((2, 3, 6), np.bool_)
    reference[1, 2] = prediction[1, 2:4] = True
    first, second = surface_elements(reference, prediction, spacing=(1.0, 2.0))
    corner = 0.5 * math.sqrt(5)
    assert first.distances.tolist() == [0, 0, 0, 0]
    assert first.areas.tolist() == pytest.approx([corner] * 4)
    assert second.distances.tolist() == [0, 0, 0, 0, 2, 2]
    assert second.areas.sum() == pytest.approx(4 * corner + 2 * 2)
    geometry = Geometry.of(reference, prediction, spacing=(1.0, 2.0))
    assert METRICS["hd95_area"].compute(geometry) == 2
    whole = 8 * corner + 4
    assert metric_named("surface_dice_area_1").compute(geometry) == pytest.approx((whole - 2 * corner) / whole)
    assert metric_named("surface_dice_area_2").compute(geometry) == 1


@pytest.mark.parametrize("seed", range(len(SHAPES)))
def test_they_are_the_packages(seed: int) -> None:
    geometry = Geometry.of(*masks(seed), spacing=SHAPES[seed][1])
    names = ("hd95_pooled", "hd95_area", "surface_dice_area_1", "surface_dice_area_2")
    assert [metric_named(name).compute(geometry) for name in names] == pytest.approx(VALUES[seed], rel=1e-12)
    turned = Geometry.of(*masks(seed)[::-1], spacing=SHAPES[seed][1])
    assert [metric_named(name).compute(turned) for name in names] == pytest.approx(VALUES[seed], rel=1e-12)
