"""The losses again, from their papers' formulas in NumPy and float64, voxel by voxel: nothing shared with the code."""

import math
from collections.abc import Callable, Iterator

import numpy as np

Array = np.ndarray


def voxels(logits: Array, target: Array) -> Iterator[tuple[int, Array, int]]:
    """Sample, class probabilities and true class of each voxel in turn."""
    for sample, (scores, truth) in enumerate(zip(logits, target, strict=True)):
        for column, index in zip(scores.reshape(len(scores), -1).T, truth.reshape(-1), strict=True):
            exponents = [math.exp(z - max(column)) for z in column]
            yield sample, np.array(exponents) / sum(exponents), int(index)


def cross_entropy(logits: Array, target: Array) -> float:
    return float(np.mean([-math.log(p[y]) for _, p, y in voxels(logits, target)]))


def focal(logits: Array, target: Array, alpha: float | None = None, gamma: float = 2.0) -> float:
    costs = []
    for _, p, y in voxels(logits, target):
        weight = 1.0 if alpha is None else (alpha if y > 0 else 1 - alpha)
        costs.append(-weight * (1 - p[y]) ** gamma * math.log(p[y]))
    return float(np.mean(costs))


def sums(logits: Array, target: Array) -> tuple[Array, Array, Array]:
    """TP, FP and FN by sample and class."""
    tp, fp, fn = np.zeros((3, *logits.shape[:2]))
    for n, p, y in voxels(logits, target):
        for c in range(len(p)):
            if c == y:
                tp[n, c] += p[c]
                fn[n, c] += 1 - p[c]
            else:
                fp[n, c] += p[c]
    return tp, fp, fn


def dice(logits: Array, target: Array, eps: float = 1e-5) -> float:
    tp, fp, fn = sums(logits, target)
    return float(np.mean(1 - (2 * tp + eps) / (2 * tp + fp + fn + eps)))


def tversky(
    logits: Array,
    target: Array,
    fn_weight: float = 0.7,
    fp_weight: float = 0.3,
    reduction: str = "mean",
    background: bool = False,
    eps: float = 1e-6,
) -> float:
    tp, fp, fn = sums(logits, target)
    cost = 1 - ((tp + eps) / (tp + fn_weight * fn + fp_weight * fp + eps))[:, 0 if background else 1 :]
    return float(np.mean(cost) if reduction == "mean" else np.sum(cost) / len(cost))


def arrays(logits: Array, target: Array) -> tuple[Array, Array]:
    """Probabilities p and one-hot reference g, `(N, C, V)`."""
    p, g = np.zeros((2, *logits.shape[:2], target[0].size))
    filled = [0] * len(logits)
    for n, probabilities, y in voxels(logits, target):
        p[n, :, filled[n]], g[n, y, filled[n]] = probabilities, 1
        filled[n] += 1
    return p, g


def binary_cross_entropy(logits: Array, target: Array) -> float:
    p, g = (x[:, 1:] for x in arrays(logits, target))
    return float(np.mean(-(g * np.log(p) + (1 - g) * np.log(1 - p))))


def balanced(logits: Array, target: Array, alpha: float = 0.25) -> float:
    p, g = arrays(logits, target)
    cost = -g * np.log(p)
    return float(((1 - alpha) * cost[:, 0] + alpha * cost[:, 1:].sum(1)).mean())


def weighted_cross_entropy(logits: Array, target: Array, detach: bool = False, max_weight: float = math.inf) -> float:
    p, g = (x[:, 1:] for x in arrays(logits, target))
    costs = []
    for c in range(p.shape[1]):
        volume = p[:, c].sum()
        ratio = min((p[:, c].size - volume) / volume, max_weight)
        costs.append(-ratio * g[:, c] * np.log(p[:, c]) - (1 - g[:, c]) * np.log(1 - p[:, c]))
    return float(np.mean(costs))


def top_k_cross_entropy(logits: Array, target: Array, fraction: float = 0.1) -> float:
    costs = sorted((-math.log(p[y]) for _, p, y in voxels(logits, target)), reverse=True)
    return float(np.mean(costs[: max(1, math.floor(fraction * len(costs)))]))


FORMULAS: dict[str, Callable[..., float]] = {
    "cross_entropy": cross_entropy,
    "bce": binary_cross_entropy,
    "balanced": balanced,
    "weighted_cross_entropy": weighted_cross_entropy,
    "top_k_cross_entropy": top_k_cross_entropy,
    "dice": dice,
    "focal": focal,
    "tversky": tversky,
}
