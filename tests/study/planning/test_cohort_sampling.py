import dataclasses
import statistics
import time
from collections.abc import Mapping, Sequence

import optuna
import pytest

from search_spaces.grammar import Range, Scalar
from study.design import Design, KnownTrial
from study.planning.cohort_sampling import is_tuned, needs_results, sample, sampler_version, search_length
from study.planning.planner import decide
from study.planning.searches import SearchKey
from tests.study.plans import arm, grid_arm, hashed, known
from tests.study.plans import two_arms as design


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


def test_the_length_of_a_search() -> None:
    assert is_tuned(arm(0))
    assert not is_tuned(arm(0, tuned=False))
    assert search_length(design(trials_per_arm=6), arm(0)) == 6
    assert search_length(design(trials_per_arm=6), arm(0, tuned=False)) == 0
    grid = design(sampler="grid", trials_per_arm=30)
    assert search_length(grid, grid_arm()) == 6  # 3 x 2 points
    assert search_length(dataclasses.replace(grid, trials_per_arm=4), grid_arm()) == 4


def test_only_tpe_waits_for_results_and_only_after_its_first_cohort() -> None:
    assert [needs_results(design(sampler="tpe"), cohort) for cohort in (0, 1, 2)] == [False, True, True]
    assert not any(needs_results(design(sampler=sampler), 1) for sampler in ("random", "grid", "qmc"))


@pytest.mark.parametrize(
    ("sampler", "said"),
    [("tpe", "tpe, optuna "), ("qmc", "qmc, scipy "), ("random", "random, numpy "), ("grid", "grid, ")],
)
def test_a_cohort_names_its_sampler(sampler: str, said: str) -> None:
    assert sampler_version(design(sampler=sampler)).startswith(said)


def test_ties_among_the_best_suggest_the_same_whatever_the_order_of_arrival() -> None:
    study = design(arms=(arm(0),), sampler="tpe", trials_per_arm=18, cohort=9)
    for values in ([0.5] * 9, [0.9, 0.1, 0.9, 0.2, 0.9, 0.1, 0.3, 0.9, 0.2]):
        trials = first_cohort(study, values)
        orders = [trials, trials[::-1], trials[4:] + trials[:4]]
        suggested = [second_cohort(study, order) for order in orders]
        assert suggested[0] == suggested[1] == suggested[2]


def test_a_widened_range_is_searched_at_once() -> None:
    """Optuna's TPE goes on in the joint range of the trials before, until a trial of the wider range has ended."""

    def space(high: float) -> Design:
        narrow = arm(0)
        wide = dataclasses.replace(narrow, space={**narrow.space, "loss.gamma": Range(0.5, high)})
        return design(arms=(wide,), sampler="tpe", trials_per_arm=40, cohort=20)

    trials = first_cohort(space(1.0), [number / 20 for number in range(20)])
    key = SearchKey(0, 0, 0)
    again = sample(space(8.0), key, range(20, 40), 1, trials)
    assert sum(float(each["loss.gamma"]) > 1 for each in again) >= 3  # type: ignore[arg-type]

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    peer = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, multivariate=True, n_startup_trials=5))
    narrow, wide = ({"x": optuna.distributions.FloatDistribution(0, high)} for high in (1.0, 8.0))
    for number in range(10):
        peer.tell(peer.ask(narrow), number)
    assert all(peer.ask(wide).params["x"] <= 1 for _ in range(20))  # what ours would do, had it kept Optuna's study
