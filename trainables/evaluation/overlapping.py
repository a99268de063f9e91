"""Overlapping regions as a network's outputs: one sigmoid each, each trained and scored as a problem of two classes.

Shape letters: N batch, R regions, `*spatial` the patch or the volume. A voxel may belong to several regions or to none.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

Loss = Callable[..., Tensor]


def over_regions(loss: Loss, regions: Sequence[Sequence[int]]) -> Loss:
    """A loss of two classes as the mean over regions: logits `[0, z]` against the region and the rest.

    The softmax of `[0, z]` is the sigmoid of z, so any loss applies, whatever it does with its classes.

    Args:
        loss: `(logits (N, 2, *spatial), target (N, *spatial), *, weight, ignore) -> scalar`.
        regions: For each region the classes whose union it is.

    Returns:
        A loss that takes logits `(N, R, *spatial)` and class indices `(N, *spatial)`.
    """
    members = [list(region) for region in regions]

    def of_all(logits: Tensor, target: Tensor, **maps: Tensor) -> Tensor:
        values = [
            loss(two_classes(logits[:, index]), torch.isin(target, target.new_tensor(region)).long(), **maps)
            for index, region in enumerate(members)
        ]
        return torch.stack(values).mean()

    return of_all


def two_classes(logits: Tensor) -> Tensor:
    """Logits `[0, z]` of the rest and the region: `(N, *spatial)` → `(N, 2, *spatial)`."""
    return torch.stack([torch.zeros_like(logits), logits], dim=1)


def two_probabilities(probabilities: Tensor) -> Iterator[Tensor]:
    """For each region `[1 - p, p]`: `(R, *spatial)` → R of `(2, *spatial)`, each a softmax of two classes."""
    for one in probabilities:
        yield torch.stack([1 - one, one])


def class_map(masks: np.ndarray, regions: Sequence[Sequence[int]], classes: int) -> np.ndarray:
    """One class a voxel, for a picture: the class that lies in the most nearly same regions as the voxel.

    Args:
        masks: Where each region was found, `(R, *spatial)`, bool.
        regions: For each region the classes whose union it is.
        classes: Number of classes, background included; it lies in no region.

    Returns:
        Class indices `(*spatial)`, uint8; of classes that fit equally the first.
    """
    agree = np.zeros((classes, *masks.shape[1:]), np.int16)
    for mask, members in zip(masks, regions, strict=True):
        for index in range(classes):
            agree[index] += mask if index in members else ~mask
    found: np.ndarray = agree.argmax(axis=0).astype(np.uint8)
    return found
