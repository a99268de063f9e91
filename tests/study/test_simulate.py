import dataclasses

import pytest

from study.design import Design
from study.simulate import Trouble, simulate
from study.time_left import Speeds
from tests.study.plans import arm

SECOND = Speeds({"unet": 1.0})


def design(**changes: object) -> Design:
    plain = Design(
        seed=1,
        arms=(arm(0),),
        marks=(10, 30),
        eta=2,
        trials_per_arm=8,
        cohort=4,
        sampler="tpe",
        searches=1,
        final_seeds=3,
        folds=1,
        search_in="first_fold",
        maximize=True,
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def test_finals_alone_by_hand() -> None:
    """Three trainings of 10 + 20 s: on two slots the third waits for both marks of the first two."""
    finals = design(arms=(arm(0, tuned=False),))
    one, two, three = (simulate(finals, SECOND, slots) for slots in (1, 2, 3))
    assert (one.seconds, one.utilisation, one.segments) == (90, 1.0, 6)
    assert (two.seconds, two.bound) == (60, 45)
    assert (three.seconds, three.bound, three.chain) == (30, 30, 30)


def test_a_search_with_halving_by_hand() -> None:
    """Eight slots: cohort 0 to 10, then cohort 1 beside the two of cohort 0 that go on, then the finals."""
    found = simulate(design(), SECOND, 8)
    assert found.seconds == 10 + 10 + 20 + 30
    assert found.busy == found.work == 8 * 10 + 4 * 20 + 3 * 30
    assert found.chain == found.seconds == found.bound


def test_overhead_and_evaluation_count() -> None:
    finals = design(arms=(arm(0, tuned=False),), final_seeds=1)
    found = simulate(finals, Speeds({"unet": 1.0}, {"unet": 5.0}), 1, overhead=0.5)
    assert found.seconds == 30 + 2 * 5 + 2 * 0.5


def test_the_slowest_arm_limits() -> None:
    slow = dataclasses.replace(arm(1), model="vnet")
    found = simulate(design(arms=(arm(0), slow)), Speeds({"unet": 1.0, "vnet": 3.0}), 100)
    assert found.limiting == slow.name
    assert found.seconds == 3 * (10 + 10 + 20 + 30)


def test_a_lost_slot_costs_what_followed_its_last_checkpoint() -> None:
    calm = simulate(design(), SECOND, 4)
    stormy = simulate(design(), SECOND, 4, trouble=Trouble(seconds_between_losses=20, seconds_between_checkpoints=5))
    assert calm.losses == 0
    assert stormy.losses > 3
    assert stormy.segments == calm.segments
    assert calm.busy < stormy.busy <= calm.busy + 5 * stormy.losses
    assert stormy == simulate(
        design(), SECOND, 4, trouble=Trouble(seconds_between_losses=20, seconds_between_checkpoints=5)
    )


def test_trials_that_fail_end_and_the_study_ends_too() -> None:
    found = simulate(design(eta=1), SECOND, 4, trouble=Trouble(failures=0.5, seed=3))
    whole = simulate(design(eta=1), SECOND, 4)
    assert found.segments < whole.segments
    assert simulate(design(), SECOND, 4, trouble=Trouble(failures=1.0)).segments == 8, "the first mark of each trial"


@pytest.mark.parametrize(("slots", "speeds"), [(0, SECOND), (1, Speeds({}))])
def test_no_slot_and_no_speed_are_refused(slots: int, speeds: Speeds) -> None:
    with pytest.raises(ValueError, match="at least one slot and one speed"):
        simulate(design(), speeds, slots)


@pytest.mark.parametrize("slots", [8, 200])
def test_many_arms_come_close_to_the_bound(slots: int) -> None:
    big = design(arms=tuple(arm(index) for index in range(12)), trials_per_arm=18, cohort=6, marks=(10, 20, 60))
    found = simulate(big, SECOND, slots)
    assert found.bound <= found.seconds <= 1.1 * found.bound
