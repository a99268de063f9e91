import numpy as np
import pytest

from tests.trainables.data.files import normalized
from trainables.data.preparing.normalization import percentiles


def test_zscore_by_hand() -> None:
    # mean 4, variance (9 + 1 + 1 + 9) / 4 = 5
    assert normalized(np.array([1, 3, 5, 7], np.float32), None, "zscore") == pytest.approx(
        np.array([-3, -1, 1, 3]) / 5**0.5
    )


def test_clipping_comes_before_normalising() -> None:
    values = np.array([-1000, 0, 10, 3000], np.float32)
    assert normalized(values, (0, 20), "minmax").tolist() == [0, 0, 0.5, 1]
    assert normalized(values, (0, 20), "none").tolist() == [0, 0, 10, 20]


@pytest.mark.parametrize("how", ["zscore", "minmax"])
def test_wild_intensities_are_tamed_and_constants_are_zero(how: str) -> None:
    wild = np.random.default_rng(0).uniform(1.6e6, 1.7e6, 10_000).astype(np.float32)
    tame = normalized(wild, None, how)
    assert np.abs(tame).max() < 3
    assert tame.std() > 0.2
    assert not normalized(np.full(5, 7.1, np.float32), None, how).any()


def test_zscore_nonzero_takes_its_statistics_inside_only() -> None:
    # inside: 2, 4, 9: mean 5, variance (9 + 1 + 16) / 3 = 26/3; the 7 lies outside and becomes 0
    values, inside = np.array([2, 7, 4, 9], np.float32), np.array([True, False, True, True])
    found = normalized(values, None, "zscore_nonzero", inside)
    assert found == pytest.approx(np.array([-3, 0, -1, 4]) / (26 / 3) ** 0.5)
    assert not normalized(values, None, "zscore_nonzero", np.zeros(4, bool)).any()


def test_percentiles_by_hand() -> None:
    # of 10, 20, 40, 80 the 25th percentile lies at 0.75 of the way to the second, the 90th at 2.7: 40 + 0.7 * 40
    assert percentiles(np.array([80, 10, 40, 20], np.float32), (25, 90)) == pytest.approx((17.5, 68))
    assert percentiles(np.empty(0, np.float32), (25, 90)) is None
