"""Procedures in common use: t and Wilcoxon by case and by patient, bootstraps, challengeR, autorank."""

import dataclasses

import numpy as np
from scipy import special, stats

from .resampling import DRAWS, bootstrapped
from .verdicts import Bools, Floats, Values, Verdict, by_t


def percentile_by_patient(seen: Values) -> Verdict:
    """Percentile bootstrap of patients."""
    mean, _ = bootstrapped(seen.sums.mean(axis=1), seen.sizes.astype(float))
    return _percentile(mean)


def _percentile(mean: Floats) -> Verdict:
    low, high = np.quantile(mean, [0.025, 0.975], axis=1)
    below = (mean <= 0).mean(axis=1)
    return Verdict(low, high, np.minimum(1.0, 2 * np.minimum(below, 1 - below) + 1 / mean.shape[1]))


def _cases(seen: Values) -> tuple[Floats, Bools]:
    values, real = seen.values.mean(axis=1), seen.real
    return values.reshape(len(values), -1), real.reshape(len(values), -1)


def paired_t_by_case(seen: Values) -> Verdict:
    """Each case taken to be another patient, seeds averaged."""
    values, real = _cases(seen)
    count = real.sum(axis=1)
    mean = np.where(real, values, 0).sum(axis=1) / count
    variance = np.where(real, (values - mean[:, None]) ** 2, 0).sum(axis=1) / (count - 1) / count
    return by_t(mean, variance, count - 1.0)


def paired_t_by_patient(seen: Values) -> Verdict:
    """The t of patients' means, seeds averaged."""
    means = seen.sums.mean(axis=1) / seen.sizes
    groups = means.shape[1]
    return by_t(means.mean(axis=1), means.var(axis=1, ddof=1) / groups, np.full(len(means), groups - 1.0), "by_patient")


def _signed_rank(values: Floats, real: Bools) -> Verdict:
    """Wilcoxon's p by the normal approximation (exact null variance; ties do not occur)."""
    sizes = np.where(real, np.abs(values), np.inf)
    ranks = (np.argsort(np.argsort(sizes, axis=1), axis=1) + 1) * real
    count = real.sum(axis=1)
    plus = np.where(values > 0, ranks, 0).sum(axis=1)
    z = (plus - count * (count + 1) / 4) / np.sqrt(count * (count + 1) * (2 * count + 1) / 24)
    nothing = np.full(len(z), np.nan)
    return Verdict(nothing, nothing, 2 * special.ndtr(-np.abs(z)))


def wilcoxon_by_case(seen: Values) -> Verdict:
    """Signed ranks of cases."""
    return _signed_rank(*_cases(seen))


def wilcoxon_by_patient(seen: Values) -> Verdict:
    """Signed ranks of patients' means."""
    means = seen.sums.mean(axis=1) / seen.sizes
    found = _signed_rank(means, np.ones(means.shape, dtype=np.bool_))
    return dataclasses.replace(found, estimand="by_patient")


def challenge_r(seen: Values) -> Verdict:
    """As challengeR: percentile bootstrap of cases (Poisson counts), Wilcoxon's p by case."""
    values, real = _cases(seen)
    random = np.random.Generator(np.random.Philox(key=2))
    drawn = random.poisson(1.0, (values.shape[1], DRAWS // 3)).astype(float)
    mean = np.where(real, values, 0) @ drawn / np.maximum(real @ drawn, 1)
    return dataclasses.replace(_percentile(mean), p=wilcoxon_by_case(seen).p)


def autorank(seen: Values) -> Verdict:
    """As autorank for two: Shapiro-Wilk of both arms by case (Bonferroni), then the paired t, else Wilcoxon."""
    first = _cases(dataclasses.replace(seen, values=seen.arm))
    second = _cases(dataclasses.replace(seen, values=seen.baseline))
    normal = np.array(
        [
            min(stats.shapiro(a[k]).pvalue, stats.shapiro(b[k]).pvalue) >= 0.025
            for a, b, k in zip(first[0], second[0], first[1], strict=True)
        ]
    )
    usual = paired_t_by_case(seen)
    return dataclasses.replace(usual, p=np.where(normal, usual.p, wilcoxon_by_case(seen).p))
