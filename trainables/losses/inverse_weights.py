"""Inverse lesion weighting: every lesion of a patch, large or small, has the same mass in the loss."""

import torch
from torch import Tensor


def inverse_weights(components: Tensor, *, at_most: float = 2e5) -> Tensor:
    """The voxel weights `clip(V / ((K + 1) n), 1, at_most)`, for each sample by itself.

    V is the number of the patch's voxels, K of the lesions in it, and n of the voxel's own component inside the patch
    (the background is one). Before clipping each lesion and the background have the same mass, `V / (K + 1)`; the lower
    limit lifts the background to 1.

    Args:
        components: Lesion numbers `(N, *spatial)`, integer >= 0, 0 is background; connected components (26 neighbours
            in 3D) of the whole volume, cut to the patch with it. The numbers need not be consecutive.
        at_most: Upper limit, >= 1. It bites where a cut leaves a lesion a few voxels.

    Returns:
        `(N, *spatial)`, float32 (2e5 is infinite in float16); 1 everywhere where there is no lesion.

    Raises:
        ValueError: The components are no integers, one is negative, or `at_most` is below 1.

    Source: Shirokikh et al. 2020, https://arxiv.org/abs/2007.10033. A patch without background keeps its K here, where
    the authors' code takes one less.
    """
    if components.is_floating_point() or components.dtype == torch.bool:
        raise ValueError(f"components: expected lesion numbers, integers, found {components.dtype}")
    if not at_most >= 1:
        raise ValueError(f"at_most: expected a number >= 1, found {at_most}")
    weights = torch.ones(components.shape, dtype=torch.float32, device=components.device)
    for sample, out in zip(components, weights, strict=True):
        numbers, where, sizes = torch.unique(sample, return_inverse=True, return_counts=True)
        if numbers.numel() and numbers[0] < 0:
            raise ValueError(f"components: expected numbers >= 0, found {int(numbers[0])}")
        lesions = int((numbers > 0).sum())
        if lesions:
            masses = sample.numel() / ((lesions + 1) * sizes.double())
            out.copy_(masses.clamp(1, at_most).float()[where])
    return weights
