"""Lesion records of components drawn by hand, and the metrics of a case that read them."""

import math

import numpy as np
import pytest

from trainables.lesion_records import MOST_FALSE_POSITIVES
from trainables.metrics import METRICS, Geometry, gather, measure_case
from trainables.metrics.components import lesion_records

REFERENCE = np.array(
    [
        list("aa......"),
        list("aa....b."),
        list(".....b.."),
        list("........"),
        list("c......."),
    ]
)
LOG_ODDS = np.array(
    [
        [9, 0, 0, 0, 0, 0, 0, 0],
        [8, 0, 2, 0, 0, 0, 3, 0],
        [0, 0, 1, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 7, 0, 0, 4, 5, 6],
    ],
    np.float16,
)


def test_records_by_hand() -> None:
    # b holds together by a corner. Predicted: 2 voxels on a, 1 on b, and three falsely: 2 voxels (2), 1 (7), 3 (6).
    found = LOG_ODDS > 0
    records = lesion_records("case", "lesion", REFERENCE != ".", found, LOG_ODDS[found])
    assert records.voxels.tolist() == [4, 2, 1]
    assert records.dice == pytest.approx([2 * 2 / 6, 2 * 1 / 3, 0])
    assert records.confidence.tolist() == [9, 3, -math.inf]
    assert records.false_confidence.tolist() == [7, 6, 2]
    assert records.false_voxels.tolist() == [1, 3, 2]
    assert (records.false_positives, records.peak) == (3, 9)


def test_several_components_on_one_lesion_and_one_on_several() -> None:
    reference, found = np.zeros((2, 3, 9), np.bool_)
    reference[1, 0:5] = reference[1, 6:8] = True
    found[1, 0:2] = found[1, 3:9] = True  # 2 voxels on the first; 6 on both: 2 on the first, 2 on the second
    odds = np.where(found, 1, 0).astype(np.float16)
    odds[1, 1], odds[1, 8] = 5, 2
    records = lesion_records("case", "lesion", reference, found, odds[found])
    assert records.dice == pytest.approx([2 * 2 / (5 + 2), 2 * 2 / (2 + 6)])
    assert records.confidence.tolist() == [5, 2]
    assert records.false_positives == 0


def test_corners_join_in_3d_and_faces_are_not_needed() -> None:
    reference = np.zeros((3, 3, 3), np.bool_)
    reference[0, 0, 0] = reference[1, 1, 1] = reference[2, 2, 2] = True
    nothing = np.zeros_like(reference)
    records = lesion_records("case", "lesion", reference, nothing, np.zeros(0, np.float16))
    assert records.voxels.tolist() == [3]
    assert (records.peak, records.false_positives) == (-math.inf, 0)


def test_of_a_scatter_the_most_confident_are_kept_and_all_are_counted() -> None:
    found = np.zeros((2, 2 * MOST_FALSE_POSITIVES + 40), np.bool_)
    found[0, ::2] = True
    odds = np.arange(1, found.sum() + 1, dtype=np.float32)
    records = lesion_records("case", "lesion", np.zeros_like(found), found, odds.astype(np.float16))
    assert records.false_positives == MOST_FALSE_POSITIVES + 20
    assert len(records.false_voxels) == MOST_FALSE_POSITIVES
    assert records.false_confidence.min() >= 20
    assert records.false_confidence[0] == records.peak


def measured(reference: np.ndarray, log_odds: np.ndarray, **how: object) -> dict[str, float | None]:
    """Scores of one region by metric, from log-odds drawn by hand."""
    inside = 1 / (1 + np.exp(-log_odds.astype(np.float32)))
    plane = np.stack([1 - inside, inside])
    names = ("lesion_recall", "lesion_false_positives", "lesion_dice", "average_precision", "dice")
    regions = {"r": (1,)}
    scored = measure_case(
        "case",
        reference.astype(np.uint8),
        (log_odds > 0).astype(np.uint8),
        regions=regions,
        metrics=names,
        spacing=None,
        odds=gather([plane], reference.astype(np.uint8), regions),
        **how,  # type: ignore[arg-type]
    )
    return {score.metric: score.value for score in scored.scores}


