"""Soft clDice: Dice with the overlap of each mask with the other's skeleton, so that thin structures stay connected."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from trainables.losses.parts.parameter_checks import positive
from trainables.losses.parts.voxels import read

POOLS = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def cl_dice_loss(
    logits: Tensor,
    target: Tensor,
    *,
    share: float = 0.5,
    iterations: int = 3,
    smooth: float = 1.0,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over batch and foreground classes of `(1 - share) (1 - Dice) + share (1 - 2 P S / (P + S))`.

    P is the share of the prediction's soft skeleton that lies in the reference, S that of the reference's skeleton in
    the prediction.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        share: Weight of clDice in `[0, 1]`; the rest is linear Dice.
        iterations: Erosions of the soft skeleton, >= 0: at least half the thickness of what is to be thinned, in
            voxels.
        smooth: In numerators and denominators, in voxels, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool.

    Returns:
        Scalar in `[0, 1]`. A class neither present nor predicted costs 0. To the skeletons an ignored voxel is
        background.

    Raises:
        ValueError: The shapes disagree, there are more than three dimensions, or a parameter is outside its range.

    Source: Shit et al. 2021, https://arxiv.org/abs/2003.07311.
    """
    positive(smooth=smooth)
    if not 0 <= share <= 1:
        raise ValueError(f"share: expected a number in [0, 1], found {share}")
    if not iterations >= 0:
        raise ValueError(f"iterations: expected a number >= 0, found {iterations}")
    voxels = read(logits, target, weight=weight, ignore=ignore)
    if target.ndim - 1 not in POOLS:
        raise ValueError(f"logits: expected one to three spatial dimensions, found {target.ndim - 1}")
    p, g = voxels.probabilities[:, 1:], voxels.one_hot[:, 1:].to(voxels.logits.dtype)
    if voxels.kept is not None:
        p = torch.where(voxels.kept[:, None], p, 0)
    thin_p, thin_g = soft_skeleton(p, iterations), soft_skeleton(g, iterations)
    total = voxels.total
    inside = (total(thin_p * g) + smooth) / (total(thin_p) + smooth)
    found = (total(thin_g * p) + smooth) / (total(thin_g) + smooth)
    dice = (2 * total(p * g) + smooth) / (total(p) + total(g) + smooth)
    return ((1 - share) * (1 - dice) + share * (1 - 2 * inside * found / (inside + found))).mean()


def soft_skeleton(image: Tensor, iterations: int) -> Tensor:
    """Return the soft union of what opening removes after each erosion, `(N, K, *spatial)` in `[0, 1]`."""
    skeleton = F.relu(image - _dilated(_eroded(image)))
    for _ in range(iterations):
        image = _eroded(image)
        step = F.relu(image - _dilated(_eroded(image)))
        skeleton = skeleton + F.relu(step - skeleton * step)
    return skeleton


def _eroded(image: Tensor) -> Tensor:
    """The least of each voxel and its neighbours along the axes."""
    dim = image.ndim - 2
    pool = POOLS[dim]
    lines = [tuple(3 if axis == line else 1 for axis in range(dim)) for line in range(dim)]
    least = [-pool(-image, size, stride=1, padding=tuple(s // 2 for s in size)) for size in lines]
    return torch.stack(least).amin(0) if dim > 1 else least[0]


def _dilated(image: Tensor) -> Tensor:
    """The greatest of each voxel and all its neighbours, diagonal ones too."""
    return POOLS[image.ndim - 2](image, 3, stride=1, padding=1)
