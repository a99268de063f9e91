import dataclasses
import random
from collections.abc import Iterator

import pytest

from study.design import Design, KnownTrial, Segment
from study.planning.arm_lead import best_lead
from study.planning.planner import Planner
from study.planning.shortest_time import floor
from study.planning.simulate import Trouble, simulate
from study.planning.time_left import Speeds
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
    least = floor(big, SECOND, slots)
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


class TestLead:
    """Small studies let their first arms go ahead where that ends them sooner."""

    FOUR = design(arms=tuple(arm(index, tuned=False) for index in range(4)), marks=(10, 30), final_seeds=3)

    def test_it_is_chosen_by_trying(self) -> None:
        many = design(arms=tuple(arm(index) for index in range(12)), trials_per_arm=18, cohort=6, marks=(10, 20, 60))
        lead = best_lead(many, SECOND, 32)
        assert lead > 0
        assert simulate(many, SECOND, 32, lead=lead).seconds < simulate(many, SECOND, 32).seconds

    def test_without_a_gain_or_with_many_trials_there_is_none(self) -> None:
        assert best_lead(self.FOUR, SECOND, 12) == 0.0
        assert best_lead(design(), SECOND, 3) == 0.0
        huge = design(arms=tuple(arm(index) for index in range(60)))
        assert best_lead(huge, SECOND, 32) == 0.0

    def test_unknown_speeds_count_as_equal(self) -> None:
        assert best_lead(self.FOUR, Speeds({}), 5) == best_lead(self.FOUR, SECOND, 5)


class TestFloor:
    def test_by_hand(self) -> None:
        """Two untuned arms with three finals of 10 and 20 s: 180 s of work, 30 s one after the other."""
        finals = design(arms=(arm(0, tuned=False), arm(1, tuned=False)))
        assert floor(finals, SECOND, 6) == 30.0
        assert floor(finals, SECOND, 4) == 50.0  # 45, of tens
        assert floor(finals, SECOND, 1) == 180.0
        assert floor(finals, Speeds({"unet": 0.25}), 4) == 45.0 / 4  # no whole seconds, nothing to round

    def test_what_can_run_only_at_the_end_leaves_slots_empty(self) -> None:
        """Three arms on ten slots, 750 s of work: in the last 30 s nine finals leave one empty, so 30 + 480 / 10."""
        three = design(arms=tuple(arm(index) for index in range(3)))
        found = simulate(three, SECOND, 10)
        assert (found.work, found.bound) == (750, 75)
        assert floor(three, Speeds({"unet": 0.25}), 10) == 78 / 4
        assert floor(three, SECOND, 10) == 80 <= found.seconds  # of tens

    @pytest.mark.parametrize("seed", range(4))
    def test_no_order_goes_below(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        draw = random.Random(seed)
        owed = Planner.owed

        def shuffled(planner: Planner) -> Iterator[Segment]:
            segments = list(owed(planner))
            draw.shuffle(segments)
            return iter(segments)

        monkeypatch.setattr(Planner, "owed", shuffled)
        for _ in range(12):
            study = design(
                arms=tuple(arm(index, tuned=draw.random() < 0.8) for index in range(draw.randint(1, 4))),
                marks=draw.choice([(10,), (10, 30), (5, 10, 30)]),
                eta=draw.choice([1, 2, 3]),
                trials_per_arm=draw.choice([6, 12]),
                cohort=draw.choice([2, 3, 6]),
                sampler=draw.choice(["tpe", "random"]),
                searches=draw.choice([1, 2]),
                folds=draw.choice([1, 2]),
                search_in=draw.choice(["first_fold", "each_fold"]),
                independent=draw.random() < 0.3,
            )
            slots = draw.randint(1, 20)
            found = simulate(study, SECOND, slots)
            assert found.bound <= floor(study, SECOND, slots) <= found.seconds + 1e-9, (study, slots)
