import dataclasses

from study.planning.promotion import Rung, promoted, rungs, winner
from tests.study.plans import known
from tests.study.plans import two_arms as design


def test_promotion_by_hand() -> None:
    cohort = [
        known(0, {10: 0.3}),
        known(1, {10: 0.7}),
        known(2, {10: 0.7}),
        known(3, {}, "failed"),
        known(4, {10: None}),
        known(5, {10: None}),
        known(6, {}, "failed"),
    ]
    assert [t.plan.key.number for t in promoted(cohort, 10, eta=2)] == [1, 2, 0]  # 7 // 2, ties to the lower number
    assert [t.plan.key.number for t in promoted(cohort, 10, eta=1)] == [1, 2, 0, 4, 5]  # missing last, failed never
    assert [t.plan.key.number for t in promoted(cohort, 10, eta=9, maximize=False)] == [0]  # at least one
    assert promoted([known(0, {}, "failed")], 10, eta=2) == []


def test_the_winner_reached_the_last_mark() -> None:
    trials = [known(0, {10: 0.9}, "halved"), known(1, {10: 0.5, 30: 0.6}), known(2, {10: 0.5, 30: 0.6})]
    best = winner(trials, design())
    assert best is not None
    assert best.plan.key.number == 1
    assert winner(trials[:1], design()) is None


SIX = [known(number, {10: value}) for number, value in enumerate((0.3, 0.9, 0.5, 0.7, 0.1, 0.2))]
THREE_MARKS = design(marks=(10, 30, 90), cohort=6, trials_per_arm=6)


def _numbers(rung: Rung) -> tuple[list[int], list[int], int]:
    return [t.plan.key.number for t in rung.entrants], [t.plan.key.number for t in rung.halved], rung.left


def test_a_cohort_that_is_not_sampled_has_counts_only() -> None:
    assert [_numbers(rung) for rung in rungs(THREE_MARKS, 6)] == [([], [], 6), ([], [], 3), ([], [], 1)]
    assert [rung.left for rung in rungs(dataclasses.replace(THREE_MARKS, eta=1), 6)] == [6, 6, 6]
    assert [rung.left for rung in rungs(dataclasses.replace(THREE_MARKS, eta=4), 6)] == [6, 1, 1]


def test_a_decided_mark_ends_half_of_the_cohort() -> None:
    first, second, third = rungs(THREE_MARKS, 6, SIX)
    assert _numbers(first) == ([0, 1, 2, 3, 4, 5], [0, 4, 5], 0)
    assert _numbers(second) == ([1, 2, 3], [], 3)
    assert _numbers(third) == ([], [], 1)


def test_one_trial_under_way_keeps_a_mark_open() -> None:
    waiting = [*SIX[:4], known(4, {}), known(5, {}, "failed")]
    assert [_numbers(rung) for rung in rungs(THREE_MARKS, 6, waiting)] == [
        ([0, 1, 2, 3, 4, 5], [], 1),
        ([], [], 3),
        ([], [], 1),
    ]


def test_failures_leave_fewer_to_promote() -> None:
    alive = [known(number, {}, "failed") for number in range(4)] + [known(4, {10: 0.1}), known(5, {})]
    assert [rung.left for rung in rungs(THREE_MARKS, 6, alive)] == [1, 2, 1]  # three would go on: two are left
    none = [known(number, {}, "failed") for number in range(6)]
    assert [rung.left for rung in rungs(THREE_MARKS, 6, none)] == [0, 0, 0]


def test_without_halving_nobody_waits() -> None:
    all_on = dataclasses.replace(THREE_MARKS, eta=1)
    trials = [known(0, {10: 0.1, 30: 0.2}), known(1, {}), known(2, {10: 0.3}, "failed")]
    assert [_numbers(rung) for rung in rungs(all_on, 3, trials)] == [
        ([0, 1, 2], [], 1),
        ([0, 1, 2], [], 1),
        ([0, 1], [], 2),
    ]
