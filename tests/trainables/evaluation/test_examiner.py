"""The examiner: cases one after the other as each alone, regions that are asked for, nothing judged twice."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tests.trainables import tiny
from trainables.evaluation.evaluated import Evaluation
from trainables.evaluation.examiner import Examiner, ahead
from trainables.training.training import Training
from trainables.trial import TrialSpec

torch.set_num_threads(1)
DATA = tiny.dataset((40, 36))
NAMES = ("case3", "case0", "case2", "case1")


def spec(**changes: Any) -> TrialSpec:
    return tiny.spec(2, **changes)


def counting(learner: Training) -> list[int]:
    """Batches that go through its network from now on: their sizes."""
    sizes: list[int] = []
    learner.network.register_forward_pre_hook(lambda _, given: sizes.append(len(given[0])))
    return sizes


@pytest.mark.parametrize("train_on", ["labels", "regions"])
def test_regions_that_are_not_asked_for_are_not_scored(train_on: str) -> None:
    learner = Training(spec(train_on=train_on), DATA)
    learner.network.eval()
    both = learner._examiner.judged("case2", learner.spec.regions, ("dice",))
    one = learner._examiner.judged("case2", {"lesion": (2,)}, ("dice",))
    assert [(score.region, score.metric) for score in both.scores] == [("both", "dice"), ("lesion", "dice")]
    assert one.scores == both.scores[1:]
    assert [counts.region for counts in one.counts] == ["lesion"]


@pytest.mark.parametrize("changes", [{}, {"train_on": "regions"}, {"lesions": True, "metrics": ("average_precision",)}])
def test_cases_in_turn_are_each_as_alone(changes: dict[str, Any]) -> None:
    learner = Training(spec(**changes), DATA)
    learner.advance(1)
    found = list(learner.evaluations(NAMES, previews=("case2",)))
    assert [{score.case for score in one.scores} for one in found] == [{name} for name in NAMES]
    assert [[shown.case for shown in one.previews] for one in found] == [[], [], ["case2"], []]
    for name, one in zip(NAMES, found, strict=True):
        assert one.scores == learner.evaluate((name,)).scores
    together = learner.evaluate(NAMES, previews=("case2",))
    assert together.scores == sum((one.scores for one in found), ())
    assert together.counts == sum((one.counts for one in found), ())
    assert [records.case for records in together.lesions] == [r.case for one in found for r in one.lesions]
    assert together.previews == found[2].previews


def test_an_evaluation_cut_short_leaves_the_weights_as_they_were() -> None:
    learner = Training(best(), DATA)
    learner.advance(5)
    before = learner.digest()
    under_way = learner.evaluations(NAMES)
    next(under_way)
    under_way.close()  # type: ignore[attr-defined]
    assert learner.digest() == before


def best(**changes: Any) -> TrialSpec:
    objective = {"metric": "dice", "regions": ("lesion",), "maximize": True}
    how = {"checkpoint": "best", "evaluate_every": 2, "validate": ("case2", "case3"), "objective": objective}
    return spec(**{**how, "iterations": 6, "marks": (4, 6), **changes})


def whole(found: Evaluation) -> tuple[Any, ...]:
    """Return the comparable parts of an evaluation."""
    return found.scores, found.counts, found.previews


@pytest.mark.parametrize(
    "changes",
    [{"checkpoint": "best"}, {"checkpoint": "last", "early_stopping": {"patience": 9, "monitor": "validation"}}],
)
def test_a_validation_at_a_mark_is_the_evaluation(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    learner = Training(best(**changes, previews=("case3",)), DATA)
    always_better(learner, monkeypatch)
    learner.advance(4)
    sizes = counting(learner)
    at_mark = learner.evaluate(("case2", "case3"))
    assert sizes == []  # scored already
    again = Training(learner.spec, DATA)
    again.load_state_dict(learner.state_dict())
    assert whole(again.evaluate(("case2", "case3"))) == whole(at_mark)
    learner.evaluate(("case0", "case2"))
    assert len(sizes) > 0  # case0 is no validation case
    learner.advance(6)
    sizes.clear()
    last = learner.evaluate(("case2", "case3"), previews=("case3",))
    assert sizes == []
    assert [shown.case for shown in last.previews] == ["case3"]
    assert learner.evaluate(("case3",)).previews == ()
    fresh = Training(learner.spec, DATA)
    fresh.load_state_dict(learner.state_dict())
    assert whole(fresh.evaluate(("case2", "case3"), previews=("case3",))) == whole(last)
    assert last.scores != at_mark.scores


def always_better(learner: Training, monkeypatch: pytest.MonkeyPatch, answer: bool = True) -> None:
    monkeypatch.setattr(learner._course, "_is_best", lambda _: answer)


def test_where_older_weights_are_the_best_they_are_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = Training(best(), DATA)
    always_better(learner, monkeypatch)
    learner.advance(2)
    kept = {name: tensor.clone() for name, tensor in learner.network.state_dict().items()}
    always_better(learner, monkeypatch, False)
    learner.advance(4)
    sizes = counting(learner)
    found = learner.evaluate(("case2", "case3"))
    assert len(sizes) > 0
    other = Training(spec(marks=(4, 6), iterations=6), DATA)
    other.network.load_state_dict(kept)
    assert found.scores == other.evaluate(("case2", "case3")).scores


def test_after_another_iteration_nothing_of_before_counts() -> None:
    learner = Training(best(checkpoint="last", early_stopping={"patience": 9, "monitor": "validation"}), DATA)
    learner.advance(4)
    first = learner.evaluate(("case2",))
    learner.advance(5)
    sizes = counting(learner)
    assert learner.evaluate(("case2",)).scores != first.scores
    assert len(sizes) > 0
    learner.advance(6)
    learner.load_state_dict(learner.state_dict())
    sizes.clear()
    learner.evaluate(("case2",))
    assert len(sizes) > 0


def test_an_objective_that_is_not_among_the_metrics_keeps_nothing() -> None:
    objective = {"metric": "recall", "regions": ("lesion",), "maximize": True}
    learner = Training(best(objective=objective), DATA)
    learner.advance(4)
    found = learner.evaluate(("case2",))
    assert {score.metric for score in found.scores} == {"dice", "hd95"}


def test_work_is_done_ahead_in_order() -> None:
    said: list[str] = []

    def items() -> Iterator[int]:
        for number in range(4):
            said.append(f"got {number}")
            yield number

    def work(number: int) -> int:
        said.append(f"made {number}")
        return number * number

    found = []
    for value in ahead(items(), work):
        found.append(value)
        said.append(f"used {value}")
    assert found == [0, 1, 4, 9]
    assert said.index("got 1") < said.index("used 0")  # while the first is made
    assert said.index("got 3") > said.index("used 1")  # and no further
    assert list(ahead([], work)) == []


def test_an_error_comes_where_the_result_would_have_come() -> None:
    found = ahead([1, 0, 2], lambda number: 6 // number)
    assert next(found) == 6
    with pytest.raises(ZeroDivisionError):
        next(found)


def test_on_a_gpu_windows_of_cases_go_together_and_cases_are_judged_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    # The GPU's way on the CPU: what only a GPU has, pinned memory, is left out.
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: self)
    learner = Training(spec(patch_size=(40, 36), batch_size=2), DATA)
    learner.network.eval()
    sizes = counting(learner)
    examiner = Examiner(learner.spec, DATA, learner._net.logits, torch.device("cpu"))
    alone = list(examiner.evaluations(NAMES))
    assert sizes == [1, 1, 1, 1]
    sizes.clear()

    class Gpu:
        type = "cuda"

    examiner._device = examiner._predictor._device = Gpu()  # type: ignore[assignment]
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *_, **__: self)
    together = list(examiner.evaluations(NAMES, previews=("case0",)))
    assert sizes == [4]  # twice the batch
    assert [one.scores for one in together] == [one.scores for one in alone]
    assert [len(one.previews) for one in together] == [0, 1, 0, 0]
    sizes.clear()
    examiner._predictor._spec = dataclasses.replace(learner.spec, micro_batches=2)
    list(examiner.evaluations(NAMES))
    assert sizes == [2, 2]
    sizes.clear()
    examiner._predictor._spec = dataclasses.replace(learner.spec, validate=("case2",))
    list(examiner.evaluations(NAMES))
    assert sizes == [1, 1, 1, 1]  # as they are scored during the training
