"""Losses made of two, from their papers' formulas in NumPy and float64: nothing shared with the code."""

import itertools
import math
from collections.abc import Callable

import numpy as np

from tests.trainables.losses.formulas import Array, arrays, cross_entropy, dice, focal, sums
from tests.trainables.losses.formulas_overlap import dice_lin


def custom(
    logits: Array,
    target: Array,
    delta: float = 0.7,
    alpha: float = 0.25,
    gamma: float = 4.0,
    swap: bool = False,
    focal_reduction: str = "mean",
    eps: float = 1e-5,
) -> float:
    part = focal(logits, target, alpha, gamma)
    if focal_reduction == "positives":
        part *= target.size / max(1, np.count_nonzero(target))
    first, second = (1 - delta, delta) if swap else (delta, 1 - delta)
    return first * part + second * dice_lin(logits, target, eps)


def dice_cross_entropy(
    logits: Array, target: Array, dice_weight: float = 1.0, cross_entropy_weight: float = 1.0, eps: float = 1e-5
) -> float:
    return dice_weight * dice(logits, target, eps) + cross_entropy_weight * cross_entropy(logits, target)


def dice_focal(
    logits: Array,
    target: Array,
    dice_weight: float = 1.0,
    focal_weight: float = 1.0,
    alpha: float | None = None,
    gamma: float = 2.0,
    eps: float = 1e-5,
) -> float:
    return dice_weight * dice(logits, target, eps) + focal_weight * focal(logits, target, alpha, gamma)


def morphed(image: Array, pick: Callable[..., float], diagonal: bool) -> Array:
    """Least or greatest over each voxel's neighbours inside the image."""
    out = np.empty_like(image)
    for place in np.ndindex(image.shape):
        values = []
        for step in itertools.product((-1, 0, 1), repeat=image.ndim):
            if not diagonal and np.count_nonzero(step) > 1:
                continue
            there = tuple(a + b for a, b in zip(place, step, strict=True))
            if all(0 <= a < n for a, n in zip(there, image.shape, strict=True)):
                values.append(image[there])
        out[place] = pick(values)
    return out


def skeleton(image: Array, iterations: int) -> Array:
    found = np.zeros_like(image)
    for _ in range(iterations + 1):
        eroded = morphed(image, min, diagonal=False)
        edge = np.maximum(image - morphed(eroded, max, diagonal=True), 0)
        found = found + np.maximum(edge - found * edge, 0)
        image = eroded
    return found


def cl_dice(logits: Array, target: Array, share: float = 0.5, iterations: int = 3, smooth: float = 1.0) -> float:
    p, g = arrays(logits, target)
    losses = []
    for n, c in itertools.product(range(len(p)), range(1, p.shape[1])):
        a, b = p[n, c].reshape(target[0].shape), g[n, c].reshape(target[0].shape)
        thin_a, thin_b = skeleton(a, iterations), skeleton(b, iterations)
        inside = ((thin_a * b).sum() + smooth) / (thin_a.sum() + smooth)
        found = ((thin_b * a).sum() + smooth) / (thin_b.sum() + smooth)
        overlap = (2 * (a * b).sum() + smooth) / (a.sum() + b.sum() + smooth)
        losses.append((1 - share) * (1 - overlap) + share * (1 - 2 / (1 / inside + 1 / found)))
    return float(np.mean(losses))


def unified_focal(
    logits: Array, target: Array, share: float = 0.5, delta: float = 0.6, gamma: float = 0.5, eps: float = 1e-6
) -> float:
    p, g = arrays(logits, target)
    cost = -g * np.log(p)
    cost[:, 0] *= (1 - delta) * (1 - p[:, 0]) ** gamma
    cost[:, 1:] *= delta
    tp, fp, fn = sums(logits, target)
    missing = 1 - (tp + eps) / (tp + delta * fn + (1 - delta) * fp + eps)
    missing[:, 1:] = np.maximum(missing[:, 1:], 1e-7) ** (1 - gamma)
    return float(share * cost.sum(1).mean() + (1 - share) * missing.mean())


def hausdorff(logits: Array, target: Array, power: float = 2.0) -> float:
    p, _ = arrays(logits, target)
    size = target.shape[1:]
    places = list(np.ndindex(*size))

    def far(mask: Array) -> Array:
        """Distance of each voxel to the nearest one on the other side, by trying all pairs."""
        return np.array(
            [min((math.dist(a, b) for b in places if mask[b] != mask[a]), default=0.0) for a in places]
        ).reshape(size)

    costs = []
    for sample, truth in zip(p, target, strict=True):
        for c in range(1, len(sample)):
            q, g = sample[c].reshape(size), truth == c
            costs.append((q - g) ** 2 * (far(q > 0.5) ** power + far(g) ** power))
    return float(np.mean(costs))


FORMULAS: dict[str, Callable[..., float]] = {
    "custom": custom,
    "dice_cross_entropy": dice_cross_entropy,
    "dice_focal": dice_focal,
    "cl_dice": cl_dice,
    "hausdorff": hausdorff,
    "unified_focal": unified_focal,
}
