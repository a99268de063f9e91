"""Learning rate, best weights and early stop are the same however a training is interrupted."""

import io
from typing import Any

import pytest
import torch

from tests.trainables import tiny
from trainables.errors import InputError
from trainables.evaluation.objective import objective
from trainables.training.course import Course
from trainables.training.training import Training
from trainables.trial import Point, Score, TrialSpec

torch.set_num_threads(1)
DATA = tiny.dataset((40, 36))
HOW = {"metric": "dice", "regions": ["both"], "maximize": True}
VALIDATED: dict[str, Any] = {"validate": ("case2", "case3"), "evaluate_every": 4, "objective": HOW}
SPECS = {
    "plateau by loss": tiny.spec(
        2,
        schedule="plateau",
        epoch=2,
        plateau={"factor": 0.5, "patience": 1, "min_rate": 1e-4, "min_delta": 0.05, "cooldown": 1, "monitor": "loss"},
    ),
    "plateau by validation, best": tiny.spec(
        2,
        schedule="plateau",
        plateau={"factor": 0.5, "patience": 1, "min_delta": 1.0, "monitor": "validation"},
        checkpoint="best",
        **VALIDATED,
    ),
    "stopped by loss": tiny.spec(2, epoch=1, early_stopping={"patience": 2, "min_delta": 0.5, "monitor": "loss"}),
    "stopped by validation, best": tiny.spec(
        2, early_stopping={"patience": 1, "min_delta": 0.5, "monitor": "validation"}, checkpoint="best", **VALIDATED
    ),
    "steps": tiny.spec(2, schedule="step", step={"at": [0.5], "every": None, "factor": 0.1}),
}


def training(spec: TrialSpec) -> Training:
    return Training(spec, DATA)


def saved_and_loaded(learner: Training) -> Training:
    file = io.BytesIO()
    torch.save(learner.state_dict(), file)
    other = training(learner.spec)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    return other


def everything(learner: Training, points: tuple[Point, ...]) -> tuple[Any, ...]:
    return learner.iteration, learner.digest(), points, learner.evaluate(learner.spec.evaluate)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_cut_at_every_slice_it_is_the_same(spec: TrialSpec) -> None:
    straight = training(spec)
    expected = everything(straight, straight.advance(12))
    cut = training(spec)
    points: tuple[Point, ...] = ()
    while cut.iteration < 12:  # a slice is an iteration, or one case of a validation: it is cut inside those too
        points += cut.advance(12, seconds=0)
        cut = saved_and_loaded(cut)
    assert everything(cut, points) == expected


def points_of(spec: TrialSpec, name: str, to: int = 12) -> list[tuple[int, float]]:
    learner = training(spec)
    return [(point.iteration, point.value) for point in learner.advance(to) if point.name == name]


def test_a_plateau_lowers_the_rate_that_is_used() -> None:
    learner = training(SPECS["plateau by loss"])
    falls = dict(points_of(SPECS["plateau by loss"], "learning_rate"))
    assert falls
    rate = 3e-3
    for iteration in range(12):
        learner.advance(iteration + 1)
        assert learner._optimizer.param_groups[0]["lr"] == rate
        rate = falls.get(iteration + 1, rate)
    assert rate == max(1e-4, 3e-3 * 0.5 ** len(falls))
    assert all(iteration % 2 == 0 for iteration in falls)


def test_the_loss_of_an_epoch_is_its_mean() -> None:
    course = Course(SPECS["plateau by loss"], torch.device("cpu"))
    values: list[float | None] = []
    assert course._plateau is not None
    course._plateau.look = lambda value: bool(values.append(value))  # type: ignore[method-assign,func-returns-value]
    for iteration, loss in enumerate((1.0, 2.0, 5.0, 8.0, 9.0), start=1):
        course.learned(torch.tensor(loss), iteration)
    assert values == [1.5, 6.5]


def test_steps_reach_the_optimiser() -> None:
    learner = training(SPECS["steps"])
    learner.advance(6)
    assert learner._optimizer.param_groups[0]["lr"] == 3e-3
    learner.advance(7)
    assert learner._optimizer.param_groups[0]["lr"] == pytest.approx(3e-4)


