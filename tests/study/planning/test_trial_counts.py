from study.design import KnownTrial, PlannedTrial, TrialKey
from study.planning.trial_counts import cohorts, members, to_train
from tests.study.plans import arm, grid_arm, known
from tests.study.plans import two_arms as design


def test_cohorts_are_ranges_of_trial_numbers() -> None:
    assert cohorts(design(trials_per_arm=6, cohort=3), arm(0)) == (range(3), range(3, 6))
    assert cohorts(design(), arm(0, tuned=False)) == ()
    grid = design(sampler="grid", trials_per_arm=8, cohort=4)
    assert cohorts(grid, grid_arm()) == (range(4), range(4, 6))  # six points


def test_members_leave_out_the_final_stage() -> None:
    final = KnownTrial(PlannedTrial(TrialKey("final", 0, 0, 0, 0), 0, 1, {}))
    trials = [known(0, {}), known(2, {}, cohort=1), known(1, {}), final]
    found = members(trials)
    assert {cohort: [t.plan.key.number for t in each] for cohort, each in found.items()} == {0: [0, 1], 1: [2]}


def test_what_is_still_to_train() -> None:
    """Two cohorts of two with eta 2 at marks 10 and 30: four trials to 10, one of each cohort to 30."""
    study = design()
    assert to_train(study, arm(0)) == (4, 2)
    half = [known(0, {10: 0.5}), known(1, {})]
    assert to_train(study, arm(0), half) == (1 + 2, 1 + 1)
    final = KnownTrial(PlannedTrial(TrialKey("final", 0, 0, 0, 0), 0, 1, {}))
    assert to_train(study, arm(0), [*half, final]) == (1, 1)  # no second cohort after test cases were read
    assert to_train(study, arm(0, tuned=False)) == (0, 0)
