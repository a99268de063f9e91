"""Where the numbers of losses go wrong, each as a test: sums in half precision, empty references, infinite slopes."""

import math

import pytest
import torch
from torch import Tensor

from trainables.losses import (
    FACTS,
    LOSSES,
    cross_entropy_loss,
    dice_lin_loss,
    dice_loss,
    focal_tversky_loss,
    gdl_sudre_loss,
    log_cosh,
    matthews_loss,
    wasserstein_dice_loss,
    weighted_dice_loss,
)
from trainables.losses.parts.soft_counts import soft_counts
from trainables.losses.parts.voxels import read


def gradient(name: str, logits: Tensor, target: Tensor, **parameters: object) -> tuple[float, Tensor]:
    logits = logits.clone().requires_grad_()
    value = LOSSES[name](logits, target, **parameters)
    value.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    return value.item(), logits.grad


def two(*odds: float) -> Tensor:
    """Two-class logits whose difference these are, one sample."""
    z = torch.tensor(odds)
    return torch.stack([torch.zeros_like(z), z])[None]


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_an_80_cube_is_counted_in_float32(kind: torch.dtype) -> None:
    logits = torch.zeros(1, 2, 80, 80, 80, dtype=kind)
    counts = soft_counts(logits, torch.ones(1, 80, 80, 80, dtype=torch.uint8))
    assert not torch.isfinite(torch.ones(80, 80, 80, dtype=torch.float16).sum())  # 512,000 > 65,504
    assert counts.predicted.tolist() == [[256_000, 256_000]]
    assert counts.reference.tolist() == [[0, 512_000]]
    assert counts.tp.dtype == torch.float32


@pytest.mark.parametrize(("kind", "odds"), [(torch.float16, 8.5), (torch.bfloat16, 6.5)])
@pytest.mark.parametrize("name", LOSSES)
def test_a_sigmoid_that_rounds_to_one_keeps_its_gradient(name: str, kind: torch.dtype, odds: float) -> None:
    assert torch.sigmoid(torch.tensor(odds, dtype=kind)) == 1
    logits = two(odds, odds, -odds, 0.0).to(kind)
    value, slope = gradient(name, logits, torch.tensor([[0, 1, 0, 1]]))
    assert math.isfinite(value)
    assert slope[0, 1, 0] != 0  # a false positive


