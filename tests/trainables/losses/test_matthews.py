"""Matthews loss: values by hand, its three forms, constants, scikit-learn and MONAI."""

import math

import pytest
import torch
from monai.losses import MCCLoss
from sklearn.metrics import matthews_corrcoef

from tests.trainables.losses.examples import LOGITS, TARGET, binary, gradient, two
from trainables.losses import LOSSES, matthews_loss
from trainables.losses.conformance import example


def test_value_by_hand() -> None:
    # TP = 1.3, FP = 0.2, FN = 0.7, TN = 0.8; sum p² = 1.01, of the background 1.
    expected = 1 - (1.3 * 0.8 - 0.2 * 0.7) / math.sqrt(1.5 * 2 * 1 * 1.5)
    assert LOSSES["matthews"](LOGITS, TARGET).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_micro_matthews_is_soft_accuracy(classes: int) -> None:
    logits, target = example(classes)
    a = torch.softmax(logits, 1).gather(1, target[:, None]).mean().item()
    value = matthews_loss(logits, target, form="micro_all").item()
    assert value == pytest.approx(1 - (classes * a - 1) / (classes - 1), rel=1e-9)


@pytest.mark.parametrize("form", ["sample", "batch"])
def test_matthews_of_hard_masks_is_sklearns(form: str) -> None:
    logits, target = example(2, (6, 6))
    hard = logits.argmax(1)
    certain = 400.0 * torch.stack([1 - hard, hard], 1).double()
    pairs = [(target, hard)] if form == "batch" else list(zip(target, hard, strict=True))
    expected = sum(1 - matthews_corrcoef(t.flatten(), h.flatten()) for t, h in pairs) / len(pairs)
    assert matthews_loss(certain, target, form=form).item() == pytest.approx(expected, rel=1e-9)


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


@pytest.mark.parametrize("form", ["sample", "batch"])
def test_matthews_beside_monai(form: str) -> None:
    logits, target, one = binary()
    theirs = MCCLoss(sigmoid=True, batch=form == "batch")(one, target[:, None])
    assert matthews_loss(logits, target, form=form).item() == pytest.approx(theirs.item(), abs=1e-6)


def test_the_formula_as_printed_by_hand() -> None:
    # Counts over both classes: TP = TN = 1.3 + 0.8, FP = FN = 0.2 + 0.7 of 6.
    assert matthews_loss(LOGITS, TARGET, form="micro_all").item() == pytest.approx(1 - (2.1**2 - 0.9**2) / 3**2)
