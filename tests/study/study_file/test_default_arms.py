"""`budget.defaults`: each tuned arm's default parameters as an arm beside it, from the study file to the plan."""

import pytest

from search_spaces.grammar import Fixed
from study.design import DEFAULTS, KnownTrial, TrialKey
from study.planning.planner import decide
from study.study_file import SpecError, Study, trial_fields
from study.study_file.recorded.changes import difference
from tests.study.study_files import changed, study

WITH = {"budget.defaults": True}


def test_each_tuned_arm_gets_one_with_nothing_to_tune() -> None:
    made, plain = study(WITH), study()
    assert [arm.name for arm in made.arms] == [
        *(arm.name for arm in plain.arms),
        *(a.name + DEFAULTS for a in plain.arms),
    ]
    assert [arm.index for arm in made.arms] == list(range(len(made.arms)))
    tuned, usual = made.arms[1], made.arms[len(plain.arms) + 1]
    assert tuned == plain.arms[1]
    assert (usual.model, usual.loss, usual.weighting, usual.default) == (tuned.model, tuned.loss, "none", tuned.default)
    assert usual.space == {name: Fixed(value) for name, value in tuned.default.items()}
    assert trial_fields(made, usual, usual.default) == trial_fields(made, tuned, tuned.default)
    assert Study.from_plain(made.plain()) == made


def test_the_plan_takes_it_to_the_final_stage_at_once() -> None:
    made = study(WITH)
    design, usual = made.design(), made.arms[-1]
    batches = decide(design, ()).insert
    mine = [plan for batch in batches for plan in batch if plan.key.arm == usual.index]
    assert [plan.key for plan in mine] == [
        TrialKey("final", usual.index, 0, 0, seed) for seed in range(design.final_seeds)
    ]
    assert all(plan.parameters == usual.default and plan.source is None for plan in mine)
    others = [plan for batch in batches for plan in batch if plan.key.arm == 0]
    assert {plan.key.stage for plan in others} == {"search"}
    known = [KnownTrial(plan, {design.marks[-1]: 0.5}, "finished") for plan in mine]
    again = [plan for batch in decide(design, known).insert for plan in batch]
    assert usual.index not in {plan.key.arm for plan in again}


def test_it_may_be_added_and_not_taken_away() -> None:
    before, after = study().plain(), study(WITH).plain()
    found = difference(before, after)
    assert found.incompatible == []
    assert found.new_arms == tuple(arm.name for arm in study(WITH).arms[len(study().arms) :])
    assert not found.more_trials
    assert difference(after, before).incompatible == ["budget.defaults: true in the ledger, false in the file"]
    names = [arm.name for arm in study().arms]
    assert [arm.name for arm in study(WITH).design(names).arms] == [arm.name for arm in study(WITH).arms]


def test_where_nothing_is_tuned_it_is_refused() -> None:
    fixed = {"losses": ["dice"], "training.learning_rate": 0.001}
    with pytest.raises(SpecError, match=r"budget\.defaults: nothing is tuned"):
        Study.from_plain(changed({**WITH, **fixed}))
