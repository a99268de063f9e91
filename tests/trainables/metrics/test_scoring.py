"""Scores of a case: regions, metrics and pooled values."""

import numpy as np
import pytest

from trainables.metrics import gather, measure_case, score_case


def test_scores_of_a_case() -> None:
    reference, prediction = np.zeros((2, 4, 4), dtype=np.uint8)
    reference[0], reference[1, :2] = 1, 2
    prediction[0, :2], prediction[0, 2:] = 1, 2
    regions = {"both": (1, 2), "first": (1,), "second": (2,), "third": (3,)}
    scores = score_case(
        "a", reference, prediction, regions=regions, metrics=("recall", "dice", "hd95"), spacing=(3.0, 1.0)
    )
    found = {(s.region, s.metric): (s.value, s.note) for s in scores}
    assert [s.region for s in scores[::3]] == list(regions)
    assert [s.metric for s in scores[:3]] == ["recall", "dice", "hd95"]
    assert {s.case for s in scores} == {"a"}
    assert found["both", "dice"] == (pytest.approx(8 / 10), None)
    assert found["first", "recall"] == (pytest.approx(1 / 2), None)
    assert found["second", "dice"] == (0.0, None)  # both hold something, they only do not meet
    assert found["third", "dice"] == (None, "clean negative")
    assert found["both", "hd95"] == (pytest.approx(3.0), None)


def test_counts_of_scored_voxels_and_pooled_scores_of_two_cases() -> None:
    rng = np.random.default_rng(1)
    regions, whole = {"both": (1, 2), "second": (2,)}, None
    values, references = [], []
    for case in ("a", "b"):
        reference = rng.integers(0, 3, (4, 5, 6)).astype(np.uint8)
        planes = rng.dirichlet((1, 1, 1), (4, 5, 6)).astype(np.float32)
        excluded = rng.random((4, 5, 6)) < 0.2
        reference[excluded] = 0
        prediction = np.where(excluded, 0, planes.argmax(-1)).astype(np.uint8)
        odds = gather(np.moveaxis(planes, -1, 1), reference, prediction, regions, excluded=excluded)
        found = measure_case(
            case,
            reference,
            prediction,
            regions=regions,
            metrics=("average_precision", "mcc"),
            spacing=None,
            unscored=int(excluded.sum()),
            odds=odds,
        )
        whole = found if whole is None else whole + found
        values.append(np.log(planes[..., 2] / planes[..., :2].sum(-1)).astype(np.float16)[~excluded])
        references.append((reference == 2)[~excluded])
        for counts in found.counts:
            assert counts.tp + counts.fp + counts.fn + counts.tn == (~excluded).sum()
    assert whole is not None
    assert [(counts.case, counts.region) for counts in whole.counts] == [
        (case, region) for case in "ab" for region in regions
    ]
    from sklearn.metrics import average_precision_score

    pooled = {score.region: score.value for score in whole.pooled()}
    expected = average_precision_score(np.concatenate(references), np.concatenate(values))
    assert pooled["second"] == pytest.approx(expected, abs=1e-4)
    assert whole.lesions == ()