def test_the_metrics_of_a_case() -> None:
    found = measured(REFERENCE != ".", LOG_ODDS)
    assert found["lesion_recall"] == pytest.approx(2 / 3)
    assert found["lesion_false_positives"] == 3
    assert found["lesion_dice"] == pytest.approx(2 / 3)
    assert found["dice"] == pytest.approx(2 * 3 / (7 + 9))
    # By falling log-odds 9, 8 hit; 7, 6, 5, 4 do not; 3 hits; 2, 1 do not; then 31 voxels at 0, 4 of them hits.
    steps = [(1, 1), (2, 2), (3, 7)]
    assert found["average_precision"] == pytest.approx(sum(tp / n for tp, n in steps) / 7 + 4 / 7 * 7 / 40, abs=1e-6)


def test_cases_without_lesions_count_their_false_positives_and_nothing_else() -> None:
    for empty, dice in (("missing", None), ("one", 0.0)):
        found = measured(np.zeros(LOG_ODDS.shape), LOG_ODDS, empty=empty)
        assert found["lesion_false_positives"] == 5
        assert (found["lesion_recall"], found["lesion_dice"]) == (None, None)
        assert (found["average_precision"], found["dice"]) == (dice, dice)
        clean = measured(np.zeros(LOG_ODDS.shape), LOG_ODDS * 0, empty=empty)
        assert clean["lesion_false_positives"] == 0
        assert clean["average_precision"] == (None if empty == "missing" else 1.0)


def test_a_miss_is_ranked_all_the_same() -> None:
    found = measured(REFERENCE != ".", LOG_ODDS - 10)
    assert (found["lesion_recall"], found["lesion_dice"], found["dice"]) == (0.0, None, 0.0)
    assert found["average_precision"] == pytest.approx(measured(REFERENCE != ".", LOG_ODDS)["average_precision"])


def test_counts_of_scored_voxels_and_pooled_scores_of_two_cases() -> None:
    rng = np.random.default_rng(1)
    regions, whole = {"both": (1, 2), "second": (2,)}, None
    values, references = [], []
    for case in ("a", "b"):
        reference = rng.integers(0, 3, (4, 5, 6)).astype(np.uint8)
        planes = rng.dirichlet((1, 1, 1), (4, 5, 6)).astype(np.float32)
        excluded = rng.random((4, 5, 6)) < 0.2
        reference[excluded] = 0
        odds = gather(np.moveaxis(planes, -1, 1), reference, regions, excluded=excluded)
        prediction = np.where(excluded, 0, planes.argmax(-1)).astype(np.uint8)
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


@pytest.mark.parametrize("dim", [2, 3])
def test_outside_the_box_nothing_is_ever_found(dim: int) -> None:
    rng = np.random.default_rng(3)
    reference = (rng.random((6, 7, 8)[-dim:]) < 0.5).astype(np.uint8)
    box = (slice(1, 4), slice(2, 6), slice(0, 5))[-dim:]
    inside = rng.random(reference[box].shape).astype(np.float32)
    planes = np.stack([1 - inside, inside], axis=-dim if dim == 3 else 0).reshape((-1, 2, *inside.shape[-2:]))
    odds = gather(planes, reference, {"r": (1,)}, box=box)["r"]
    everywhere = np.zeros(reference.shape)
    everywhere[box] = inside
    assert np.array_equal(odds.found, everywhere > 0.5)
    assert odds.histogram.positives.sum() == reference.sum()
    assert odds.histogram.negatives.sum() == (1 - reference).sum()
    assert np.array_equal(odds.values > 0, np.ones(odds.found.sum(), np.bool_))
    assert odds.histogram.positives.argmax() == 0x03FF or odds.histogram.positives[0x03FF] == (
        reference.sum() - reference[box].sum()
    )


def test_what_is_not_scored_is_not_found_either() -> None:
    inside = np.full((1, 4), 0.9, np.float32)
    excluded = np.array([[False, True, False, False]])
    reference = np.array([[1, 0, 0, 1]], np.uint8)
    odds = gather([np.stack([1 - inside, inside])], reference, {"r": (1,)}, excluded=excluded)["r"]
    assert odds.found.tolist() == [[True, False, True, True]]
    assert len(odds.values) == 3
    assert (odds.histogram.positives.sum(), odds.histogram.negatives.sum()) == (2, 1)


def test_metrics_that_read_records_say_so() -> None:
    assert {name for name, metric in METRICS.items() if metric.reads == "lesions"} == {
        "lesion_recall",
        "lesion_false_positives",
        "lesion_dice",
    }
    assert [name for name, metric in METRICS.items() if metric.reads == "histogram"] == ["average_precision"]
    with pytest.raises(AssertionError, match="log-odds"):
        METRICS["average_precision"].compute(Geometry.of(np.ones(3, np.bool_), np.ones(3, np.bool_)))
