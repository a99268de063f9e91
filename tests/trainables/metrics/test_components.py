"""Lesion records of components drawn by hand; labels as SciPy's."""

import math

import numpy as np
import pytest
from scipy import ndimage

from tests.trainables.metrics.examples import LESIONS, LOG_ODDS
from trainables.lesion_records import MOST_FALSE_POSITIVES
from trainables.metrics.components import _components, lesion_records


def test_records_by_hand() -> None:
    # b holds together by a corner. Predicted: 2 voxels on a, 1 on b, and three falsely: 2 voxels (2), 1 (7), 3 (6).
    found = LOG_ODDS > 0
    records = lesion_records("case", "lesion", LESIONS != ".", found, LOG_ODDS[found])
    assert records.voxels.tolist() == [4, 2, 1]
    assert records.dice == pytest.approx([2 * 2 / 6, 2 * 1 / 3, 0])
    assert records.confidence.tolist() == [9, 3, -math.inf]
    assert records.false_confidence.tolist() == [7, 6, 2]
    assert records.false_voxels.tolist() == [1, 3, 2]
    assert (records.false_positives, records.peak) == (3, 9)


def test_several_components_on_one_lesion_and_one_on_several() -> None:
    reference, found = np.zeros((2, 3, 9), np.bool_)
    reference[1, 0:5] = reference[1, 6:8] = True
    found[1, 0:2] = found[1, 3:9] = True  # 2 voxels on the first; 6 on both: 2 on the first, 2 on the second
    odds = np.where(found, 1, 0).astype(np.float16)
    odds[1, 1], odds[1, 8] = 5, 2
    records = lesion_records("case", "lesion", reference, found, odds[found])
    assert records.dice == pytest.approx([2 * 2 / (5 + 2), 2 * 2 / (2 + 6)])
    assert records.confidence.tolist() == [5, 2]
    assert records.false_positives == 0


def test_corners_join_in_3d_and_faces_are_not_needed() -> None:
    reference = np.zeros((3, 3, 3), np.bool_)
    reference[0, 0, 0] = reference[1, 1, 1] = reference[2, 2, 2] = True
    nothing = np.zeros_like(reference)
    records = lesion_records("case", "lesion", reference, nothing, np.zeros(0, np.float16))
    assert records.voxels.tolist() == [3]
    assert (records.peak, records.false_positives) == (-math.inf, 0)


def test_of_a_scatter_the_most_confident_are_kept_and_all_are_counted() -> None:
    found = np.zeros((2, 2 * MOST_FALSE_POSITIVES + 40), np.bool_)
    found[0, ::2] = True
    odds = np.arange(1, found.sum() + 1, dtype=np.float32)
    records = lesion_records("case", "lesion", np.zeros_like(found), found, odds.astype(np.float16))
    assert records.false_positives == MOST_FALSE_POSITIVES + 20
    assert len(records.false_voxels) == MOST_FALSE_POSITIVES
    assert records.false_confidence.min() >= 20
    assert records.false_confidence[0] == records.peak


@pytest.mark.parametrize("dim", [2, 3])
def test_components_are_scipys_whatever_the_shape(dim: int) -> None:
    rng = np.random.default_rng(dim)
    for _ in range(60):
        mask = rng.random(tuple(rng.integers(1, 30 if dim == 2 else 9, dim))) < 0.3
        labels, voxels = _components(mask)
        expected, count = ndimage.label(mask, np.ones((3,) * dim))
        assert (labels == expected).all()
        assert voxels.tolist() == np.bincount(expected.reshape(-1), minlength=count + 1)[1:].tolist()
