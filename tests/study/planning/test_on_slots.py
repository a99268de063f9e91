"""Advice of `check --slots`: a better cohort where it is clearly faster, and none where it is not."""

import dataclasses

import pytest

from study.planning.on_slots import WORTH_IT, forecast_on_slots
from study.planning.simulate import simulate
from tests.study.plans import SECOND, arm
from tests.study.plans import one_arm as design


def test_many_small_cohorts_on_many_slots_wait_and_larger_ones_are_proposed() -> None:
    """On 100 slots: 6 cohorts of 2 wait 6 times for a first mark, 2 of 6 twice: 60 + 20 + 30 against 20 + 20 + 30."""
    slow = design(trials_per_arm=12, cohort=2)
    found = forecast_on_slots(slow, 100)
    assert found.simulation.seconds == 110
    assert found.cohort == 6
    assert found.faster is not None
    assert found.faster.seconds == 70
    now, better = found.lines()
    assert now.startswith("on 100 slots: 3.7 trainings long one after another (no order is under 3.7), ")
    assert better.startswith("with cohort 6: 2.3 trainings long, ")


def test_on_one_slot_no_cohort_is_better() -> None:
    found = forecast_on_slots(design(trials_per_arm=12, cohort=2), 1)
    assert found.faster is None
    assert found.simulation.utilisation == 1.0
    (line,) = found.lines()
    assert line.startswith("on 1 slot: ")
    assert line.endswith(f", 100% busy; {arm(0).name} is the longest chain")


@pytest.mark.parametrize("sampler", ["random", "qmc", "grid"])
def test_samplers_that_wait_for_nothing_are_left_alone(sampler: str) -> None:
    waiting = forecast_on_slots(design(trials_per_arm=12, cohort=2), 6)
    assert waiting.cohort is not None, "TPE would gain here"
    assert forecast_on_slots(design(trials_per_arm=12, cohort=2, sampler=sampler), 6).faster is None


def test_a_slight_gain_is_no_proposal() -> None:
    """On four slots another cohort saves ten of 110 iterations: not worth another study file."""
    slow = design(trials_per_arm=12, cohort=2)
    others = [simulate(dataclasses.replace(slow, cohort=cohort), SECOND, 4).seconds for cohort in (4, 6)]
    found = forecast_on_slots(slow, 4)
    assert WORTH_IT * found.simulation.seconds < min(others) < found.simulation.seconds
    assert found.faster is None


def test_a_proposal_leaves_something_to_halve_and_two_cohorts() -> None:
    found = forecast_on_slots(design(trials_per_arm=12, cohort=4, marks=(1, 2, 3, 30)), 100)
    assert found.cohort is None, "eta 2 at four marks needs cohorts of 8, and two of them"
    huge = dataclasses.replace(design(trials_per_arm=12, cohort=2), arms=tuple(arm(i) for i in range(500)))
    assert forecast_on_slots(huge, 10_000).cohort is None
