"""The losses beside MONAI's, with the arguments that make them the same function (SPEC.md §2)."""

import pytest
import torch
from monai.losses import (
    DiceLoss,
    FocalLoss,
    GeneralizedDiceLoss,
    GeneralizedWassersteinDiceLoss,
    HausdorffDTLoss,
    MCCLoss,
    TverskyLoss,
)

from trainables.class_distances import MATRICES
from trainables.losses import (
    LOSSES,
    asl_lin_loss,
    cross_entropy_loss,
    dice_loss,
    focal_loss,
    focal_tversky_loss,
    gdl_sudre_loss,
    hausdorff_loss,
    matthews_loss,
    tversky_loss,
    wasserstein_dice_loss,
    weighted_dice_loss,
)


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


def binary() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two-class logits, target, and the one logit that a single-channel loss takes."""
    logits, target = example(2)
    return logits, target, (logits[:, 1] - logits[:, 0])[:, None]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("dice_lin", {}),
        ("dice_sq", {"squared_pred": True, "smooth_nr": 0, "smooth_dr": 1e-7}),
        ("dice_flat_s1", {"batch": True, "smooth_nr": 1, "smooth_dr": 1}),
    ],
)
def test_dice_forms(name: str, arguments: dict[str, float]) -> None:
    logits, target, one = binary()
    theirs = DiceLoss(sigmoid=True, **arguments)(one, target[:, None].double())
    assert LOSSES[name](logits, target).item() == pytest.approx(theirs.item(), rel=1e-9)


@pytest.mark.parametrize("weights", [(1.0, 2.0, 4.0), (0.3, 0.2, 7.0)])
def test_weighted_dice(weights: tuple[float, ...]) -> None:
    logits, target = example(3)
    w = torch.tensor(weights, dtype=torch.float64)
    theirs = DiceLoss(softmax=True, to_onehot_y=True, weight=w * 3 / w.sum())(logits, target[:, None])
    assert weighted_dice_loss(logits, target, weights=weights).item() == pytest.approx(theirs.item(), rel=1e-9)


@pytest.mark.parametrize("exponent", [0.75, 5.0])
def test_focal_tversky(exponent: float) -> None:
    logits, target = example(3)
    oracle = TverskyLoss(
        softmax=True, to_onehot_y=True, alpha=0.3, beta=0.7, smooth_nr=1e-6, smooth_dr=1e-6, reduction="none"
    )
    theirs = oracle(logits, target[:, None]).pow(exponent).mean()
    assert focal_tversky_loss(logits, target, exponent=exponent).item() == pytest.approx(theirs.item(), rel=1e-9)


def test_linear_asymmetric_similarity() -> None:
    logits, target, one = binary()
    oracle = TverskyLoss(sigmoid=True, alpha=1 / 3.25, beta=2.25 / 3.25, smooth_nr=0, smooth_dr=1e-12)
    assert asl_lin_loss(logits, target).item() == pytest.approx(oracle(one, target[:, None]).item(), rel=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_generalised_dice(classes: int) -> None:
    logits, target = example(classes)
    oracle = GeneralizedDiceLoss(softmax=True, to_onehot_y=True, w_type="square", smooth_nr=0, smooth_dr=0)
    assert gdl_sudre_loss(logits, target).item() == pytest.approx(oracle(logits, target[:, None]).item(), rel=1e-6)


@pytest.mark.parametrize("matrix", ["brats4", "brats5"])
def test_wasserstein_dice(matrix: str) -> None:
    logits, target = example(len(MATRICES[matrix]))
    oracle = GeneralizedWassersteinDiceLoss(dist_matrix=torch.tensor(MATRICES[matrix]), weighting_mode="default")
    theirs = oracle(logits.float(), target[:, None])
    assert wasserstein_dice_loss(logits, target, matrix=matrix).item() == pytest.approx(theirs.item(), rel=1e-5)


@pytest.mark.parametrize("form", ["sample", "batch"])
def test_matthews(form: str) -> None:
    logits, target, one = binary()
    theirs = MCCLoss(sigmoid=True, batch=form == "batch")(one, target[:, None])
    assert matthews_loss(logits, target, form=form).item() == pytest.approx(theirs.item(), abs=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("power", [1.0, 2.0])
def test_hausdorff(classes: int, power: float) -> None:
    logits, target = example(classes)
    theirs = HausdorffDTLoss(softmax=True, to_onehot_y=True, alpha=power)(logits, target[:, None])
    assert hausdorff_loss(logits, target, power=power).item() == pytest.approx(theirs.item(), rel=1e-6)


def test_miscnns_tversky_is_the_sum_over_all_classes() -> None:
    logits, target = example(3)
    oracle = TverskyLoss(
        softmax=True, to_onehot_y=True, alpha=0.5, beta=0.5, smooth_nr=1e-6, smooth_dr=1e-6, reduction="none"
    )
    theirs = oracle(logits, target[:, None]).flatten(1).sum(1).mean()
    ours = tversky_loss(logits, target, fn_weight=0.5, fp_weight=0.5, background=True, reduction="sum")
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-9)
