"""Generalised Wasserstein Dice: values by hand, matrices of distances, and MONAI."""

import pytest
import torch
from monai.losses import GeneralizedWassersteinDiceLoss

from tests.trainables.losses.examples import LOGITS, TARGET, with_empty_sample
from trainables.class_distances import MATRICES
from trainables.losses import LOSSES, dice_lin_loss, wasserstein_dice_loss
from trainables.losses.conformance import example


def test_value_by_hand() -> None:
    # TP = 1.3, FP = 0.2, FN = 0.7, TN = 0.8; sum p² = 1.01, of the background 1.
    expected = 1 - 2.6 / (2.6 + 0.1 + 0.2 + 0.6)
    assert LOSSES["wasserstein_dice"](LOGITS, TARGET).item() == pytest.approx(expected, abs=1e-5)


def test_wasserstein_of_two_classes_is_linear_dice() -> None:
    logits, target = example(2)
    assert wasserstein_dice_loss(logits, target).item() == pytest.approx(dice_lin_loss(logits, target).item(), abs=1e-6)


def test_wasserstein_by_hand_with_distances() -> None:
    # True 1 predicted (0.2, 0.5, 0, 0.3, 0): 0.2 * 1 + 0.3 * 0.2 = 0.26. Background predicted (0.9, 0, 0, 0, 0.1): 0.1.
    p = torch.tensor([[0.2, 0.5, 0.0, 0.3, 0.0], [0.9, 0.0, 0.0, 0.0, 0.1]], dtype=torch.float64)
    loss = wasserstein_dice_loss(torch.log(p.clamp(min=1e-300)).T[None], torch.tensor([[1, 0]]), matrix="brats5")
    assert loss.item() == pytest.approx(1 - 2 * 0.74 / (2 * 0.74 + 0.36), abs=1e-5)


def test_brats_matrices_obey_the_triangle_inequality_and_the_small_one_is_the_large_without_class_3() -> None:
    large, small = (torch.tensor(MATRICES[name]) for name in ("brats5", "brats4"))
    rest = [0, 1, 2, 4]
    assert torch.equal(large[rest][:, rest], small)
    for k in range(5):
        assert (large <= large[:, k : k + 1] + large[k : k + 1] + 1e-6).all()


def test_wasserstein_stays_in_float32_and_its_batch_is_the_mean_of_its_samples() -> None:
    logits = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    target = torch.arange(48).view(3, 4, 4) % 3
    matrix = torch.tensor([[0, 1, 1], [1, 0, 0.5], [1, 0.5, 0]], dtype=torch.float64).tolist()
    value = wasserstein_dice_loss(logits, target, matrix=matrix)
    assert value.dtype == torch.float32
    each = [wasserstein_dice_loss(logits[i : i + 1], target[i : i + 1], matrix=matrix).item() for i in range(3)]
    assert value.item() == pytest.approx(sum(each) / 3, rel=1e-6)


@pytest.mark.parametrize("matrix", ["brats4", "brats5"])
def test_wasserstein_dice_beside_monai(matrix: str) -> None:
    logits, target = with_empty_sample(len(MATRICES[matrix]))
    oracle = GeneralizedWassersteinDiceLoss(dist_matrix=torch.tensor(MATRICES[matrix]), weighting_mode="default")
    theirs = oracle(logits.float(), target[:, None])
    assert wasserstein_dice_loss(logits, target, matrix=matrix).item() == pytest.approx(theirs.item(), rel=1e-5)
