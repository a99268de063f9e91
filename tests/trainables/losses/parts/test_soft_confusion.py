"""Soft confusion matrix by hand, with voxel weights."""

import math

import torch

from trainables.losses.parts.soft_confusion import soft_confusion
from trainables.losses.parts.voxels import read

# Probabilities (1, 2, 5) / 8, (3, 1, 1) / 5 and (1, 1, 2) / 4 of three voxels.
LOGITS = torch.tensor(
    [[[0.0, math.log(3), 0.0], [math.log(2), 0.0, 0.0], [math.log(5), 0.0, math.log(2)]]], dtype=torch.float64
)
TARGET = torch.tensor([[2, 0, 2]])


def test_rows_are_true_classes_and_columns_predicted_ones() -> None:
    found = soft_confusion(read(LOGITS, TARGET))
    expected = torch.tensor([[[0.6, 0.2, 0.2], [0, 0, 0], [1 / 8 + 1 / 4, 2 / 8 + 1 / 4, 5 / 8 + 1 / 2]]])
    assert torch.allclose(found, expected.double())


def test_weights_multiply_a_voxels_probabilities() -> None:
    found = soft_confusion(read(LOGITS, TARGET, weight=torch.tensor([[4.0, 1.0, 0.0]])))
    expected = torch.tensor([[[0.6, 0.2, 0.2], [0, 0, 0], [0.5, 1.0, 2.5]]])
    assert torch.allclose(found, expected.double())
