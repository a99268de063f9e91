"""The losses beside MONAI's, with the arguments that make them the same function (SPEC.md §2)."""

import pytest
import torch
from monai.losses import DiceLoss, FocalLoss, TverskyLoss

from trainables.losses import cross_entropy_loss, dice_loss, focal_loss, tversky_loss


def example(classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(classes)
    logits = 3 * torch.randn(3, classes, 6, 5, 4, generator=generator, dtype=torch.float64)
    target = torch.randint(classes, (3, 6, 5, 4), generator=generator)
    target[0] = 0  # an empty reference too
    return logits, target


@pytest.mark.parametrize("classes", [2, 3])
def test_dice(classes: int) -> None:
    logits, target = example(classes)
    theirs = DiceLoss(softmax=True, to_onehot_y=True)(logits, target[:, None])
    assert dice_loss(logits, target).item() == pytest.approx(theirs.item(), rel=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("fn_weight", "fp_weight"), [(0.7, 0.3), (0.2, 1.1)])
def test_tversky(classes: int, fn_weight: float, fp_weight: float) -> None:
    logits, target = example(classes)
    oracle = TverskyLoss(
        softmax=True,
        to_onehot_y=True,
        include_background=False,
        alpha=fp_weight,
        beta=fn_weight,
        smooth_nr=1e-6,
        smooth_dr=1e-6,
    )
    ours = tversky_loss(logits, target, fn_weight=fn_weight, fp_weight=fp_weight)
    assert ours.item() == pytest.approx(oracle(logits, target[:, None]).item(), rel=1e-9)


@pytest.mark.parametrize("gamma", [0.0, 2.0, 3.5])
@pytest.mark.parametrize("alpha", [None, 0.25, 0.75])
def test_binary_focal(alpha: float | None, gamma: float) -> None:
    logits, target = example(2)
    foreground = (logits[:, 1] - logits[:, 0])[:, None]
    theirs = FocalLoss(gamma=gamma, alpha=alpha)(foreground, target[:, None])
    # MONAI casts to float32.
    assert focal_loss(logits, target, alpha=alpha, gamma=gamma).item() == pytest.approx(theirs.item(), rel=1e-5)


@pytest.mark.parametrize("alpha", [None, 0.75])
def test_focal_of_many_classes(alpha: float | None) -> None:
    logits, target = example(4)
    oracle = FocalLoss(gamma=2.0, alpha=alpha, use_softmax=True, to_onehot_y=True)
    theirs = 4 * oracle(logits, target[:, None])  # its mean runs over the classes too, of which one is not 0
    assert focal_loss(logits, target, alpha=alpha).item() == pytest.approx(theirs.item(), rel=1e-5)


def test_cross_entropy() -> None:
    logits, target = example(3)
    theirs = torch.nn.CrossEntropyLoss()(logits, target)
    assert cross_entropy_loss(logits, target).item() == pytest.approx(theirs.item(), rel=1e-12)
