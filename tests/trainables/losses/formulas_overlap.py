"""Overlap losses from their papers' formulas in NumPy and float64: nothing shared with the code."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.trainables.losses.formulas import Array, arrays, dice, sums


def dice_sq(logits: Array, target: Array, eps: float = 1e-7) -> float:
    p, g = (x[:, 1:] for x in arrays(logits, target))
    return float(np.mean(1 - 2 * (p * g).sum(2) / ((p**2).sum(2) + (g**2).sum(2) + eps)))


def dice_lin(logits: Array, target: Array, eps: float = 1e-5) -> float:
    tp, fp, fn = (x[:, 1:] for x in sums(logits, target))
    return float(np.mean(1 - (2 * tp + eps) / (2 * tp + fp + fn + eps)))


def dice_flat_s1(logits: Array, target: Array, smooth: float = 1.0) -> float:
    p, g = (np.moveaxis(x[:, 1:], 1, 0).reshape(x.shape[1] - 1, -1) for x in arrays(logits, target))
    return float(
        np.mean([1 - (2 * (a @ b) + smooth) / (a.sum() + b.sum() + smooth) for a, b in zip(p, g, strict=True)])
    )


def weighted_dice(
    logits: Array, target: Array, ratio: float = 2.0, eps: float = 1e-5, weights: Sequence[float] | None = None
) -> float:
    tp, fp, fn = sums(logits, target)
    by_class = (2 * tp + eps) / (2 * tp + fp + fn + eps)
    w = [ratio**c for c in range(logits.shape[1])] if weights is None else [weights[c] for c in range(len(weights))]
    return float(np.mean([1 - sum(a * d for a, d in zip(w, row, strict=True)) / sum(w) for row in by_class]))


def gdl_sudre(logits: Array, target: Array) -> float:
    p, g = arrays(logits, target)
    losses = []
    for a, b in zip(p, g, strict=True):
        w = [1 / v**2 if v else math.inf for v in b.sum(1)]
        largest = max(x for x in w if x < math.inf)
        w = [min(x, largest) for x in w]
        above = sum(x * (q * r).sum() for x, q, r in zip(w, a, b, strict=True))
        losses.append(1 - 2 * above / sum(x * (q + r).sum() for x, q, r in zip(w, a, b, strict=True)))
    return float(np.mean(losses))


def gdl_iw(logits: Array, target: Array) -> float:
    p, g = arrays(logits, target)
    losses = []
    for a, b in zip(p, g, strict=True):
        w = [1 / (1 + v**2) for v in b.sum(1)]
        above = sum(x * (q * r).sum() for x, q, r in zip(w, a, b, strict=True))
        losses.append(1 - 2 * above / sum(x * (q**2 + r**2).sum() for x, q, r in zip(w, a, b, strict=True)))
    return float(np.mean(losses))


def focal_tversky(
    logits: Array,
    target: Array,
    exponent: float = 0.75,
    fn_weight: float = 0.7,
    fp_weight: float = 0.3,
    focus: str = "loss",
    reduction: str = "mean",
    background: bool = True,
    eps: float = 1e-6,
) -> float:
    tp, fp, fn = (x if background else x[:, 1:] for x in sums(logits, target))
    index = (tp + eps) / (tp + fn_weight * fn + fp_weight * fp + eps)
    cost = np.maximum(1 - index, 1e-7) ** exponent if focus == "loss" else 1 - index**exponent
    return float(np.mean(cost) * (cost.shape[1] if reduction == "sum" else 1))


def asl_sq(logits: Array, target: Array, beta: float = 1.5, eps: float = 1e-7) -> float:
    p, g = (x[:, 1:] for x in arrays(logits, target))
    below = (beta**2 * g**2 + p**2).sum(2) + eps
    return float(np.mean(1 - (1 + beta**2) * (p * g).sum(2) / below))


def asl_lin(logits: Array, target: Array, beta: float = 1.5, eps: float = 1e-7) -> float:
    tp, fp, fn = (x[:, 1:] for x in sums(logits, target))
    return float(np.mean(1 - (1 + beta**2) * tp / ((1 + beta**2) * tp + beta**2 * fn + fp + eps)))


def log_cosh_of(formula: Callable[..., float]) -> Callable[..., float]:
    def log_cosh(logits: Array, target: Array, **parameters: Any) -> float:
        return math.log(math.cosh(formula(logits, target, **parameters)))

    return log_cosh


def matthews(logits: Array, target: Array, form: str = "sample") -> float:
    p, g = arrays(logits, target)
    if form == "micro_all":
        p, g = p.reshape(len(p), 1, -1), g.reshape(len(g), 1, -1)
    else:
        p, g = p[:, 1:], g[:, 1:]
    if form == "batch":
        p, g = (np.moveaxis(x, 1, 0).reshape(1, x.shape[1], -1) for x in (p, g))
    tp, fp, fn, tn = (x.sum(2) for x in (p * g, p * (1 - g), (1 - p) * g, (1 - p) * (1 - g)))
    return float(np.mean(1 - (tp * tn - fp * fn) / np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))))


def wasserstein_dice(
    logits: Array, target: Array, matrix: Sequence[Sequence[float]] | None = None, eps: float = 1e-5
) -> float:
    p, g = arrays(logits, target)
    classes = p.shape[1]
    m = [[float(k != c) for c in range(classes)] for k in range(classes)] if matrix is None else matrix
    losses = []
    for a, b in zip(p, g, strict=True):
        hit = error = 0.0
        for column, truth in zip(a.T, b.T.argmax(1), strict=True):
            d = sum(m[truth][c] * column[c] for c in range(classes))
            error += d
            hit += (1 - d) * (truth != 0)
        losses.append(1 - (2 * hit + eps) / (2 * hit + error + eps))
    return float(np.mean(losses))


FORMULAS: dict[str, Callable[..., float]] = {
    "dice_sq": dice_sq,
    "dice_lin": dice_lin,
    "dice_flat_s1": dice_flat_s1,
    "weighted_dice": weighted_dice,
    "gdl_sudre": gdl_sudre,
    "gdl_iw": gdl_iw,
    "focal_tversky": focal_tversky,
    "asl_sq": asl_sq,
    "asl_lin": asl_lin,
    "log_cosh_dice": log_cosh_of(dice),
    "log_cosh_weighted_dice": log_cosh_of(weighted_dice),
    "log_cosh_focal_tversky": log_cosh_of(focal_tversky),
    "matthews": matthews,
    "wasserstein_dice": wasserstein_dice,
}