@pytest.mark.parametrize(
    "name", ["dice_sq", "dice_lin", "tversky", "asl_sq", "asl_lin", "matthews", "wasserstein_dice"]
)
def test_an_empty_reference_is_a_plateau(name: str) -> None:
    noise = torch.randn(1, 2, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    value, slope = gradient(name, noise, torch.zeros(1, 16, 16, 16, dtype=torch.int64))
    assert value == pytest.approx(1, abs=1e-6)
    assert slope.abs().max() < 1e-9
    assert not FACTS[name].learns_from_empty


def test_an_absent_class_adds_its_share() -> None:
    p = torch.tensor([0.998, 0.001, 0.001], dtype=torch.float64)
    logits = torch.log(p).view(1, 3, 1).repeat(1, 1, 1000)
    target = torch.zeros(1, 1000, dtype=torch.int64)
    target[0, :500] = 1
    logits[0, :, :500] = torch.log(p[[1, 0, 2]])[:, None]
    assert dice_loss(logits, target).item() == pytest.approx(1 / 3, abs=2e-3)
    assert weighted_dice_loss(logits, target).item() == pytest.approx(4 / 7, abs=2e-3)


def test_focal_tversky_at_a_perfect_overlap_has_no_infinite_slope() -> None:
    target = torch.tensor([[0, 1, 1, 0]])
    for size in (8.0, 20.0, 60.0, 200.0):
        for exponent in (0.5, 0.75, 5.0):
            logits = size * (2 * target - 1.0)
            value, slope = gradient("focal_tversky", two(*logits[0].tolist()), target, exponent=exponent)
            assert math.isfinite(value)
            assert torch.isfinite(slope).all()
    assert focal_tversky_loss(two(-200, 200, 200, -200), target).item() == pytest.approx(1e-7**0.75)


def test_focal_tversky_with_exponent_five_fades_near_the_goal() -> None:
    target = torch.tensor([[0, 1, 1, 0]])
    steep, flat = (
        gradient("focal_tversky", two(-4.0, 4.0, 4.0, -4.0), target, exponent=e)[1].abs().sum() for e in (0.75, 5.0)
    )
    assert flat < 1e-5 * steep


@pytest.mark.parametrize("odds", [-200.0, 0.0, 200.0])
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("form", ["sample", "batch"])
def test_matthews_of_a_constant_is_one_and_finite(odds: float, label: int, form: str) -> None:
    target = torch.full((2, 8), label)
    value, slope = gradient("matthews", two(*[odds] * 8).repeat(2, 1, 1), target, form=form)
    assert value == pytest.approx(1, abs=1e-5)
    assert torch.isfinite(slope).all()


def test_matthews_pooled_learns_from_a_batch_with_one_empty_patch_and_by_sample_does_not() -> None:
    logits = torch.randn(2, 2, 64, generator=torch.Generator().manual_seed(0))
    target = torch.zeros(2, 64, dtype=torch.int64)
    target[1, :20] = 1
    assert gradient("matthews", logits, target, form="batch")[1][0].abs().sum() > 1e-2
    assert gradient("matthews", logits, target)[1][0].abs().sum() < 1e-6


def test_matthews_keeps_its_value_for_one_voxel_in_a_large_patch() -> None:
    target = torch.zeros(1, 64, 64, 64, dtype=torch.int64)
    target[0, 3, 3, 3] = 1
    logits = torch.stack([-20.0 * (2 * target - 1), 20.0 * (2 * target - 1)], 1)
    assert matthews_loss(logits, target).item() == pytest.approx(0, abs=1e-3)


def test_generalised_dice_at_real_volumes_is_not_smoothed_away() -> None:
    # A cube of 64,000 of 512,000 voxels, one half predicted everywhere: weights 1/64,000² and 1/448,000².
    target = torch.zeros(1, 80, 80, 80, dtype=torch.int64)
    target[0, :40, :40, :40] = 1
    small, large = 1 / 64_000**2, 1 / 448_000**2
    above = 2 * (small * 32_000 + large * 224_000)
    expected = 1 - above / (small * (256_000 + 64_000) + large * (256_000 + 448_000))
    assert gdl_sudre_loss(torch.zeros(1, 2, 80, 80, 80), target).item() == pytest.approx(expected, abs=1e-6)
    smoothed = 1 - (above + 1e-5) / (above / (1 - expected) + 1e-5)
    assert abs(smoothed - expected) > 0.01  # what 1e-5 would make of it


def test_generalised_dice_gives_an_absent_class_the_largest_finite_weight() -> None:
    # Background 3 voxels, class 1 one voxel, class 2 none; a third everywhere: weights 1/9, 1, 1.
    value = gdl_sudre_loss(torch.zeros(1, 3, 4, dtype=torch.float64), torch.tensor([[0, 0, 0, 1]])).item()
    above = 2 * (1 / 9 * 1 + 1 * 1 / 3)
    assert value == pytest.approx(1 - above / (1 / 9 * (4 / 3 + 3) + (4 / 3 + 1) + 4 / 3))


@pytest.mark.parametrize("name", LOSSES)
def test_lesion_weights_of_2e5_stay_finite(name: str) -> None:
    target = torch.zeros(1, 8, 8, 8, dtype=torch.int64)
    target[0, 0, 0, 0] = 1
    weight = torch.where(target > 0, 2e5, 1.0)
    logits = torch.randn(1, 2, 8, 8, 8, generator=torch.Generator().manual_seed(0)).half()
    value, slope = gradient(name, logits.float(), target, weight=weight)
    assert math.isfinite(value)
    assert torch.isfinite(slope).all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert LOSSES[name](logits, target, weight=weight).item() == pytest.approx(value, rel=1e-5)


def test_wasserstein_stays_in_float32_and_its_batch_is_the_mean_of_its_samples() -> None:
    logits = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    target = torch.arange(48).view(3, 4, 4) % 3
    matrix = torch.tensor([[0, 1, 1], [1, 0, 0.5], [1, 0.5, 0]], dtype=torch.float64).tolist()
    value = wasserstein_dice_loss(logits, target, matrix=matrix)
    assert value.dtype == torch.float32
    each = [wasserstein_dice_loss(logits[i : i + 1], target[i : i + 1], matrix=matrix).item() for i in range(3)]
    assert value.item() == pytest.approx(sum(each) / 3, rel=1e-6)


def test_log_cosh_near_zero_and_far_away() -> None:
    assert log_cosh(torch.tensor(1e-4)).item() == pytest.approx(5.0e-9, rel=1e-4)
    assert torch.log(torch.cosh(torch.tensor(1e-4))).item() == 0  # what it replaces
    x = torch.tensor(200.0, requires_grad=True)
    log_cosh(x).backward()  # type: ignore[no-untyped-call]
    assert log_cosh(x).item() == pytest.approx(200 - math.log(2))
    assert x.grad is not None
    assert x.grad.item() == 1
    near, beyond = (log_cosh(torch.tensor(v, dtype=torch.float64)).item() for v in (20 - 1e-9, 20 + 1e-9))
    assert beyond - near == pytest.approx(2e-9, rel=1e-3)


def test_log_odds_are_exact_where_one_minus_p_rounds_to_zero() -> None:
    logits = torch.tensor([[[40.0], [0.0], [-3.0]]])
    voxels = read(logits, torch.zeros(1, 1, dtype=torch.int64))
    expected = [-math.log(math.exp(40) + math.exp(-3)), -3 - math.log(math.exp(40) + 1)]
    assert voxels.log_odds.flatten().tolist() == pytest.approx(expected)
    assert torch.allclose(torch.sigmoid(voxels.log_odds), voxels.probabilities[:, 1:])


@pytest.mark.parametrize("name", ["weight", "ignore"])
def test_maps_of_another_shape_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}: expected the target's shape \(1, 4\), found \(1, 1, 4\)"):
        cross_entropy_loss(torch.zeros(1, 2, 4), torch.zeros(1, 4, dtype=torch.int64), **{name: torch.ones(1, 1, 4)})


def test_an_ignore_map_of_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="mask of bool"):
        dice_lin_loss(torch.zeros(1, 2, 4), torch.zeros(1, 4, dtype=torch.int64), ignore=torch.ones(1, 4))


def test_an_ignored_voxel_belongs_to_no_class() -> None:
    ignore = torch.tensor([[False, True, False]])
    voxels = read(torch.zeros(1, 2, 3), torch.tensor([[1, 255, 0]]), ignore=ignore)
    assert voxels.one_hot.tolist() == [[[False, False, True], [True, False, False]]]
