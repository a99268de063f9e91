from study.design import TrialKey
from study.planning.searches import SearchKey, all_searches, final_folds, search_of, searches_of
from tests.study.plans import Memory, arm, run
from tests.study.plans import two_arms as design

EACH = design(searches=2, folds=3, search_in="each_fold")
FIRST = design(searches=2, folds=3, search_in="first_fold")


def test_searches_times_folds() -> None:
    assert searches_of(EACH, 1) == [SearchKey(1, search, fold) for search in (0, 1) for fold in (0, 1, 2)]
    assert searches_of(FIRST, 1) == [SearchKey(1, 0, 0), SearchKey(1, 1, 0)]
    assert len(all_searches(EACH)) == 2 * 2 * 3
    assert [key.arm for key in all_searches(FIRST)] == [0, 0, 1, 1]


def test_a_trial_belongs_to_the_search_of_its_fold_or_of_the_first() -> None:
    final = TrialKey("final", 1, 0, 2, 5)
    assert search_of(EACH, final) == SearchKey(1, 0, 2)
    assert search_of(FIRST, final) == SearchKey(1, 0, 0)
    assert list(final_folds(EACH, SearchKey(1, 0, 2))) == [2]
    assert list(final_folds(FIRST, SearchKey(1, 0, 0))) == [0, 1, 2]


def test_searches_and_folds_have_their_own_winners() -> None:
    memory = Memory(design(arms=(arm(0),), searches=2, folds=2, search_in="each_fold"))
    run(memory, [0])
    finals = [t for key, t in memory.trials.items() if key.stage == "final"]
    assert len(finals) == 2 * 2 * 2
    for trial in finals:
        assert trial.plan.source is not None
        assert (trial.plan.source.search, trial.plan.source.fold) == (trial.plan.key.search, trial.plan.key.fold)


def test_a_search_in_the_first_fold_serves_all_folds() -> None:
    memory = Memory(design(arms=(arm(0),), folds=3))
    run(memory, [0])
    finals = [key for key in memory.trials if key.stage == "final"]
    assert sorted({key.fold for key in finals}) == [0, 1, 2]
    assert {key.fold for key in memory.trials if key.stage == "search"} == {0}
    assert len({repr(memory.trials[key].plan.parameters) for key in finals}) == 1
