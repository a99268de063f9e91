"""Brier score and expected calibration error of a region: by hand, and of the probabilities themselves."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from trainables.metrics import gather, measure_case
from trainables.metrics.calibration import _probabilities
from trainables.metrics.histogram import rank


def calibrated(p: np.ndarray, reference: np.ndarray, **how: object) -> dict[str, float | None]:
    """Both metrics of one region whose probabilities these are."""
    plane = np.stack([1 - p, p]).astype(np.float32)
    known = reference.astype(np.uint8)
    prediction = plane.argmax(0).astype(np.uint8)
    scores = measure_case(
        "case",
        known,
        prediction,
        regions={"r": (1,)},
        metrics=("brier", "ece"),
        spacing=None,
        odds=gather([plane], known, prediction, {"r": (1,)}),
        **how,  # type: ignore[arg-type]
    ).scores
    return {score.metric: score.value for score in scores}


def test_by_hand() -> None:
    # p = 0.9, 0.9, 0.88, 0.2 against 1, 0, 1, 0. Groups of 1/15: the first three in [13/15, 14/15), the last in
    # [3/15, 4/15). The three expect 2.68 and find 2; the one expects 0.2 and finds 0.
    found = calibrated(np.array([[0.9, 0.9, 0.88, 0.205]]), np.array([[1, 0, 1, 0]]))
    assert found["brier"] == pytest.approx((0.01 + 0.81 + 0.12**2 + 0.205**2) / 4, abs=2e-4)
    assert found["ece"] == pytest.approx((0.68 + 0.205) / 4, abs=2e-4)


@pytest.mark.parametrize("scale", [0.3, 3.0, 30.0])
def test_it_is_that_of_the_probabilities(scale: float) -> None:
    rng = np.random.default_rng(4)
    p = 1 / (1 + np.exp(-scale * rng.normal(size=(40, 50))))
    reference = rng.random(p.shape) < p**2
    found = calibrated(p, reference)
    assert found["brier"] == pytest.approx(brier_score_loss(reference.ravel(), p.ravel()), abs=2e-4)
    groups = np.minimum((p * 15).astype(int), 14)
    parts = [(groups == group) for group in range(15)]
    expected = sum(abs(p[part].sum() - reference[part].sum()) for part in parts) / p.size
    assert found["ece"] == pytest.approx(expected, abs=1e-3)


def test_a_case_without_the_region_is_scored_too() -> None:
    for empty in ("missing", "one"):
        found = calibrated(np.full((2, 3), 0.25), np.zeros((2, 3)), empty=empty)
        assert found["brier"] == pytest.approx(0.0625, abs=1e-4)
        assert found["ece"] == pytest.approx(0.25, abs=1e-4)


def test_bins_have_the_probability_of_their_log_odds() -> None:
    odds = np.array([-np.inf, -70000.0, -2.0, -0.0, 0.0, 0.5, 9.0, np.inf], np.float16)
    expected = [0, 0, 1 / (1 + np.exp(2)), 0.5, 0.5, 1 / (1 + np.exp(-0.5)), 1 / (1 + np.exp(-9)), 1]
    assert _probabilities()[rank(odds)].tolist() == pytest.approx(expected)
    assert np.isfinite(_probabilities()).all()
