"""Hausdorff-distance loss: what is wrong costs the more, the farther it lies from both masks' surfaces."""

import numpy as np
import torch
from torch import Tensor

from trainables.losses.parts.parameter_checks import positive
from trainables.losses.parts.voxels import read


def hausdorff_loss(
    logits: Tensor,
    target: Tensor,
    *,
    power: float = 2.0,
    weight: Tensor | None = None,
    ignore: Tensor | None = None,
) -> Tensor:
    """Mean over voxels and foreground classes of `(p - g)² (d_p^power + d_g^power)`.

    `d_g` is a voxel's distance, in voxels of the patch, to the reference's surface, from inside or outside; `d_p` that
    to the surface of what is predicted with p > 1/2. Both are 0 where there is no such surface: nothing, or all of the
    patch. They are constants to the gradient.

    Args:
        logits: Raw scores `(N, C, *spatial)`. Softmax happens in here, in float32.
        target: Class indices `(N, *spatial)`, integer, values in `[0, C)`.
        power: Exponent of the distances, > 0.
        weight: Factor >= 0 of each voxel, `(N, *spatial)`; None is all ones.
        ignore: True where a voxel does not count, `(N, *spatial)`, bool; for the distances it is background.

    Returns:
        Scalar >= 0; up to the patch's diagonal raised to `power`. Where the reference is empty, what is predicted with
        more than 1/2 costs by its own distances and the rest nothing.

    Raises:
        ValueError: The shapes disagree, or `power` is not positive.

    Source: Karimi and Salcudean 2019, https://arxiv.org/abs/1904.10030, eq. 9.
    """
    positive(power=power)
    voxels = read(logits, target, weight=weight, ignore=ignore)
    p, g = voxels.probabilities[:, 1:], voxels.one_hot[:, 1:]
    if voxels.kept is not None:
        p = torch.where(voxels.kept[:, None], p, 0)
    far = _to_surface(p.detach() > 0.5) ** power + _to_surface(g) ** power
    return voxels.mean(((p - g.to(p.dtype)) ** 2 * far.to(p)).mean(1))


def _to_surface(masks: Tensor) -> Tensor:
    """Distance of each voxel to the nearest on the other side, `(N, K, *spatial)`, float64, in voxels."""
    from scipy.ndimage import distance_transform_edt

    field = np.zeros(masks.shape)
    for mask, out in zip(
        masks.cpu().numpy().reshape(-1, *masks.shape[2:]), field.reshape(-1, *masks.shape[2:]), strict=True
    ):
        if mask.any() and not mask.all():
            out[:] = distance_transform_edt(~mask)
            box = _box(mask)  # from inside the nearest voxel on the other side is never beyond its margin
            out[box] += distance_transform_edt(mask[box])
    return torch.from_numpy(field).to(masks.device)


def _box(mask: np.ndarray) -> tuple[slice, ...]:
    """Where the mask is, with a margin of one voxel where the patch has one."""
    box = []
    for axis in range(mask.ndim):
        there = np.flatnonzero(mask.any(tuple(other for other in range(mask.ndim) if other != axis)))
        box.append(slice(max(0, int(there[0]) - 1), int(there[-1]) + 2))
    return tuple(box)
