"""Geometry: counts, surfaces and their distances, drawn by hand."""

import math

import numpy as np
import pytest

from tests.trainables.metrics.examples import PREDICTION, REFERENCE
from trainables.metrics import METRICS, Geometry
from trainables.metrics.geometry import bounding_box, surface, surface_distances


def test_counts_volumes_and_diagonal() -> None:
    geometry = Geometry.of(REFERENCE, PREDICTION, spacing=(2.0, 0.5))
    assert (geometry.tp, geometry.fp, geometry.fn, geometry.tn) == (4, 1, 5, 20)
    assert geometry.reference_volume == 9.0
    assert geometry.prediction_volume == 5.0
    assert geometry.diagonal == pytest.approx(math.hypot(5 * 2.0, 6 * 0.5))
    assert geometry.reference.shape == (3, 4)  # cropped to what either mask holds


def test_surface_is_what_has_a_face_outside() -> None:
    expected = REFERENCE.copy()
    expected[2, 2] = False
    assert np.array_equal(surface(REFERENCE), expected)
    assert np.array_equal(surface(np.ones((3, 3), dtype=np.bool_)), np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]]))
    cube = np.ones((3, 3, 3), dtype=np.bool_)
    assert surface(cube).sum() == 26


def test_surface_distances_by_hand() -> None:
    # One voxel against two: 3 steps of 2 mm down, or 1 step of 0.5 mm across.
    reference, prediction = np.zeros((2, 5, 5), dtype=np.bool_)
    reference[0, 0] = True
    prediction[3, 0] = prediction[0, 1] = True
    distances = surface_distances(reference, prediction, spacing=(2.0, 0.5))
    assert distances.to_prediction.tolist() == [0.5]
    assert sorted(distances.to_reference.tolist()) == [0.5, 6.0]


def test_surface_distances_are_the_distance_transforms() -> None:
    from scipy.ndimage import distance_transform_edt

    rng = np.random.default_rng(3)
    first, second = rng.random((2, 9, 10, 11)) < 0.02
    found = surface_distances(first, second, spacing=(2.0, 1.0, 0.5))
    expected = distance_transform_edt(~second, sampling=(2.0, 1.0, 0.5))[first]
    assert np.allclose(found.to_prediction, expected)


def test_surfaces_are_not_measured_unless_asked_for() -> None:
    geometry = Geometry.of(REFERENCE, PREDICTION)
    METRICS["dice"].compute(geometry)
    assert "surfaces" not in vars(geometry)
    METRICS["hd95"].compute(geometry)
    assert "surfaces" in vars(geometry)


def test_the_box_holds_all() -> None:
    mask = np.zeros((5, 6, 7), dtype=np.bool_)
    mask[1, 2, 6] = mask[3, 2, 0] = True
    assert bounding_box(mask) == (slice(1, 4), slice(2, 3), slice(0, 7))
    assert mask[bounding_box(np.zeros_like(mask))].size == 0


@pytest.mark.parametrize(
    ("shape", "spacing", "message"),
    [((4, 5), None, r"\(4, 4\), prediction \(4, 5\)"), ((4, 4), (1.0,), "2 dimensions")],
)
def test_what_does_not_fit_is_refused(shape: tuple[int, int], spacing: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Geometry.of(np.ones((4, 4), np.bool_), np.ones(shape, np.bool_), spacing=spacing)
