import dataclasses
import statistics
import time
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.grammar import Scalar
from search_spaces.values import from_unit
from study.design import Design, KnownTrial, PlannedTrial, Segment, TrialKey
from study.planning import sampling
from study.planning.planned_work import forecast
from study.planning.planner import Planner, decide
from study.planning.promotion import promoted, winner
from study.planning.sampling import sample
from study.planning.searches import SearchKey
from tests.study.plans import Memory, arm, grid_arm, hashed, run


def design(**changes: object) -> Design:
    base = Design(
        seed=7,
        arms=(arm(0), arm(1)),
        marks=(10, 30),
        eta=2,
        trials_per_arm=4,
        cohort=2,
        sampler="random",
        final_seeds=2,
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def known(number: int, values: Mapping[int, float | None], status: str = "open", cohort: int = 0) -> KnownTrial:
    plan = PlannedTrial(
        TrialKey("search", 0, 0, 0, number), cohort, 1, {"loss.gamma": 1.0, "training.learning_rate": 1e-3}
    )
    return KnownTrial(plan, status, dict(values))  # type: ignore[arg-type]


@pytest.fixture
def results_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for TPE where thousands of studies are run: as sensitive to what it is told as can be, and fast."""

    def chaotic(
        design: Design, key: SearchKey, count: int, cohort: int, before: Sequence[KnownTrial]
    ) -> list[dict[str, Scalar]]:
        told = [(t.plan.key, sorted(t.plan.parameters.items()), t.values.get(design.marks[0])) for t in before]
        space = design.arms[key.arm].space
        return [
            {name: from_unit(p, hashed(told, cohort, i, name)) for name, p in sorted(space.items())}
            for i in range(count)
        ]

    monkeypatch.setattr(sampling, "_tpe", chaotic)


def test_a_small_study_step_by_step() -> None:
    small = design(arms=(arm(0),), trials_per_arm=2, final_seeds=1)
    plan = decide(small, [])
    assert [[str(t.key) for t in batch] for batch in plan.insert] == [
        ["search-a00-r0-f0-n000", "search-a00-r0-f0-n001"]
    ]
    assert plan.owed == ()

    trials = [KnownTrial(t) for t in plan.insert[0]]
    assert [(s.trial.number, s.start, s.stop) for s in decide(small, trials).owed] == [(0, 0, 10), (1, 0, 10)]

    trials[0].values[10] = 0.4
    assert [(s.trial.number, s.start, s.stop) for s in decide(small, trials).owed] == [(1, 0, 10)]

    trials[1].values[10] = 0.5
    plan = decide(small, trials)
    assert [key.number for key in plan.halved] == [0]
    assert [(s.trial.number, s.start, s.stop) for s in plan.owed] == [(1, 10, 30)]

    trials[0].status = "halved"
    trials[1].values[30], trials[1].status = 0.6, "finished"
    (final,) = decide(small, trials).insert[0]
    assert final.key == TrialKey("final", 0, 0, 0, 0)
    assert final.source == trials[1].plan.key
    assert final.parameters == trials[1].plan.parameters
    assert final.seed != trials[1].plan.seed

    last = KnownTrial(final)
    assert decide(small, [*trials, last]).owed == (Segment(final.key, 0, 10),)
    last.values, last.status = {10: 0.1, 30: 0.2}, "finished"
    assert decide(small, [*trials, last]).nothing


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


def test_an_arm_whose_trials_all_fail_has_no_final_stage() -> None:
    small = design(arms=(arm(0),), trials_per_arm=2)
    assert decide(small, [known(0, {}, "failed"), known(1, {}, "failed")]).nothing


def test_an_arm_with_nothing_to_tune_goes_straight_to_its_finals() -> None:
    plan = decide(design(arms=(arm(0, tuned=False),)), [])
    assert [str(t.key) for t in plan.insert[0]] == ["final-a00-r0-f0-n000", "final-a00-r0-f0-n001"]
    assert {t.source for t in plan.insert[0]} == {None}


def test_arms_meet_on_the_same_seeds_and_start_from_their_defaults() -> None:
    plan = decide(design(), [])
    first, second = (batch for batch in plan.insert if batch[0].cohort == 0)
    assert [t.seed for t in first] == [t.seed for t in second]
    assert len({t.seed for t in first}) == 2
    assert first[0].parameters == arm(0).default
    assert first[1].parameters != second[1].parameters


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


def test_the_longest_chain_goes_first_and_speed_counts() -> None:
    short, slow = arm(0), dataclasses.replace(arm(1), model="vnet")
    both = design(arms=(short, slow), sampler="random")
    trials = [KnownTrial(t) for batch in decide(both, []).insert for t in batch]
    assert next(iter(decide(both, trials).owed)).trial.arm == 0  # equal chains: the first arm
    assert next(iter(decide(both, trials, seconds_per_iteration={"vnet": 3.0}).owed)).trial.arm == 1


def test_promotion_runs_beside_the_next_cohort() -> None:
    tpe = design(arms=(arm(0),), trials_per_arm=4, cohort=2, sampler="tpe")
    first = [known(0, {10: 0.2}), known(1, {10: 0.4})]
    plan = decide(tpe, first)
    assert [s.trial.number for s in plan.owed] == [1]
    assert [[t.key.number for t in batch] for batch in plan.insert] == [[2, 3]]


STUDIES = st.builds(
    Design,
    seed=st.integers(0, 5),
    arms=st.sampled_from([(arm(0),), (arm(0), arm(1)), (arm(0), arm(1, tuned=False))]),
    marks=st.sampled_from([(10,), (10, 30), (10, 30, 90)]),
    eta=st.sampled_from([1, 2, 3]),
    trials_per_arm=st.sampled_from([3, 6]),
    cohort=st.just(3),
    sampler=st.sampled_from(["tpe", "random", "qmc"]),
    searches=st.sampled_from([1, 2]),
    final_seeds=st.sampled_from([1, 2]),
    folds=st.sampled_from([1, 2]),
    search_in=st.sampled_from(["first_fold", "each_fold"]),
    maximize=st.booleans(),
)


@pytest.mark.parametrize("failures", [0.0, 0.2, 0.6])  # a third of the 2,000 each, lest one test takes a minute
@pytest.mark.usefixtures("results_matter")
def test_every_order_and_every_kill_point_give_one_digest(failures: float) -> None:
    @settings(max_examples=667, deadline=None, derandomize=True)
    @given(
        study=STUDIES,
        missing=st.sampled_from([0.0, 0.2]),
        order=st.lists(st.integers(0, 99), min_size=1, max_size=30),
        kill=st.frozensets(st.integers(0, 60), max_size=8),
    )
    def check(study: Design, missing: float, order: list[int], kill: frozenset[int]) -> None:
        undisturbed = run(Memory(study, failures, missing), [0])
        assert run(Memory(study, failures, missing), order, kill=kill) == undisturbed

    check()


@pytest.mark.usefixtures("results_matter")
def test_all_orders_of_a_tiny_study_exhaustively() -> None:
    tiny = design(trials_per_arm=4, cohort=2, sampler="tpe", final_seeds=1)
    digests: set[str] = set()
    seen: set[str] = set()

    def explore(done: tuple[Segment, ...]) -> None:
        memory = Memory(tiny, failure_rate=0.1)
        planner = Planner(tiny)
        memory.take_in(planner)
        for segment in done:
            planner.record(memory.complete(segment))
            memory.take_in(planner)
        if memory.digest() in seen:
            return
        seen.add(memory.digest())
        owed = list(planner.owed())
        if not owed:
            digests.add(memory.digest())
        for segment in owed:
            explore((*done, segment))

    explore(())
    assert len(digests) == 1
    assert len(seen) > 200  # states on the ways that there were


def test_the_order_does_not_matter_to_real_tpe() -> None:
    study = design(sampler="tpe", trials_per_arm=9, cohort=3, marks=(10, 30, 90))
    undisturbed = run(Memory(study, failure_rate=0.1), [0])
    for order in ([5, 1, 3], [2, 7, 0, 4], [99]):
        assert run(Memory(study, failure_rate=0.1), order, kill=frozenset({1, 4, 9, 15})) == undisturbed


def second_cohort(study: Design, first: list[KnownTrial]) -> list[Mapping[str, Scalar]]:
    return [t.parameters for batch in decide(study, first).insert for t in batch if t.cohort == 1]


def first_cohort(study: Design, values: Sequence[float | None]) -> list[KnownTrial]:
    trials = [KnownTrial(t) for t in decide(study, []).insert[0]]
    for trial, value in zip(trials, values, strict=True):
        if value is None:
            trial.status = "failed"
        else:
            trial.values = {study.marks[0]: value}
    return trials


def test_cohort_2_changes_with_the_results_of_cohort_1() -> None:
    study = design(arms=(arm(0),), sampler="tpe", trials_per_arm=18, cohort=9)
    values = [0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6, 0.5]
    as_told = second_cohort(study, first_cohort(study, values))
    assert as_told == second_cohort(study, first_cohort(study, values))
    assert as_told != second_cohort(study, first_cohort(study, [-v for v in values]))
    assert as_told != second_cohort(dataclasses.replace(study, maximize=False), first_cohort(study, values))
    best_failed = [None if value == 0.9 else value for value in values]
    assert as_told != second_cohort(study, first_cohort(study, best_failed))
    worst_failed = [None if value == 0.1 else value for value in values]
    assert as_told == second_cohort(study, first_cohort(study, worst_failed))  # a failure counts as the worst


def test_the_sampler_sees_first_marks_only() -> None:
    study = design(arms=(arm(0),), sampler="tpe", trials_per_arm=18, cohort=9)
    values = [0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6, 0.5]
    early, late = first_cohort(study, values), first_cohort(study, values)
    for trial in late:
        trial.values[30], trial.status = 1 - trial.values[10], "finished"  # type: ignore[operator]
    assert second_cohort(study, early) == second_cohort(study, late)


def test_tpe_moves_towards_what_was_good() -> None:
    study = design(arms=(arm(0),), sampler="tpe", trials_per_arm=40, cohort=20)
    trials = [KnownTrial(t) for t in decide(study, []).insert[0]]
    for trial in trials:  # best at gamma 3.5
        trial.values = {10: -abs(float(trial.plan.parameters["loss.gamma"]) - 3.5)}  # type: ignore[arg-type]
    gammas = [float(p["loss.gamma"]) for p in second_cohort(study, trials)]  # type: ignore[arg-type]
    assert statistics.mean(abs(g - 3.5) for g in gammas) < statistics.mean(
        abs(float(t.plan.parameters["loss.gamma"]) - 3.5)  # type: ignore[arg-type]
        for t in trials
    )


@pytest.mark.parametrize("sampler", ["random", "qmc", "grid"])
def test_point_n_does_not_depend_on_cohorts(sampler: str) -> None:
    study = design(arms=(grid_arm(),), sampler=sampler, trials_per_arm=6, cohort=2)
    key = SearchKey(0, 0, 0)
    together = sample(study, key, range(6), 0, [])
    assert [sample(study, key, [n], n, [])[0] for n in range(6)] == together
    assert together[0] == grid_arm().default


def test_a_grid_is_walked_whole_and_once() -> None:
    study = design(arms=(grid_arm(),), sampler="grid", trials_per_arm=30, cohort=5)
    points = [t.parameters for batch in decide(study, []).insert for t in batch]
    assert len(points) == 6
    assert {(p["loss.alpha"], p["loss.gamma"]) for p in points} == {(a, g) for a in (0.25, 0.5, 0.75) for g in (1, 2)}
    other = dataclasses.replace(study, seed=8)
    assert points != [t.parameters for batch in decide(other, []).insert for t in batch]


def test_searches_draw_their_own_points() -> None:
    study = design(arms=(arm(0),), trials_per_arm=4, cohort=4)
    assert sample(study, SearchKey(0, 0, 0), range(1, 4), 0, []) != sample(
        study, SearchKey(0, 1, 0), range(1, 4), 0, []
    )


def test_a_trial_of_another_design_is_refused() -> None:
    with pytest.raises(ValueError, match="search-a00-r3-f0-n000 belongs to no search"):
        Planner(design()).record(KnownTrial(PlannedTrial(TrialKey("search", 0, 3, 0, 0), 0, 1, {})))


@pytest.mark.parametrize("sampler", ["random", "tpe"])
@pytest.mark.usefixtures("results_matter")
def test_the_forecast_is_what_happens(sampler: str) -> None:
    study = design(
        arms=(arm(0), arm(1, tuned=False)),
        sampler=sampler,
        trials_per_arm=6,
        cohort=3,
        marks=(10, 30, 90),
        searches=2,
        folds=2,
    )
    memory = Memory(study)
    run(memory, [0])
    for expected in forecast(study):
        of_arm = [t for key, t in memory.trials.items() if study.arms[key.arm].name == expected.arm]
        search = [t for t in of_arm if t.plan.key.stage == "search"]
        assert len(search) == expected.search_trials
        assert len(of_arm) - len(search) == expected.final_trials
        assert sum(90 in t.values for t in search) == expected.reach_last
        assert sum(len(t.values) for t in of_arm) == expected.segments
        assert sum(max(t.values) for t in of_arm) == expected.iterations


def test_ten_thousand_trials_are_planned_in_milliseconds() -> None:
    big = design(
        arms=tuple(arm(i) for i in range(36)),
        trials_per_arm=276,
        cohort=6,
        marks=(10, 30, 90),
        sampler="random",
        searches=1,
    )
    memory = Memory(big)
    planner = Planner(big)
    memory.take_in(planner)
    assert len(memory.trials) == 36 * 276
    for _ in range(500):  # into the thick of it
        planner.record(memory.complete(next(planner.owed())))
        memory.take_in(planner)
    times = []
    for _ in range(100):
        trial = memory.complete(next(planner.owed()))
        start = time.process_time()
        planner.record(trial)
        planner.changes()
        next(planner.owed())
        times.append(time.process_time() - start)
        memory.take_in(planner)
    print(f"{statistics.median(times) * 1e3:.2f} ms")
    assert statistics.median(times) < 0.010


def test_a_cohort_is_sampled_in_a_tenth_of_a_second_after_300_trials() -> None:
    study = design(arms=(arm(0),), sampler="tpe", trials_per_arm=306, cohort=6)
    before = []
    for number in range(300):
        point = {"loss.gamma": 0.5 + 3.5 * hashed(number), "training.learning_rate": 10 ** (-5 + 3 * hashed(number, 1))}
        trial = known(number, {10: hashed(number, 2)}, "halved", number // 6)
        before.append(KnownTrial(dataclasses.replace(trial.plan, parameters=point), "halved", trial.values))
    times = []
    for _ in range(5):
        start = time.process_time()
        sample(study, SearchKey(0, 0, 0), range(300, 306), 50, before)
        times.append(time.process_time() - start)
    print(f"{statistics.median(times) * 1e3:.0f} ms")
    assert statistics.median(times) < 0.100
