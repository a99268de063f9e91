"""Sums over a patch of many blocks: the values and gradients of one map, again over a retained graph, in any layout."""

import pytest
import torch
from torch import Tensor

from trainables.losses import LOSSES
from trainables.losses.conformance import example
from trainables.losses.parts import softmax_blocks
from trainables.losses.parts.soft_confusion import soft_confusion
from trainables.losses.parts.soft_counts import counts_of
from trainables.losses.parts.voxels import read

NAMES = ("dice_sq", "tversky", "gdl_iw", "wasserstein_dice", "cross_entropy", "focal", "dice_cross_entropy")


def gradient(name: str, logits: Tensor, target: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    given = logits.clone().requires_grad_()
    value = LOSSES[name](given, target, weight=weight)
    value.backward()  # type: ignore[no-untyped-call]
    assert given.grad is not None
    return value.detach(), given.grad


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_many_blocks_are_as_one(name: str, weighted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    logits, target = example(3, (7, 5, 3), samples=2)
    weight = 1 + torch.arange(target.numel(), dtype=torch.float64).view(target.shape) % 5 if weighted else None
    whole, slope = gradient(name, logits, target, weight)
    monkeypatch.setattr(softmax_blocks, "CACHED", 2 * 3 * 8)  # 8 voxels of 105: 13 blocks and one of a single voxel
    assert [part.stop - part.start for part in softmax_blocks.parts(logits.flatten(2))] == [8] * 14
    value, again = gradient(name, logits, target, weight)
    assert value.item() == pytest.approx(whole.item(), rel=1e-12)
    assert torch.allclose(again, slope, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_a_second_way_back_gives_the_same_gradient(name: str) -> None:
    logits, target = example(3, samples=2)
    given = logits.clone().requires_grad_()
    loss = LOSSES[name](given, target)
    (first,) = torch.autograd.grad(loss, given, retain_graph=True)
    kept = first.clone()
    (second,) = torch.autograd.grad(loss, given)
    assert torch.equal(first, kept)  # not written over
    assert torch.allclose(second, first, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_channels_last_is_the_same(name: str) -> None:
    logits, target = example(3, (6, 5, 4), samples=2)
    value, slope = gradient(name, logits, target)
    last, last_slope = gradient(name, logits.contiguous(memory_format=torch.channels_last_3d), target)
    assert last.item() == pytest.approx(value.item(), rel=1e-12)
    assert torch.allclose(last_slope, slope, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_the_logits_are_left_alone_and_no_gradient_is_no_trouble(name: str) -> None:
    logits, target = example(3, samples=2)
    before = logits.clone()
    value, _ = gradient(name, logits, target)
    assert LOSSES[name](logits, target).item() == pytest.approx(value.item(), rel=1e-12)
    assert torch.equal(logits, before)


def test_the_sums_of_a_real_patch_are_those_of_float64() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(1, 3, 64, 64, 64, generator=generator)
    target = torch.randint(3, (1, 64, 64, 64), generator=generator)
    counts = counts_of(read(logits, target))
    p = torch.softmax(logits.double(), 1)
    hot = torch.nn.functional.one_hot(target, 3).movedim(-1, 1)
    pairs = [(counts.tp, p * hot), (counts.predicted, p), (counts.reference, hot), (counts.squares, p**2)]
    for found, voxels in pairs:
        assert torch.allclose(found.double(), voxels.flatten(2).sum(2).double(), rtol=2e-6)
    assert counts.reference.sum() == 64**3


@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_of_a_confusion_matrix_knows_its_rows_from_its_columns(weighted: bool) -> None:
    logits, target = example(3, (2, 3), samples=2)
    weight = 1 + torch.arange(target.numel(), dtype=torch.float64).view(target.shape) % 5 if weighted else None

    def matrix(given: Tensor) -> Tensor:
        return soft_confusion(read(given, target, weight=weight))

    assert torch.autograd.gradcheck(matrix, (logits.double().requires_grad_(),))
