"""Average precision and AUC by histogram: equal to scikit-learn's, also where a network is sure of all voxels."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from trainables.metrics.histogram import BINS, Histogram, log_odds, rank


def histogram(values: np.ndarray, reference: np.ndarray, parts: int = 3) -> Histogram:
    whole = Histogram.empty()
    for some in np.array_split(np.arange(len(values)), parts):
        whole.add(values[some], reference[some])
    return whole


@pytest.mark.parametrize("scale", [0.01, 3.0, 60.0])
@pytest.mark.parametrize("share", [0.001, 0.3])
def test_it_is_scikit_learns_on_the_rounded_values(scale: float, share: float) -> None:
    rng = np.random.default_rng(2)
    reference = rng.random(20_000) < share
    values = (rng.normal(size=20_000) * scale + reference * scale).astype(np.float16)
    found, exact = histogram(values, reference), values.astype(np.float64)
    assert found.average_precision == pytest.approx(average_precision_score(reference, exact), rel=1e-12)
    assert found.roc_auc == pytest.approx(roc_auc_score(reference, exact), rel=1e-12)


def test_a_network_that_is_sure_of_nearly_everything() -> None:
    # Probabilities beyond 0.9999 hold the ranking: 1,024 bins of probability put them into one.
    rng = np.random.default_rng(4)
    reference = rng.random(30_000) < 0.1
    logits = rng.normal(14, 2, 30_000) + reference * 3
    probabilities = np.stack([1 / (1 + np.exp(logits)), 1 / (1 + np.exp(-logits))]).astype(np.float32)
    exact = average_precision_score(reference, logits)
    found = histogram(log_odds(probabilities, (1,)), reference).average_precision
    assert found == pytest.approx(exact, abs=2e-3)
    coarse = average_precision_score(reference, np.floor(probabilities[1] * 1024))
    assert coarse < exact - 0.2


def test_by_hand() -> None:
    # Falling: hit, false, hit and false together: 1/2 * 1 + 1/2 * 2/4.
    values, reference = np.array([3, 2, 1, 1], np.float16), np.array([True, False, True, False])
    assert histogram(values, reference).average_precision == pytest.approx(3 / 4)
    assert histogram(values, ~reference).average_precision == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert histogram(values, np.zeros(4, np.bool_)).average_precision is None
    assert histogram(values, np.ones(4, np.bool_)).average_precision == 1
    # Of four pairs: 3 above 2, 3 above 1, 1 below 2, 1 beside 1.
    assert histogram(values, reference).roc_auc == pytest.approx((1 + 1 + 0 + 0.5) / 4)
    assert histogram(values, ~reference).roc_auc == pytest.approx(1.5 / 4)
    assert histogram(values, np.zeros(4, np.bool_)).roc_auc is None
    assert histogram(values, np.ones(4, np.bool_)).roc_auc is None


def test_bins_keep_the_order_of_every_number() -> None:
    bits = np.arange(BINS, dtype=np.uint16).view(np.float16)
    values = np.sort(bits[~np.isnan(bits)])
    bins = rank(values).astype(int)
    assert (np.diff(bins)[np.diff(values) > 0] > 0).all()
    assert rank(np.array([-0.0], np.float16)) == rank(np.array([0.0], np.float16))
    assert rank(np.array([-np.inf], np.float16)) == bins.min()


def test_histograms_of_cases_add_up_to_that_of_their_voxels() -> None:
    rng = np.random.default_rng(6)
    values, reference = rng.normal(size=500).astype(np.float16), rng.random(500) < 0.4
    parts = histogram(values[:200], reference[:200]) + histogram(values[200:], reference[200:])
    assert parts.average_precision == histogram(values, reference).average_precision


def test_voxels_that_no_window_covers_come_last() -> None:
    values, reference = np.array([-80, -81], np.float16), np.array([True, False])
    part = histogram(values, reference)
    part.add_never_found(positives=1, negatives=7)
    assert part.average_precision == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 10)


def test_log_odds_of_a_union() -> None:
    probabilities = np.array([[0.5, 0, 1], [0.25, 1, 0], [0.25, 0, 0]], np.float32)
    assert log_odds(probabilities, (1, 2)).tolist() == [0, np.inf, -np.inf]
    assert log_odds(probabilities, (2,))[0] == pytest.approx(np.log(1 / 3), rel=1e-3)
