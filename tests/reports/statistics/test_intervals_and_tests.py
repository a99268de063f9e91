import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from reports.statistics.intervals_and_tests import (
    Floats,
    group_effects,
    group_sums,
    sign_flip,
    standardised,
    two_way_t,
)

# Two seeds, three cases, the first two of one patient:   seed 0: 1 3 | 2    seed 1: 2 4 | 6    overall mean 3.
# M = (sums - 3 n_g) 2/3 + 3:                             seed 0: 5/3, 7/3   seed 1: 3, 5
VALUES = np.array([[1.0, 3, 2], [2, 4, 6]])
GROUPS = np.array([0, 0, 1])
EFFECTS = np.array([[5 / 3, 7 / 3], [3, 5]])


def test_group_effects_by_hand() -> None:
    assert group_effects(VALUES, GROUPS) == pytest.approx(EFFECTS)


def test_two_way_t_by_hand() -> None:
    # Group means 7/3 and 11/3: MS_G = 2 (4/9 + 4/9) = 16/9. Seed means 2 and 4: MS_S = 2 (1 + 1) = 4.
    # Every residual is 1/3 or -1/3: MS_GS = 4/9. V = (16/9 + 4 - 4/9) / 4 = 4/3.
    # Satterthwaite: (16/3)^2 / ((16/9)^2 + 4^2 + (4/9)^2) = 72/49.
    estimate = two_way_t(EFFECTS)
    reach = stats.t.ppf(0.975, 72 / 49) * np.sqrt(4 / 3)
    assert estimate.mean == pytest.approx(3)
    assert estimate.freedom == pytest.approx(72 / 49)
    assert (estimate.low, estimate.high) == (pytest.approx(3 - reach), pytest.approx(3 + reach))
    assert estimate.p is None  # two groups
    assert (estimate.groups, estimate.seeds) == (2, 2)


def test_seeds_that_agree_leave_the_groups_degrees_of_freedom() -> None:
    # Seed means are equal: MS_S = 0 <= MS_GS, so V = MS_G / (G S) and G - 1 degrees of freedom.
    # Group means 2, 4, 9 around 5: MS_G = 2 (9 + 1 + 16) / 2 = 26, V = 26 / 6.
    estimate = two_way_t(np.array([[1.0, 5, 9], [3, 3, 9]]))
    assert estimate.freedom == 2
    assert estimate.high == pytest.approx(5 + stats.t.ppf(0.975, 2) * np.sqrt(26 / 6))


def test_degrees_of_freedom_stay_above_those_of_the_lesser_mean_square() -> None:
    # Group means all 2: MS_G = 0. Seed means 0, 2, 4: MS_S = 3 (4 + 0 + 4) / 2 = 12. Residuals by seed
    # (2 -2 0), (0 2 -2), (-2 0 2): MS_GS = 24 / 4 = 6. V = (0 + 12 - 6) / 9.
    # Satterthwaite: 6^2 / (12^2 / 2 + 6^2 / 4) = 4/9, below S - 1 = 2.
    estimate = two_way_t(np.array([[2.0, -2, 0], [2, 4, 0], [2, 4, 6]]))
    assert estimate.freedom == 2
    assert estimate.high == pytest.approx(2 + stats.t.ppf(0.975, 2) * np.sqrt(6 / 9))


