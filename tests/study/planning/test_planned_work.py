import pytest

from study.planning.planned_work import ArmForecast, forecast
from tests.study.plans import Memory, arm, run
from tests.study.plans import two_arms as design


def test_by_hand() -> None:
    """Two cohorts of two at marks 10 and 30: four trials reach 10, two 30; then two finals of 30 iterations."""
    tuned, fixed = forecast(design(arms=(arm(0), arm(1, tuned=False))))
    assert tuned == ArmForecast("unet+loss0", 4, 2, 2, segments=6 + 4, iterations=4 * 10 + 2 * 20 + 2 * 30)
    assert fixed == ArmForecast("unet+loss1", 0, 0, 2, segments=4, iterations=60)


def test_independent_marks_train_each_mark_from_the_start() -> None:
    (alone,) = forecast(design(arms=(arm(0, tuned=False),), independent=True))
    assert alone.iterations == 2 * (10 + 30)


@pytest.mark.parametrize("sampler", ["random", "qmc"])
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
