import dataclasses
import statistics
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces.grammar import Scalar
from search_spaces.values import from_unit
from study.design import Design, KnownTrial, PlannedTrial, Segment, TrialKey
from study.planning import cohort_sampling
from study.planning.planner import Planner, decide
from study.planning.searches import SearchKey
from tests.study.plans import Memory, arm, hashed, run
from tests.study.plans import two_arms as design


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

    monkeypatch.setattr(cohort_sampling, "_tpe", chaotic)


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


def test_arms_meet_on_the_same_seeds_and_start_from_their_defaults() -> None:
    plan = decide(design(), [])
    first, second = (batch for batch in plan.insert if batch[0].cohort == 0)
    assert [t.seed for t in first] == [t.seed for t in second]
    assert len({t.seed for t in first}) == 2
    assert first[0].parameters == arm(0).default
    assert first[1].parameters != second[1].parameters


def test_the_longest_chain_goes_first_and_speed_counts() -> None:
    short, slow = arm(0), dataclasses.replace(arm(1), model="vnet")
    both = design(arms=(short, slow), sampler="random")
    trials = [KnownTrial(t) for batch in decide(both, []).insert for t in batch]
    assert next(iter(decide(both, trials).owed)).trial.arm == 0  # equal chains: the first arm
    assert next(iter(decide(both, trials, seconds_per_iteration={"vnet": 3.0}).owed)).trial.arm == 1


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


def test_a_trial_of_another_design_is_refused() -> None:
    with pytest.raises(ValueError, match="search-a00-r3-f0-n000 belongs to no search"):
        Planner(design()).record(KnownTrial(PlannedTrial(TrialKey("search", 0, 3, 0, 0), 0, 1, {})))


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