@pytest.mark.parametrize("groups", [6, 11])
def test_one_seed_and_one_case_a_group_is_the_paired_t_test(groups: int) -> None:
    random = np.random.default_rng(groups)
    arm, baseline = random.normal(0.8, 0.1, (2, groups))
    estimate = two_way_t(group_effects((arm - baseline)[None], np.arange(groups)))
    expected = stats.ttest_rel(arm, baseline)
    interval = expected.confidence_interval(0.95)
    assert estimate.mean == pytest.approx(np.mean(arm - baseline))
    assert estimate.p == pytest.approx(expected.pvalue)
    assert (estimate.low, estimate.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert estimate.freedom == expected.df


def test_groups_of_equal_size_give_group_means() -> None:
    random = np.random.default_rng(1)
    values = random.normal(size=(3, 12))
    effects = group_effects(values, np.repeat(np.arange(4), 3))
    assert effects == pytest.approx(values.reshape(3, 4, 3).mean(axis=2))


def test_mean_weighs_cases_and_not_groups_and_ignores_their_order() -> None:
    random = np.random.default_rng(2)
    values, groups = random.normal(size=(2, 9)), np.array([5, 5, 5, 5, 5, 2, 2, 0, 1])
    order = random.permutation(9)
    there, shuffled = (
        two_way_t(group_effects(values, groups)),
        two_way_t(group_effects(values[:, order], groups[order])),
    )
    assert there.mean == pytest.approx(values.mean())
    assert (shuffled.low, shuffled.high) == (pytest.approx(there.low), pytest.approx(there.high))


def test_one_group_has_no_interval() -> None:
    estimate = two_way_t(group_effects(np.array([[0.5, 0.7], [0.6, 0.8]]), np.zeros(2, dtype=np.intp)))
    assert estimate.mean == pytest.approx(0.65)
    assert (estimate.low, estimate.high, estimate.p, estimate.freedom) == (None, None, None, None)


@pytest.mark.parametrize(("groups", "tested"), [(5, False), (6, True)])
def test_no_p_below_six_groups(groups: int, tested: bool) -> None:
    estimate = two_way_t(np.random.default_rng(0).normal(size=(3, groups)))
    assert (estimate.p is not None) is tested
    assert estimate.low is not None


def test_differences_that_never_vary() -> None:
    assert two_way_t(np.zeros((3, 8))).p == 1.0
    constant = two_way_t(np.full((3, 8), 0.25))
    assert (constant.p, constant.low, constant.high) == (0.0, 0.25, 0.25)


def test_missing_values_and_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        group_effects(np.array([[1.0, np.nan]]), np.array([0, 1]))
    with pytest.raises(ValueError, match="got"):
        group_effects(np.ones((2, 3)), np.array([0, 1]))
    with pytest.raises(ValueError, match="non-empty"):
        group_effects(np.ones((0, 3)), np.array([0, 1, 2]))


def test_sign_flip_by_hand() -> None:
    # Sums 3, 1, 2: of the eight sign patterns only +++ and --- reach 6.
    assert sign_flip(np.array([[3.0, 1, 2]])) == 2 / 8
    # Sums 3, 1, -2 (total 2): |total| >= 2 for all but (+ + +) -> 2 ... eight patterns give 2 0 6 4 and their negatives
    assert sign_flip(np.array([[3.0, 1, -2]])) == 6 / 8
    # Two seeds are averaged: sums 3, 1, 2 again.
    assert sign_flip(np.array([[2.0, 0, 3], [4, 2, 1]])) == 2 / 8


def test_sign_flip_by_draws_agrees_with_scipy() -> None:
    sums = np.random.default_rng(3).normal(0.4, 1, (1, 20))
    drawn = sign_flip(sums)
    expected = stats.permutation_test(
        (sums[0], np.zeros(20)), lambda a, b: np.sum(a - b), permutation_type="samples", n_resamples=20_000, rng=0
    )
    assert drawn == pytest.approx(expected.pvalue, abs=0.02)
    assert drawn == sign_flip(sums)  # the draws are seeded
    assert sign_flip(np.full((1, 20), 1.0)) == pytest.approx(1 / 10_001, abs=1e-9)  # never 0


def test_group_sums() -> None:
    assert group_sums(VALUES, GROUPS) == pytest.approx(np.array([[4, 2], [6, 6]]))


def _coverage(groups: int, seeds: int, seed_spread: float, sizes: NDArray[np.intp], studies: int = 1500) -> float:
    """Share of null studies whose interval holds 0; patients spread by 0.05, case by seed 0.03."""
    random = np.random.default_rng(groups)
    owner = np.repeat(np.arange(groups), sizes)
    held = 0
    for _ in range(studies):
        patients = random.normal(0, 0.05, groups)[owner]
        trainings = random.normal(0, seed_spread, (seeds, 1))
        values: Floats = patients + trainings + random.normal(0, 0.03, (seeds, len(owner)))
        estimate = two_way_t(group_effects(values, owner))
        assert estimate.low is not None
        assert estimate.high is not None
        held += estimate.low <= 0 <= estimate.high
    return held / studies


@pytest.mark.parametrize("seed_spread", [0.0, 0.01])
@pytest.mark.parametrize("groups", [10, 40])
def test_coverage_of_the_interval(groups: int, seed_spread: float) -> None:
    # A seeded miniature of METHOD.md's gate: 1,500 studies, so a standard error of 0.006 below the nominal 0.95.
    assert 0.925 <= _coverage(groups, 3, seed_spread, np.ones(groups, dtype=np.intp)) <= 0.98


def test_coverage_with_patients_of_one_to_three_cases() -> None:
    assert 0.925 <= _coverage(20, 3, 0.01, np.arange(20) % 3 + 1) <= 0.98


def test_a_standardised_difference_by_hand() -> None:
    # Groups differ by 1, 2, 3, 6 (means over two seeds): mean 3, SD sqrt(14 / 3), J = 1 - 3 / 11.
    effects = np.array([[0.5, 2.0, 4.0, 6.0], [1.5, 2.0, 2.0, 6.0]])
    assert standardised(effects) == pytest.approx((1 - 3 / 11) * 3 / (14 / 3) ** 0.5)
    assert standardised(-effects) == pytest.approx(-(1 - 3 / 11) * 3 / (14 / 3) ** 0.5)


def test_no_standardised_difference_without_a_spread_or_with_two_groups() -> None:
    assert standardised(np.ones((2, 5))) is None
    assert standardised(np.array([[1.0, 2.0]])) is None
