"""Metrics: voxels drawn by hand, MONAI as oracle, one table for what is empty."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

import search_spaces.metrics
from search_spaces import defaults
from trainables.errors import InputError
from trainables.metrics import METRICS, Geometry, metric_named, registry, score_case
from trainables.metrics.empty import RULES, Empty, Kind, Value, by_rule, note_of
from trainables.metrics.geometry import bounding_box, surface, surface_distances


def drawn(*rows: str) -> NDArray[np.bool_]:
    return np.array([[letter == "#" for letter in row] for row in rows])


REFERENCE = drawn(
    "......",
    ".###..",
    ".###..",
    ".###..",
    "......",
)
PREDICTION = drawn(
    "......",
    "..##..",
    "..###.",
    "......",
    "......",
)


def test_counts_volumes_and_diagonal() -> None:
    geometry = Geometry.of(REFERENCE, PREDICTION, spacing=(2.0, 0.5))
    assert (geometry.tp, geometry.fp, geometry.fn, geometry.tn) == (4, 1, 5, 20)
    assert geometry.reference_volume == 9.0
    assert geometry.prediction_volume == 5.0
    assert geometry.diagonal == pytest.approx(math.hypot(5 * 2.0, 6 * 0.5))
    assert geometry.reference.shape == (3, 4)  # cropped to what either mask holds


def test_overlaps_by_hand() -> None:
    geometry = Geometry.of(REFERENCE, PREDICTION)
    assert METRICS["dice"].compute(geometry) == pytest.approx(8 / 14)
    assert METRICS["precision"].compute(geometry) == pytest.approx(4 / 5)
    assert METRICS["recall"].compute(geometry) == pytest.approx(4 / 9)
    assert METRICS["iou"].compute(geometry) == pytest.approx(4 / 10)
    assert metric_named("f2").compute(geometry) == pytest.approx(5 * 4 / (5 * 4 + 4 * 5 + 1))  # misses cost 4 times
    assert metric_named("f0.5").compute(geometry) == pytest.approx(1.25 * 4 / (1.25 * 4 + 0.25 * 5 + 1))
    assert metric_named("f1").compute(geometry) == pytest.approx(METRICS["dice"].compute(geometry))
    assert METRICS["mcc"].compute(geometry) == pytest.approx((4 * 20 - 1 * 5) / math.sqrt(5 * 9 * 21 * 25))


@pytest.mark.parametrize("density", [0.03, 0.4, 0.97])
def test_overlaps_are_scikit_learns(density: float) -> None:
    from sklearn import metrics

    rng = np.random.default_rng(5)
    reference, prediction = rng.random((2, 9, 8, 7)) < density
    pair, geometry = (reference.ravel(), prediction.ravel()), Geometry.of(reference, prediction)
    assert METRICS["mcc"].compute(geometry) == pytest.approx(metrics.matthews_corrcoef(*pair))
    assert METRICS["iou"].compute(geometry) == pytest.approx(metrics.jaccard_score(*pair))
    assert metric_named("f2").compute(geometry) == pytest.approx(metrics.fbeta_score(*pair, beta=2))


def test_mcc_where_a_mask_fills_the_image() -> None:
    full = np.ones_like(REFERENCE)
    assert METRICS["mcc"].compute(Geometry.of(REFERENCE, full)) == 0
    assert METRICS["mcc"].compute(Geometry.of(full, full)) == 1


def test_volumes_by_hand() -> None:
    # 4 both, 1 false, 5 missed: 5 voxels for 9. A voxel is 2 * 0.5 * 10 = 10 mm³.
    geometry = Geometry.of(REFERENCE[..., None], PREDICTION[..., None], spacing=(2.0, 0.5, 10.0))
    assert METRICS["volume_error"].compute(geometry) == pytest.approx(4 * 10 / 1000)
    assert METRICS["volume_bias"].compute(geometry) == pytest.approx(-4 / 9)
    turned = Geometry.of(PREDICTION[..., None], REFERENCE[..., None])
    assert METRICS["volume_error"].compute(turned) == 4  # voxels, where their size is unknown
    assert METRICS["volume_bias"].compute(turned) == pytest.approx(4 / 5)


def test_surface_dice_and_mean_distance_by_hand() -> None:
    # One voxel against two: from the reference 0.5 mm, from the prediction 0.5 and 6 mm (3 steps of 2 mm).
    reference, prediction = np.zeros((2, 5, 5), dtype=np.bool_)
    reference[0, 0] = True
    prediction[3, 0] = prediction[0, 1] = True
    geometry = Geometry.of(reference, prediction, spacing=(2.0, 0.5))
    assert METRICS["assd"].compute(geometry) == pytest.approx((0.5 + 0.5 + 6) / 3)
    assert metric_named("surface_dice_0.4").compute(geometry) == 0
    assert metric_named("surface_dice_0.5").compute(geometry) == pytest.approx(2 / 3)  # what equals it is within
    assert metric_named("surface_dice_6").compute(geometry) == 1


def test_surface_is_what_has_a_face_outside() -> None:
    expected = REFERENCE.copy()
    expected[2, 2] = False
    assert np.array_equal(surface(REFERENCE), expected)
    assert np.array_equal(surface(np.ones((3, 3), dtype=np.bool_)), np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]]))
    cube = np.ones((3, 3, 3), dtype=np.bool_)
    assert surface(cube).sum() == 26


def test_surface_distances_by_hand() -> None:
    # One voxel against two: 3 steps of 2 mm down, or 1 step of 0.5 mm across.
    reference, prediction = np.zeros((2, 5, 5), dtype=np.bool_)
    reference[0, 0] = True
    prediction[3, 0] = prediction[0, 1] = True
    distances = surface_distances(reference, prediction, spacing=(2.0, 0.5))
    assert distances.to_prediction.tolist() == [0.5]
    assert sorted(distances.to_reference.tolist()) == [0.5, 6.0]


def test_hd95_is_the_greater_direction() -> None:
    # 20 voxels in a row; the prediction has them all and one more, 9 pixels away. From the reference: all 0. From the
    # prediction: twenty 0 and one 9; the 95th percentile is number 0.95 * 20 = 19 of 0 to 20, still 0.
    reference, prediction = np.zeros((2, 12, 20), dtype=np.bool_)
    reference[0] = prediction[0] = True
    prediction[9, 4] = True
    assert METRICS["hd95"].compute(Geometry.of(reference, prediction)) == 0
    # With 10 and 11 pixels too it is number 0.95 * 22 = 20.9, between the first two of them. Pooled with the other
    # direction (twenty zeros more) it would be 0.
    prediction[10, 4] = prediction[11, 4] = True
    assert METRICS["hd95"].compute(Geometry.of(reference, prediction)) == pytest.approx(9.9)
    assert METRICS["hd95"].compute(Geometry.of(prediction, reference)) == pytest.approx(9.9)


@pytest.mark.parametrize("spacing", [None, (3.0, 0.7, 1.1)])
@pytest.mark.parametrize("seed", range(6))
def test_hd95_is_monais(seed: int, spacing: tuple[float, ...] | None) -> None:
    import torch
    from monai.metrics import compute_hausdorff_distance

    rng = np.random.default_rng(seed)
    z, y, x = np.ogrid[:14, :18, :16]
    ball = (z - 6) ** 2 + (y - 9) ** 2 + (x - 8) ** 2
    reference = ball < 30
    prediction = (ball < 20 + 3 * seed) ^ (rng.random(ball.shape) < 0.01 * seed)
    reference[:, :, :2] |= rng.random((14, 18, 2)) < 0.1  # touches the image's border
    masks = [torch.from_numpy(mask)[None, None].float() for mask in (prediction, reference)]
    theirs = compute_hausdorff_distance(*masks, include_background=True, percentile=95, spacing=spacing).item()
    ours = METRICS["hd95"].compute(Geometry.of(reference, prediction, spacing=spacing))
    assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("spacing", [None, (3.0, 0.7, 1.1)])
def test_surface_dice_and_mean_distance_are_monais(spacing: tuple[float, ...] | None) -> None:
    import torch
    from monai.metrics import compute_average_surface_distance, compute_surface_dice

    rng = np.random.default_rng(8)
    z, y, x = np.ogrid[:14, :18, :16]
    ball = (z - 6) ** 2 + (y - 9) ** 2 + (x - 8) ** 2
    reference, prediction = ball < 30, (ball < 44) ^ (rng.random(ball.shape) < 0.02)
    masks = [torch.from_numpy(mask)[None, None].float() for mask in (prediction, reference)]
    geometry = Geometry.of(reference, prediction, spacing=spacing)
    theirs = compute_average_surface_distance(*masks, include_background=True, symmetric=True, spacing=spacing)
    assert METRICS["assd"].compute(geometry) == pytest.approx(theirs.item(), rel=1e-5)
    theirs = compute_surface_dice(*masks, class_thresholds=[1.5], include_background=True, spacing=spacing)
    assert metric_named("surface_dice_1.5").compute(geometry) == pytest.approx(theirs.item(), rel=1e-5)


def test_surface_distances_are_the_distance_transforms() -> None:
    from scipy.ndimage import distance_transform_edt

    rng = np.random.default_rng(3)
    first, second = rng.random((2, 9, 10, 11)) < 0.02
    found = surface_distances(first, second, spacing=(2.0, 1.0, 0.5))
    expected = distance_transform_edt(~second, sampling=(2.0, 1.0, 0.5))[first]
    assert np.allclose(found.to_prediction, expected)


@pytest.mark.parametrize("metric", ["dice", "precision", "recall"])
def test_overlaps_are_counted_voxel_by_voxel(metric: str) -> None:
    rng = np.random.default_rng(1)
    reference, prediction = rng.random((2, 7, 6, 5)) < 0.3
    tp = sum(bool(r and p) for r, p in zip(reference.flat, prediction.flat, strict=True))
    whole = {"dice": (reference.sum() + prediction.sum()) / 2, "precision": prediction.sum(), "recall": reference.sum()}
    geometry = Geometry.of(reference, prediction)
    assert METRICS[metric].compute(geometry) == pytest.approx(tp / whole[metric])


def test_surfaces_are_not_measured_unless_asked_for() -> None:
    geometry = Geometry.of(REFERENCE, PREDICTION)
    METRICS["dice"].compute(geometry)
    assert "surfaces" not in vars(geometry)
    METRICS["hd95"].compute(geometry)
    assert "surfaces" in vars(geometry)


def test_the_box_holds_all() -> None:
    mask = np.zeros((5, 6, 7), dtype=np.bool_)
    mask[1, 2, 6] = mask[3, 2, 0] = True
    assert bounding_box(mask) == (slice(1, 4), slice(2, 3), slice(0, 7))
    assert mask[bounding_box(np.zeros_like(mask))].size == 0


DIAGONAL = math.hypot(5 * 2.0, 6 * 0.5)


@pytest.mark.parametrize(
    ("empty", "reference", "prediction", "note", "dice", "hd95", "volume_bias"),
    [
        ("missing", False, False, "clean negative", None, None, None),
        ("missing", False, True, "false positive", None, None, None),
        ("missing", True, False, "miss", 0.0, DIAGONAL, -1.0),
        ("one", False, False, "clean negative", 1.0, 0.0, None),
        ("one", False, True, "false positive", 0.0, DIAGONAL, None),
        ("one", True, False, "miss", 0.0, DIAGONAL, -1.0),
    ],
)
def test_empty_masks(
    empty: Empty,
    reference: bool,
    prediction: bool,
    note: str,
    dice: float | None,
    hd95: float | None,
    volume_bias: float | None,
) -> None:
    masks = [(mask & there).astype(np.uint8) for mask, there in ((REFERENCE, reference), (PREDICTION, prediction))]
    names = ("dice", "hd95", "volume_bias")
    scores = score_case("a", *masks, regions={"r": (1,)}, metrics=names, spacing=(2.0, 0.5), empty=empty)
    assert [score.value for score in scores] == [dice, hd95, volume_bias]
    assert {score.note for score in scores} == {note}


def test_the_volume_of_what_is_falsely_found_or_missed() -> None:
    nothing = np.zeros((5, 6, 1), dtype=np.bool_)
    error = METRICS["volume_error"].compute
    missed = Geometry.of(REFERENCE[..., None], nothing, spacing=(2.0, 0.5, 10.0))
    assert by_rule(missed, "volume") is Value.COMPUTED
    assert error(missed) == pytest.approx(0.09)
    false = Geometry.of(nothing, PREDICTION[..., None], spacing=(2.0, 0.5, 10.0))
    assert by_rule(false, "volume") is None
    assert by_rule(false, "volume", "one") is Value.COMPUTED
    assert error(false) == pytest.approx(0.05)
    assert false.prediction_volume == pytest.approx(50)


@pytest.mark.parametrize("empty", RULES)
@pytest.mark.parametrize("kind", RULES["one"]["miss"])
def test_metrics_decide_where_both_masks_hold_something(kind: Kind, empty: Empty) -> None:
    for prediction in (PREDICTION, ~REFERENCE):
        geometry = Geometry.of(REFERENCE, prediction)
        assert note_of(geometry) is None
        assert by_rule(geometry, kind, empty) is Value.COMPUTED


def test_every_metric_has_a_direction_in_the_search_spaces() -> None:
    directions = {
        "overlap": "greater", "ranking": "greater", "distance": "smaller", "volume": "smaller", "bias": "zero",
        "lesions": "greater", "count": "smaller",
    }  # fmt: skip
    assert {name: directions[metric.kind] for name, metric in METRICS.items()} == defaults.METRICS
    assert {
        name: directions[make(2.0).kind] for name, make in registry.FAMILIES.items()
    } == search_spaces.metrics.FAMILIES
    assert registry.NUMBERED == search_spaces.metrics.NUMBERED


@pytest.mark.parametrize(
    "name",
    ["f", "f0", "f02", "f2.0", "f2.50", "f-1", "f1e3", "surface_dice", "surface_dice_", "surface_dice_2mm", "g2"],
)
def test_names_with_a_number_are_spelled_in_one_way(name: str) -> None:
    with pytest.raises(InputError, match="no metric named"):
        metric_named(name)
    assert search_spaces.metrics.better(name) is None


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


@pytest.mark.parametrize(
    ("shape", "spacing", "message"),
    [((4, 5), None, r"\(4, 4\), prediction \(4, 5\)"), ((4, 4), (1.0,), "2 dimensions")],
)
def test_what_does_not_fit_is_refused(shape: tuple[int, int], spacing: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Geometry.of(np.ones((4, 4), np.bool_), np.ones(shape, np.bool_), spacing=spacing)
