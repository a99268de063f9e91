"""The correlated Bayesian t-test by hand, and its calibration."""

import math

import numpy as np
import pytest

from reports.statistics.correlated_t import Posterior, chances, posterior


def test_a_posterior_by_hand() -> None:
    # Mean 0.03; s² = (0.02² + 0 + 0.02² + 0) / 3; with r = 1/5, 1/4 + (1/5)/(4/5) = 1/2.
    found = posterior(np.array([0.01, 0.03, 0.05, 0.03]), 0.2)
    assert found is not None
    assert found.freedom == 3
    assert (found.mean, found.scale) == pytest.approx((0.03, math.sqrt(0.0008 / 3 / 2)))
    alone = posterior(np.array([0.01, 0.03, 0.05, 0.03]))
    assert alone is not None
    assert alone.scale == pytest.approx(math.sqrt(0.0008 / 3 / 4))


def test_chances_by_hand() -> None:
    # With one degree of freedom, Cauchy's distribution: F(x) = 1/2 + arctan(x) / pi. Mean 1, scale 1, margin 1:
    # below -1 is F(-2), above 1 is one half.
    below, within, above = chances(Posterior(1.0, 1.0, 1), 1.0)
    assert (below, above) == pytest.approx((0.5 - math.atan(2) / math.pi, 0.5))
    assert below + within + above == pytest.approx(1.0)
    assert chances(Posterior(-1.0, 0.5, 1)) == pytest.approx(
        (0.5 + math.atan(2) / math.pi, 0, 0.5 - math.atan(2) / math.pi)
    )


def test_chances_of_either_side_mirror_each_other() -> None:
    differences = np.array([0.02, -0.01, 0.04, 0.03, 0.05])
    one, other = posterior(differences, 0.1), posterior(-differences, 0.1)
    assert one is not None
    assert other is not None
    assert chances(one, 0.01) == pytest.approx(chances(other, 0.01)[::-1])


def test_what_has_no_posterior() -> None:
    assert posterior(np.array([0.1])) is None
    assert posterior(np.array([0.1, 0.1, 0.1])) is None
    assert posterior(np.array([])) is None
    for correlation in (1.0, -0.1):
        with pytest.raises(ValueError, match=r"expected a number in \[0, 1\)"):
            posterior(np.array([0.1, 0.2]), correlation)


@pytest.mark.parametrize(("count", "correlation"), [(10, 0.2), (15, 0.2), (20, 0.0), (6, 1 / 3)])
def test_it_is_calibrated_where_trainings_are_correlated(count: int, correlation: float) -> None:
    """No difference: a chance above 0.975 on either side comes in 5 % of studies; without the correlation, in more."""
    random = np.random.default_rng(0)
    shared, own = random.normal(size=(4000, 1)), random.normal(size=(4000, count))
    studies = math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * own

    def claimed(assumed: float) -> float:
        found = [posterior(study, assumed) for study in studies]
        return float(np.mean([max(chances(one)) > 0.975 for one in found if one is not None]))

    assert claimed(correlation) == pytest.approx(0.05, abs=0.011)  # three standard errors
    if correlation:
        assert claimed(0.0) > 0.2
