import dataclasses

import pytest

from study.design import KnownTrial
from study.planning.arm_lead import best_lead
from study.planning.planner import Planner
from study.planning.shortest_time import shortest_seconds
from study.planning.simulate import Trouble, simulate
from study.planning.time_left import Speeds
from tests.study.plans import SECOND, arm
from tests.study.plans import one_arm as design


def test_finals_alone_by_hand() -> None:
    """Three trainings of 10 + 20 s: on two slots the third has its first mark before the others go on."""
    finals = design(arms=(arm(0, tuned=False),))
    one, two, three = (simulate(finals, SECOND, slots) for slots in (1, 2, 3))
    assert (one.seconds, one.utilisation, one.segments) == (90, 1.0, 6)
    assert (two.seconds, two.bound) == (50, 45)
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
    assert found.seconds == found.busy == 30 + 2 * 5 + 2 * 0.5
    assert simulate(finals, Speeds({"unet": 1.0}), 3, overhead=0.5).busy == 31, "a slot that waits is not busy"


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


@pytest.mark.parametrize("slots", [8, 32, 48, 64, 200])
def test_twelve_arms_come_within_a_twentieth_of_what_any_order_can_do(slots: int) -> None:
    big = design(arms=tuple(arm(index) for index in range(12)), trials_per_arm=18, cohort=6, marks=(10, 20, 60))
    found = simulate(big, SECOND, slots, lead=best_lead(big, SECOND, slots))
    least = shortest_seconds(big, SECOND, slots)
    assert found.bound <= least <= found.seconds <= 1.05 * least


def test_who_has_most_behind_it_goes_first() -> None:
    """One slot: the second cohort's first marks before what goes on of the first, since more waits for them."""
    planner, trials = Planner(design()), {}
    for plan in planner.changes()[0][0]:
        trials[plan.key.number] = KnownTrial(plan)
        planner.record(trials[plan.key.number])
    for number in range(4):
        trials[number].values[10] = number / 10
        planner.record(trials[number])
    insert, halved = planner.changes()
    for plan in insert[0]:
        planner.record(KnownTrial(plan))
    for key in halved:
        trials[key.number].status = "halved"
        planner.record(trials[key.number])
    assert [(segment.trial.number, segment.stop) for segment in planner.owed()] == [
        (4, 10), (5, 10), (6, 10), (7, 10), (2, 30), (3, 30),
    ]  # fmt: skip
