"""Surface distances and surface Dice: values by hand and of MONAI."""

import numpy as np
import pytest

from trainables.metrics import METRICS, Geometry, metric_named


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


def test_pooled_hd95_counts_both_directions_together() -> None:
    # 20 voxels in a row; the prediction has them and two more, 9 and 10 pixels away. Pooled: forty 0, 9 and 10: the
    # 95th percentile is number 0.95 * 41 = 38.95, still 0. Of the prediction alone it is number 0.95 * 21 = 19.95: 0.95
    # of the way from 0 to 9.
    reference, prediction = np.zeros((2, 12, 20), dtype=np.bool_)
    reference[0] = prediction[0] = True
    prediction[9, 4] = prediction[10, 4] = True
    geometry = Geometry.of(reference, prediction)
    assert METRICS["hd95_pooled"].compute(geometry) == 0
    assert METRICS["hd95"].compute(geometry) == pytest.approx(0.95 * 9)
    prediction[11, 4] = True  # forty 0 and 9, 10, 11: number 0.95 * 42 = 39.9
    assert METRICS["hd95_pooled"].compute(Geometry.of(reference, prediction)) == pytest.approx(0.9 * 9)


@pytest.mark.parametrize("name", ["surface_dice_0.7", "surface_dice_area_0.7"])
def test_a_neighbour_lies_within_a_tolerance_of_one_voxel(name: str) -> None:
    # Along 0.7 mm voxels 4 * 0.7 - 3 * 0.7 is 0.7000000000000002 in binary.
    reference, prediction = np.zeros((2, 1, 9), dtype=np.bool_)
    reference[0, 3] = prediction[0, 4] = True
    assert metric_named(name).compute(Geometry.of(reference, prediction, spacing=(5.0, 0.7))) == 1
