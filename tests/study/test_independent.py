"""Independent marks in plan and trial: the same segments, each final one at the cost of a whole training."""

import dataclasses

import pytest

from search_spaces.grammar import Fixed
from study.design import Design, PlannedTrial, Segment, TrialKey
from study.ledger.rows import Case
from study.planning.planned_work import forecast
from study.planning.planner import Planner
from study.planning.time_left import Speeds, left
from study.study_file import SpecError
from study.trial_specs import Data, trial_spec
from tests.study.plans import Memory, arm, run
from tests.study.study_files import study

SHARED = Design(seed=3, arms=(arm(0), arm(1, tuned=False)), marks=(2, 5, 9), trials_per_arm=6, cohort=6, final_seeds=2)
ALONE = dataclasses.replace(SHARED, independent=True)
MARKS = {"budget.halving": {"eta": 1, "marks": [25, 100]}, "budget.marks": "independent"}


@pytest.mark.parametrize("kill", [frozenset[int](), frozenset({3, 7, 12})])
def test_the_plan_is_the_same(kill: frozenset[int]) -> None:
    assert run(Memory(ALONE), [0, 2, 1], kill=kill) == run(Memory(SHARED), [0])


def test_a_final_segment_costs_its_whole_mark() -> None:
    shared, alone = (forecast(design) for design in (SHARED, ALONE))
    assert [b.iterations - a.iterations for a, b in zip(shared, alone, strict=True)] == [2 * (2 + 5 + 9 - 9)] * 2
    assert [b.segments - a.segments for a, b in zip(shared, alone, strict=True)] == [0, 0]
    speeds = Speeds({"unet": 2.0}, {"unet": 3.0})
    before, after = left(SHARED, [], speeds), left(ALONE, [], speeds)
    assert before is not None
    assert after is not None
    assert after.work - before.work == pytest.approx(2 * 2 * 2.0 * 7)
    assert after.chain - before.chain == pytest.approx(2.0 * 7)


def test_a_final_trial_still_goes_from_mark_to_mark() -> None:
    one = arm(0, tuned=False)
    arms = tuple(
        dataclasses.replace(one, index=i, name=f"a{i}", space={"x": Fixed(1)}, default={"x": 1}) for i in (0, 1)
    )
    memory = Memory(dataclasses.replace(ALONE, arms=arms))
    planner = Planner(memory.design)
    memory.take_in(planner)
    first = next(planner.owed())
    planner.record(memory.complete(first))
    trial = TrialKey("final", 0, 0, 0, 0)
    assert first == Segment(trial, 0, 2)
    assert Segment(trial, 2, 5) in list(planner.owed())


def test_only_the_final_stage_is_independent() -> None:
    made = study(MARKS)
    assert made.design().independent
    cases = [Case(name, name, (role,), {}) for name, role in (("a", "train"), ("b", "validation"), ("c", "test"))]
    data = Data("index", "digest", tuple(cases))
    found = {
        stage: trial_spec(
            made, made.arms[0], PlannedTrial(TrialKey(stage, 0, 0, 0, 0), 0, 1, made.arms[0].default), data, gpu=0
        ).independent
        for stage in ("search", "final")
    }
    assert found == {"search": False, "final": True}
    assert not study().design().independent


def test_with_one_mark_it_means_nothing() -> None:
    with pytest.raises(SpecError, match=r"budget\.marks: there is one mark only"):
        study({"budget.marks": "independent"})
    assert study({**MARKS, "budget.halving": {"eta": 2, "marks": [25, 100]}}).budget.marks == "independent"
