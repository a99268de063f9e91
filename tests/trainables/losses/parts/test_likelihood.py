"""Negative log-likelihood of each voxel: values by hand and the gradient."""

import math

import pytest
import torch

from trainables.losses.parts.likelihood import negative_log_likelihood

# Three classes, two voxels: softmax of (0, log 2, log 5) is (1, 2, 5) / 8, of (log 3, 0, 0) it is (3, 1, 1) / 5.
LOGITS = torch.tensor([[[0.0, math.log(3)], [math.log(2), 0.0], [math.log(5), 0.0]]], dtype=torch.float64)


def test_value_by_hand() -> None:
    cost = negative_log_likelihood(LOGITS, torch.tensor([[2, 1]]))
    assert cost.tolist() == [[pytest.approx(math.log(8 / 5)), pytest.approx(math.log(5))]]


def test_gradient_is_softmax_minus_one_hot_times_the_slope() -> None:
    logits = LOGITS.clone().requires_grad_()
    (negative_log_likelihood(logits, torch.tensor([[2, 1]])) * torch.tensor([1.0, 3.0])).sum().backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    expected = torch.tensor([[[1 / 8, 3 * 3 / 5], [2 / 8, -3 * 4 / 5], [-3 / 8, 3 * 1 / 5]]], dtype=torch.float64)
    assert torch.allclose(logits.grad, expected)
