"""Metrics of voxel counts: values by hand and of scikit-learn."""

import math

import numpy as np
import pytest

from tests.trainables.metrics.examples import PREDICTION, REFERENCE
from trainables.metrics import METRICS, Geometry, metric_named, score_case


def test_overlaps_by_hand() -> None:
    geometry = Geometry.of(REFERENCE, PREDICTION)
    assert METRICS["dice"].compute(geometry) == pytest.approx(8 / 14)
    assert METRICS["precision"].compute(geometry) == pytest.approx(4 / 5)
    assert METRICS["recall"].compute(geometry) == pytest.approx(4 / 9)
    assert METRICS["iou"].compute(geometry) == pytest.approx(4 / 10)
    assert metric_named("f2").compute(geometry) == pytest.approx(5 * 4 / (5 * 4 + 4 * 5 + 1))  # misses cost 4 times
    assert metric_named("f0.5").compute(geometry) == pytest.approx(1.25 * 4 / (1.25 * 4 + 0.25 * 5 + 1))
    assert metric_named("f1").compute(geometry) == pytest.approx(METRICS["dice"].compute(geometry))
    assert METRICS["specificity"].compute(geometry) == pytest.approx(20 / 21)
    assert METRICS["accuracy"].compute(geometry) == pytest.approx(24 / 30)
    assert METRICS["mcc"].compute(geometry) == pytest.approx((4 * 20 - 1 * 5) / math.sqrt(5 * 9 * 21 * 25))


@pytest.mark.parametrize("density", [0.03, 0.4, 0.97])
def test_overlaps_are_scikit_learns(density: float) -> None:
    from sklearn import metrics

    rng = np.random.default_rng(5)
    reference, prediction = rng.random((2, 9, 8, 7)) < density
    pair, geometry = (reference.ravel(), prediction.ravel()), Geometry.of(reference, prediction)
    assert METRICS["mcc"].compute(geometry) == pytest.approx(metrics.matthews_corrcoef(*pair))
    assert METRICS["iou"].compute(geometry) == pytest.approx(metrics.jaccard_score(*pair))
    assert METRICS["accuracy"].compute(geometry) == pytest.approx(metrics.accuracy_score(*pair))
    assert METRICS["specificity"].compute(geometry) == pytest.approx(metrics.recall_score(~pair[0], ~pair[1]))
    assert metric_named("f2").compute(geometry) == pytest.approx(metrics.fbeta_score(*pair, beta=2))


def test_mcc_where_a_mask_fills_the_image() -> None:
    full = np.ones_like(REFERENCE)
    assert METRICS["mcc"].compute(Geometry.of(REFERENCE, full)) == 0
    assert METRICS["mcc"].compute(Geometry.of(full, full)) == 1


@pytest.mark.parametrize("metric", ["dice", "precision", "recall"])
def test_overlaps_are_counted_voxel_by_voxel(metric: str) -> None:
    rng = np.random.default_rng(1)
    reference, prediction = rng.random((2, 7, 6, 5)) < 0.3
    tp = sum(bool(r and p) for r, p in zip(reference.flat, prediction.flat, strict=True))
    whole = {"dice": (reference.sum() + prediction.sum()) / 2, "precision": prediction.sum(), "recall": reference.sum()}
    geometry = Geometry.of(reference, prediction)
    assert METRICS[metric].compute(geometry) == pytest.approx(tp / whole[metric])


def test_shares_of_all_voxels_are_defined_for_empty_and_full_masks() -> None:
    nothing, full = np.zeros((5, 6), np.uint8), np.ones((5, 6), np.uint8)
    for empty in ("missing", "one"):
        for reference, prediction, specificity, accuracy in (
            (nothing, nothing, 1.0, 1.0),
            (nothing, PREDICTION, 25 / 30, 25 / 30),
            (REFERENCE, nothing, 1.0, 21 / 30),
            (full, PREDICTION, None, 5 / 30),
        ):
            masks = (reference.astype(np.uint8), prediction.astype(np.uint8))
            how = {"regions": {"r": (1,)}, "metrics": ("specificity", "accuracy"), "spacing": None}
            found = score_case("a", *masks, empty=empty, **how)  # type: ignore[arg-type]
            assert [score.value for score in found] == [
                specificity if specificity is None else pytest.approx(specificity),
                pytest.approx(accuracy),
            ]
