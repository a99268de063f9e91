from study.design import KnownTrial
from study.planning.cohort_sampling import sample
from study.planning.planner import decide
from study.planning.search import Search
from study.planning.searches import SearchKey
from tests.study.plans import Memory, arm, known, run
from tests.study.plans import two_arms as design


def test_an_arm_whose_trials_all_fail_has_no_final_stage() -> None:
    small = design(arms=(arm(0),), trials_per_arm=2)
    assert decide(small, [known(0, {}, "failed"), known(1, {}, "failed")]).nothing


def test_an_arm_with_nothing_to_tune_goes_straight_to_its_finals() -> None:
    plan = decide(design(arms=(arm(0, tuned=False),)), [])
    assert [str(t.key) for t in plan.insert[0]] == ["final-a00-r0-f0-n000", "final-a00-r0-f0-n001"]
    assert {t.source for t in plan.insert[0]} == {None}


def test_more_final_seeds_are_only_an_addition() -> None:
    memory = Memory(design(final_seeds=2))
    run(memory, [0])
    before = dict(memory.trials)
    memory.design = design(final_seeds=3)
    run(memory, [0])
    added = set(memory.trials) - set(before)
    assert sorted(map(str, added)) == ["final-a00-r0-f0-n002", "final-a01-r0-f0-n002"]


def test_no_cohort_is_added_once_test_cases_were_read() -> None:
    memory = Memory(design())
    run(memory, [0])
    plan = decide(design(trials_per_arm=8), memory.trials.values())
    assert plan.insert == ()


def test_eta_1_sends_all_on_without_waiting() -> None:
    trials = [known(0, {10: 0.1}), known(1, {})]
    owed = decide(design(arms=(arm(0),), trials_per_arm=2, eta=1), trials).owed
    assert [(s.trial.number, s.stop) for s in owed] == [(1, 10), (0, 30)]  # more waits for the first mark


def test_promotion_runs_beside_the_next_cohort() -> None:
    tpe = design(arms=(arm(0),), trials_per_arm=4, cohort=2, sampler="tpe")
    first = [known(0, {10: 0.2}), known(1, {10: 0.4})]
    plan = decide(tpe, first)
    assert [s.trial.number for s in plan.owed] == [1]
    assert [[t.key.number for t in batch] for batch in plan.insert] == [[2, 3]]


def test_one_search_inserts_its_cohorts_then_its_final_trials() -> None:
    search = Search(design(trials_per_arm=2, final_seeds=3), SearchKey(1, 0, 0), sample)
    (cohort,) = search.changes().insert
    assert [str(plan.key) for plan in cohort] == ["search-a01-r0-f0-n000", "search-a01-r0-f0-n001"]
    for plan, value in zip(cohort, (0.2, 0.6), strict=True):
        search.record(KnownTrial(plan, values={10: value}))
    changes = search.changes()
    assert [key.number for key in changes.halved] == [0]
    assert [(owed.chain, owed.segment.start, owed.segment.stop) for owed in changes.owed] == [(20 + 30, 10, 30)]
    search.record(KnownTrial(cohort[0], "halved", {10: 0.2}))
    search.record(KnownTrial(cohort[1], "finished", {10: 0.6, 30: 0.7}))
    (finals,) = search.changes().insert
    assert [plan.source for plan in finals] == [cohort[1].key] * 3
