"""Soft counts: sums worked by hand, voxel weights, and sums of half-precision logits."""

import pytest
import torch

from tests.trainables.losses.examples import log_odds
from trainables.losses.parts.soft_counts import soft_counts


def test_counts() -> None:
    # p = (0.9, 0.2, 0.4) against (1, 0, 1): TP = 0.9 + 0.4, FP = 0.2, FN = 0.1 + 0.6.
    counts = soft_counts(log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]]))
    assert counts.tp[0, 1].item() == pytest.approx(1.3)
    assert counts.fp[0, 1].item() == pytest.approx(0.2)
    assert counts.fn[0, 1].item() == pytest.approx(0.7)
    assert counts.tp[0, 0].item() == pytest.approx(0.8)
    assert counts.reference.tolist() == [[1, 2]]


def test_weights_of_voxels_weigh_all_sums() -> None:
    # The second voxel counts three times, the third not at all: TP = 0.9, FP = 3 * 0.2, FN = 0.1.
    weight = torch.tensor([[1.0, 3.0, 0.0]])
    counts = soft_counts(log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]]), weight=weight)
    assert [value[0, 1].item() for value in (counts.tp, counts.fp, counts.fn)] == pytest.approx([0.9, 0.6, 0.1])
    assert counts.reference.tolist() == [[3, 1]]


def test_weights_of_one_change_nothing() -> None:
    logits, target = log_odds(0.9, 0.2, 0.4), torch.tensor([[1, 0, 1]])
    plain, weighted = soft_counts(logits, target), soft_counts(logits, target, weight=torch.ones(1, 3))
    assert torch.equal(plain.tp, weighted.tp)
    assert torch.equal(plain.predicted, weighted.predicted)
    assert torch.equal(plain.reference, weighted.reference)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
def test_an_80_cube_is_counted_in_float32(kind: torch.dtype) -> None:
    logits = torch.zeros(1, 2, 80, 80, 80, dtype=kind)
    counts = soft_counts(logits, torch.ones(1, 80, 80, 80, dtype=torch.uint8))
    assert not torch.isfinite(torch.ones(80, 80, 80, dtype=torch.float16).sum())  # 512,000 > 65,504
    assert counts.predicted.tolist() == [[256_000, 256_000]]
    assert counts.reference.tolist() == [[0, 512_000]]
    assert counts.tp.dtype == torch.float32
