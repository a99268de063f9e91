"""Lesion metrics on three scans worked by hand, and the paper's protocol on records whose draws can be followed."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from reports.statistics import lesion_counts
from trainables.lesion_records import Lesions


def scan(
    case: str,
    found: Sequence[tuple[int, float, float]] = (),
    false: Sequence[tuple[int, float]] = (),
    false_positives: int | None = None,
) -> Lesions:
    """From (voxels, Dice, confidence) of lesions and (voxels, confidence) of false positives."""
    peaks = [confidence for *_, confidence in (*found, *false) if math.isfinite(confidence)]
    return Lesions(
        case,
        "lesion",
        np.array([voxels for voxels, _, _ in found], np.uint32),
        np.array([dice for _, dice, _ in found], np.float64),
        np.array([confidence for *_, confidence in found], np.float32),
        np.array([voxels for voxels, _ in false], np.uint32),
        np.array([confidence for _, confidence in false], np.float32),
        len(false) if false_positives is None else false_positives,
        max(peaks, default=-math.inf),
    )


NONE = -math.inf
SCANS = (
    scan("a", [(900, 0.8, 6.0), (4, 0.0, NONE)], [(10, 5.0)]),
    scan("b", [(50, 0.2, 2.0)], [(2000, 3.0), (5, 1.0)]),
    scan("c"),
    scan("d"),
)


def test_recall_false_positives_and_dice_of_what_was_found() -> None:
    assert lesion_counts.recall(SCANS) == pytest.approx(2 / 3)
    assert lesion_counts.false_positives(SCANS) == pytest.approx(3 / 4)  # scans without any record count
    found = lesion_counts.object_dice(SCANS)
    assert found is not None
    assert (found.mean, found.sd) == (pytest.approx(0.5), pytest.approx(0.3))  # of a population


def test_froc_by_hand() -> None:
    # Falling confidence: 6 hit, 5 false, 3 false, 2 hit, 1 false; 4 scans, 3 lesions.
    curve = lesion_counts.froc(SCANS)
    assert curve is not None
    assert curve.false_positives.tolist() == [0, 0, 0.25, 0.5, 0.5, 0.75]
    assert curve.recall == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3])


def test_equal_confidences_come_together() -> None:
    curve = lesion_counts.froc([scan("a", [(9, 0.5, 2.0), (9, 0.5, 2.0)], [(9, 2.0)])])
    assert curve is not None
    assert curve.false_positives.tolist() == [0, 1]
    assert curve.recall.tolist() == [0, 1]


def test_average_recall_by_hand() -> None:
    # Of 501 points from 0 to 5, 0.01 apart: 0 to 0.49 (50 points) see 1/3, 0.5 and beyond (451) see 2/3.
    found = lesion_counts.average_recall(SCANS)
    assert found is not None
    assert found.mean == pytest.approx((50 / 3 + 451 * 2 / 3) / 501, abs=1e-3)
    assert found.sd is None


def test_cpm_by_hand() -> None:
    # At 1/8 and 1/4 it is 1/3, from 1/2 on 2/3.
    assert lesion_counts.cpm(SCANS) == pytest.approx((2 * 1 / 3 + 5 * 2 / 3) / 7)


def test_the_papers_protocol_leaves_out_scans_without_records_and_divides_by_all() -> None:
    # Scans c and d have no record, so 2 scans are known and each draw takes int(2 * 0.8) = 1 of them: a has recall 1/2,
    # at no false positive already (6 is above 5); b has 1 at 1 false positive of 2 scans: up to there its curve rises
    # from (0, 0), over (0.5, 0) at confidence 3, to (0.5, 1) and (1, 1).
    found = lesion_counts.average_recall(SCANS, "iw2020")
    assert found is not None
    random, order, draws = np.random.RandomState(42), np.arange(2), []
    for _ in range(50):
        random.shuffle(order)
        draws.append(order[0])
    of_a, of_b = 0.5, 451 / 501
    expected = [of_a if draw == 0 else of_b for draw in draws]
    assert 0 < sum(draws) < 50
    assert found.mean == pytest.approx(np.mean(expected), abs=2e-3)
    assert found.sd == pytest.approx(np.std(expected), abs=2e-3)


def test_diameter_is_that_of_a_ball() -> None:
    # pi / 6 * 8³ is 268.08, so 268 voxels are just under LUNA's 8 and 269 just over.
    assert lesion_counts.diameter(np.array([268, 269])).tolist() == [
        pytest.approx(7.9992, abs=1e-4),
        pytest.approx(8.009, abs=1e-3),
    ]


def test_strata_split_lesions_and_false_positives_by_their_own_size() -> None:
    small, large = lesion_counts.of_size(SCANS, high=8), lesion_counts.of_size(SCANS, low=8)
    assert [len(part.voxels) for part in small] == [1, 1, 0, 0]
    assert [part.false_positives for part in small] == [1, 1, 0, 0]
    assert [len(part.voxels) for part in large] == [1, 0, 0, 0]
    assert [part.false_positives for part in large] == [0, 1, 0, 0]
    assert lesion_counts.recall(small) == pytest.approx(1 / 2)
    assert lesion_counts.false_positives(large) == pytest.approx(1 / 4)


def test_false_positives_that_were_not_kept_are_counted() -> None:
    crowded = [scan("a", [(9, 0.5, 1.0)], [(1, 2.0)], false_positives=70)]
    assert lesion_counts.false_positives(crowded) == 70
    assert lesion_counts.false_positives(lesion_counts.of_size(crowded)) == 70


def test_without_any_lesion_only_false_positives_are_known() -> None:
    clean = [scan("a", false=[(3, 1.0)]), scan("b")]
    assert lesion_counts.false_positives(clean) == 0.5
    for nothing in (
        lesion_counts.recall,
        lesion_counts.object_dice,
        lesion_counts.froc,
        lesion_counts.average_recall,
        lesion_counts.cpm,
    ):
        assert nothing(clean) is None
    assert lesion_counts.average_recall(clean, "iw2020") is None


def test_nothing_found() -> None:
    missed = [scan("a", [(9, 0.0, NONE)])]
    assert lesion_counts.recall(missed) == 0
    assert lesion_counts.object_dice(missed) is None
    for protocol in ("corrected", "iw2020"):
        found = lesion_counts.average_recall([*missed, scan("b", [(9, 0.0, NONE)])], protocol)
        assert found is not None
        assert found.mean == 0


def test_records_come_back_from_bytes() -> None:
    for whole in SCANS:
        again = Lesions.unpack(whole.case, whole.region, whole.pack())
        for name in ("voxels", "dice", "confidence", "false_voxels", "false_confidence"):
            assert np.array_equal(getattr(again, name), getattr(whole, name))
            assert getattr(again, name).dtype == getattr(whole, name).dtype
        assert (again.case, again.false_positives, again.peak) == (whole.case, whole.false_positives, whole.peak)


def test_components_predicted_with_less_than_one_half_count_in_the_papers_protocol_too() -> None:
    # Of three classes a lesion can win with 0.42: log-odds -0.32. Their first threshold, -0.1, is for two classes.
    scans = [scan(f"case{n}", found=[(10, 0.8, -0.32)], false=[]) for n in range(10)]
    spread = lesion_counts.average_recall(scans, "iw2020")
    assert spread is not None
    assert spread.mean == pytest.approx(1.0)
