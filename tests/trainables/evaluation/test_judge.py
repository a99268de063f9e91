"""Evaluation from probabilities to lesions and rankings, on tiny cases with and without resampling, boxes and holes."""

import dataclasses
from typing import Any, cast

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch.nn import functional

from tests.trainables import tiny
from trainables.data.preparing import resample
from trainables.evaluation.judge import judge
from trainables.training.training import Training
from trainables.trial import Outcome

METRICS = ("dice", "average_precision", "lesion_recall", "lesion_false_positives", "mcc")
REGIONS = {"both": (1, 2), "lesion": (2,)}


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
    """The attributes of a case that `judge` reads."""

    reference: np.ndarray
    reference_spacing: tuple[float, ...] | None = None
    box: Any = None
    excluded: np.ndarray | None = None


def probabilities(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    logits = torch.randn(3, *shape, generator=torch.Generator().manual_seed(seed))
    return torch.softmax(4 * logits, dim=0)


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("boxed", [False, True])
def test_rankings_are_of_probabilities_on_the_original_grid(dim: int, boxed: bool) -> None:
    rng = np.random.default_rng(dim)
    shape, box = (9, 11, 12)[-dim:], ((1, 8), (0, 9), (3, 12))[-dim:]
    reference = rng.integers(0, 3, shape).astype(np.uint8)
    excluded = rng.random(shape) < 0.1
    reference[excluded] = 0
    inner = tuple(slice(low, high) for low, high in box) if boxed else (slice(None),) * dim
    small = probabilities((5, 6, 7)[-dim:], seed=3)
    mode = "trilinear" if dim == 3 else "bilinear"
    large = functional.interpolate(small[None], reference[inner].shape, mode=mode, align_corners=False)[0].numpy()
    everywhere = np.zeros((3, *shape), np.float32)
    everywhere[(0, ...)] = 1
    everywhere[(slice(None), *inner)] = large
    case = Prepared(reference, None, box if boxed else None, excluded)
    prediction = np.where(excluded, 0, everywhere.argmax(0)).astype(np.uint8)
    found = judge("a", case, small, prediction, regions=REGIONS, metrics=METRICS, empty="missing", lesions=True)
    values = {(score.region, score.metric): score.value for score in found.scores}
    for region, classes in REGIONS.items():
        with np.errstate(divide="ignore"):
            odds = np.log(everywhere[list(classes)].sum(0)) - np.log(
                everywhere[[c for c in range(3) if c not in classes]].sum(0)
            )
        ranked = np.nan_to_num(odds.astype(np.float16).astype(float), neginf=-1e9)[~excluded]
        expected = average_precision_score(np.isin(reference, classes)[~excluded], ranked)
        assert values[region, "average_precision"] == pytest.approx(expected, abs=2e-3)
    assert {lesions.region for lesions in found.lesions} == set(REGIONS)
    assert all(c.tp + c.fp + c.fn + c.tn == (~excluded).sum() for c in found.counts)
    assert [score.value for score in found.pooled()] == [values[region, "average_precision"] for region in REGIONS]


def test_all_metrics_of_a_table_have_one_mask() -> None:
    # Lesion .42 against .30 and .28 in one voxel; background .40 against .30 and .30 in the other two.
    rows = torch.tensor([[0.30, 0.40, 0.40], [0.28, 0.30, 0.30], [0.42, 0.30, 0.30]])
    names = ("dice", "recall", "lesion_recall", "lesion_false_positives", "lesion_dice")
    expected = {
        (2, 0, 0): {"lesion": [1.0, 1.0, 1.0, 0.0, 1.0], "both": [1.0, 1.0, 1.0, 0.0, 1.0]},
        (0, 2, 2): {"lesion": [0.0, 0.0, 0.0, 1.0, None], "both": [0.0, 0.0, 0.0, 1.0, None]},
    }
    for reference, values in expected.items():
        case = Prepared(np.array([reference], np.uint8))
        found = judge(
            "a",
            case,
            rows[:, None],
            resample.restore(rows[:, None], (1, 3)),
            regions=REGIONS,
            metrics=names,
            empty="missing",
            lesions=True,
        )
        for region, scores in values.items():
            assert [s.value for s in found.scores if s.region == region] == scores


def test_without_rankings_nothing_is_interpolated_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("not needed")

    monkeypatch.setattr("trainables.evaluation.judge.restored_planes", refuse)
    case = Prepared(np.ones((4, 4), np.uint8))
    found = judge(
        "a", case, cast(Any, None), case.reference, regions={"r": (1,)}, metrics=("dice",), empty="one", lesions=False
    )
    assert found.scores[0].value == 1
    assert found.histograms == {}


def test_a_training_reports_counts_rankings_and_lesions() -> None:
    torch.set_num_threads(1)
    spec = tiny.spec(metrics=METRICS, lesions=True)
    learner = Training(spec, tiny.dataset())
    learner.advance(2)
    found = learner.evaluate(("case2", "case3"))
    assert len(found.scores) == 2 * 2 * len(METRICS)
    assert len(found.counts) == len(found.lesions) == 4
    first = found.counts[0]
    dice = next(score.value for score in found.scores if score.metric == "dice")
    assert dice == (2 * first.tp / (2 * first.tp + first.fp + first.fn) if first.tp else 0)
    assert first.tp + first.fp + first.fn + first.tn == 20 * 18 * 19
    assert set(found.histograms) == {"both", "lesion"}
    both = found.histograms["both"]
    assert both.positives.sum() + both.negatives.sum() == 2 * 20 * 18 * 19
    alone = Training(tiny.spec(metrics=("lesion_recall",)), tiny.dataset()).evaluate(("case2",))
    assert [score.value is not None for score in alone.scores] == [True, True]
    assert alone.lesions == ()  # scored by them, and not kept
    plain = Training(tiny.spec(), tiny.dataset()).evaluate(("case2",))
    assert (plain.lesions, plain.histograms) == ((), {})
    assert len(plain.counts) == 2


def test_empty_one_reaches_the_scores() -> None:
    torch.set_num_threads(1)
    how: dict[str, Any] = {"regions": {"none": (3,)}, "classes": ("background", "organ", "lesion", "absent")}
    for empty, expected in (("missing", {None}), ("one", {0.0, 1.0})):
        learner = Training(tiny.spec(**how, empty=empty, metrics=("dice",)), tiny.dataset())
        assert {score.value for score in learner.evaluate(("case2",)).scores} <= expected


def test_a_search_may_be_judged_by_a_ranking_during_training() -> None:
    torch.set_num_threads(1)
    objective = {"metric": "average_precision", "regions": ("lesion",), "maximize": True}
    spec = tiny.spec(checkpoint="best", evaluate_every=2, validate=("case2",), objective=objective)
    learner = Training(spec, tiny.dataset())
    points = learner.advance(2)
    value = next(point.value for point in points if point.name == "validation")
    assert 0 < value <= 1


def test_an_outcome_keeps_them_in_json() -> None:
    torch.set_num_threads(1)
    learner = Training(tiny.spec(metrics=METRICS, lesions=True), tiny.dataset())
    measured = learner.evaluate(("case2", "case3")).measured
    from trainables.metrics.scoring import scores_of

    outcome = Outcome(
        iteration=0,
        scores=measured.scores,
        counts=measured.counts,
        pooled=measured.pooled(),
        lesions=tuple(scores_of(lesions) for lesions in measured.lesions),
    )
    again = Outcome.from_json(outcome.to_json())
    assert again == outcome
    assert {score.metric for score in again.pooled} == {"average_precision"}
