"""Label maps compared in one pass: pairs drawn by hand, and every region's counts as its masks give them."""

import itertools

import numpy as np
import pytest
import torch

from trainables.metrics import Geometry, measure_case
from trainables.metrics.compared import Compared, inside

torch.set_num_threads(1)
REFERENCE = np.array([[0, 0, 0, 0], [0, 1, 1, 2], [0, 1, 2, 2]], np.uint8)
PREDICTION = np.array([[0, 0, 0, 0], [0, 1, 2, 2], [0, 0, 1, 2]], np.uint8)


def test_pairs_by_hand() -> None:
    found = Compared.of(REFERENCE, PREDICTION)
    assert found.pairs.tolist() == [[6, 0, 0], [1, 1, 1], [0, 1, 2]]
    assert found.reference.tolist() == [[1, 1, 2], [1, 2, 2]]  # the box that holds both
    assert found.prediction.tolist() == [[1, 2, 2], [0, 1, 2]]
    assert found.shape == (3, 4)
    assert found.counts((1,)) == (1, 1, 2, 8)
    assert found.counts((2,)) == (2, 1, 1, 8)
    assert found.counts((1, 2)) == (5, 0, 1, 6)
    assert found.counts((7,)) == (0, 0, 0, 12)  # beyond the greatest class there is


@pytest.mark.parametrize("classes", [2, 16, 17, 256])
def test_counts_are_those_of_the_masks(classes: int) -> None:
    rng = np.random.default_rng(classes)
    reference, prediction = rng.integers(0, classes, (2, 9, 8, 7)).astype(np.uint8)
    reference[:2] = prediction[:2] = 0
    found = Compared.of(reference, prediction)
    assert found.reference.shape[0] <= 7
    for region in ((1,), (0, 1), (classes - 1,), tuple(range(1, classes))):
        known, there = np.isin(reference, region), np.isin(prediction, region)
        expected = [int((a & b).sum()) for a, b in ((known, there), (~known, there), (known, ~there), (~known, ~there))]
        assert list(found.counts(region)) == expected
        assert (inside(reference, region) == known).all()
    assert found.pairs.sum() == reference.size


def test_nothing_but_background() -> None:
    empty = np.zeros((3, 4, 5), np.uint8)
    found = Compared.of(empty, empty)
    assert found.pairs.tolist() == [[60]]
    assert found.reference.size == 0
    assert found.counts((1,)) == (0, 0, 0, 60)


def test_tensors_and_arrays_that_pytorch_does_not_take_as_they_are() -> None:
    expected = Compared.of(REFERENCE, PREDICTION).pairs.tolist()
    locked = REFERENCE.copy()
    locked.setflags(write=False)
    assert Compared.of(locked, torch.from_numpy(PREDICTION)).pairs.tolist() == expected
    assert Compared.of(locked[::-1], PREDICTION[::-1]).pairs.tolist() == expected
    assert Compared.of(REFERENCE.T, torch.from_numpy(PREDICTION).T).pairs.tolist() == expected


def test_a_region_is_measured_in_its_own_box_as_if_it_were_alone() -> None:
    rng = np.random.default_rng(0)
    reference, prediction = np.zeros((2, 12, 13, 14), np.uint8)
    for label, corner in ((1, (1, 2, 3)), (2, (7, 7, 8))):
        place = tuple(slice(c, c + 4) for c in corner)
        for labels in (reference, prediction):
            labels[place][rng.random((4, 4, 4)) < 0.6] = label
    compared = Compared.of(reference, prediction)
    for region in ((1,), (2,), (1, 2)):
        one = Geometry.of_region(compared, region, spacing=(2.0, 1.0, 0.5))
        other = Geometry.of(np.isin(reference, region), np.isin(prediction, region), spacing=(2.0, 1.0, 0.5))
        assert (one.tp, one.fp, one.fn, one.tn, one.diagonal) == (
            other.tp,
            other.fp,
            other.fn,
            other.tn,
            other.diagonal,
        )
        assert one.surfaces.to_prediction.tolist() == other.surfaces.to_prediction.tolist()
        assert one.surfaces.to_reference.tolist() == other.surfaces.to_reference.tolist()


def test_a_prediction_may_be_a_tensor() -> None:
    how = {"regions": {"a": (1,), "b": (1, 2)}, "metrics": ("dice", "hd95", "mcc"), "spacing": (1.0, 2.0)}
    found = [measure_case("x", REFERENCE, p, **how) for p in (PREDICTION, torch.from_numpy(PREDICTION))]  # type: ignore[arg-type]
    assert found[0] == found[1]
    unscored = measure_case("x", REFERENCE, PREDICTION, **how, unscored=3)  # type: ignore[arg-type]
    for whole, less in itertools.zip_longest(found[0].counts, unscored.counts):
        assert (less.tp, less.fp, less.fn, less.tn) == (whole.tp, whole.fp, whole.fn, whole.tn - 3)


def test_shapes_that_disagree_are_refused() -> None:
    with pytest.raises(ValueError, match=r"reference has shape \(3, 4\), prediction \(4, 3\)"):
        Compared.of(REFERENCE, PREDICTION.T)