def test_a_training_that_has_stopped_holds_its_weights() -> None:
    spec = SPECS["stopped by loss"]
    ((at, _),) = points_of(spec, "stopped")
    assert at == 3  # a first value, and two that are no better by a half
    learner = training(spec)
    learner.advance(at)
    digest = learner.digest()
    learner.advance(12)
    assert (learner.iteration, learner.digest()) == (12, digest)
    assert training(tiny.spec(2)).advance(12)[-1].iteration == 12
    assert max(point.iteration for point in training(spec).advance(12)) == at


def test_validations_come_at_their_iterations_and_at_marks() -> None:
    spec = SPECS["plateau by validation, best"]
    assert [iteration for iteration, _ in points_of(spec, "validation")] == [4, 5, 8, 12]  # 5 is a mark
    stopped = points_of(SPECS["stopped by validation, best"], "validation")
    assert [iteration for iteration, _ in stopped] == [4, 5]


def test_the_best_weights_are_scored_and_training_goes_on_with_the_last() -> None:
    spec = tiny.spec(2, checkpoint="best", learning_rate=3e-2, **VALIDATED)
    plain = training(tiny.spec(2, learning_rate=3e-2))
    seen: dict[int, float] = {}
    for mark in (4, 5, 8, 12):
        plain.advance(mark)
        value = objective(plain.evaluate(spec.validate).scores, metric="dice", regions=("both",))
        assert value is not None
        seen[mark] = value
    learner = training(spec)
    points = learner.advance(12)
    assert {p.iteration: p.value for p in points if p.name == "validation"} == seen  # the course changes nothing
    best = max(seen, key=lambda mark: seen[mark])
    scores = learner.evaluate(("case2", "case3")).scores
    assert objective(scores, metric="dice", regions=("both",)) == seen[best]
    for name, weight in plain.network.state_dict().items():
        assert torch.equal(weight, learner.network.state_dict()[name])  # its own again
    assert learner.state_dict()["best"] is not None


def scored(course: Course, values: list[float | None]) -> list[dict[str, torch.Tensor] | None]:
    """The best weights after validations with these values: each the number of its validation."""
    found = []
    for number, value in enumerate(values):
        course.open = ["a"]
        weights = {"w": torch.tensor(number)}
        course.validated([Score("a", "both", "dice", value)], 4 * number + 4, lambda weights=weights: weights)  # type: ignore[misc]
        found.append(course.best)
    return found


@pytest.mark.parametrize(("maximize", "expected"), [(True, [None, 1, 1, 3, 3]), (False, [None, 1, 1, 1, 4])])
def test_the_best_by_the_studys_direction_of_equals_the_first(maximize: bool, expected: list[int | None]) -> None:
    spec = tiny.spec(2, checkpoint="best", **{**VALIDATED, "objective": {**HOW, "maximize": maximize}})
    found = scored(Course(spec, torch.device("cpu")), [None, 0.5, 0.5, 0.7, 0.2])
    assert [None if best is None else int(best["w"]) for best in found] == expected


def test_a_validation_weighs_cases_and_not_scores() -> None:
    course = Course(tiny.spec(2, checkpoint="best", **VALIDATED), torch.device("cpu"))
    course.open = ["a", "b"]
    assert course.validated([Score("a", "both", "dice", 0.2)], 4, dict) == ()
    points = course.validated([Score("b", "both", "dice", 0.6), Score("b", "both", "hd95", 9.0)], 4, dict)
    assert points == (Point(4, "validation", 0.4),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"checkpoint": "best"}, "validation cases and evaluate_every"),
        ({"checkpoint": "best", "evaluate_every": 4}, "validation cases"),
        ({"schedule": "plateau"}, "epoch"),
        ({"early_stopping": {"monitor": "validation", "patience": 1}}, "evaluate_every"),
    ],
)
def test_what_is_looked_at_must_be_there(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        training(tiny.spec(2, **changes))


def test_what_an_early_stop_lets_pass_is_not_trained() -> None:
    learner = training(SPECS["stopped by loss"])
    (stop,) = (point.iteration for point in learner.advance(6) if point.name == "stopped")
    assert (learner.iteration, learner.passed) == (6, 6 - stop)
    resumed = saved_and_loaded(learner)
    resumed.advance(8)
    assert (resumed.iteration, resumed.passed) == (8, 2)  # of those done here


def test_nothing_is_looked_at_unless_asked() -> None:
    learner = training(tiny.spec(2, validate=("case2",), evaluate_every=1, epoch=1, objective=HOW))
    assert {point.name for point in learner.advance(6)} == {"loss"}
