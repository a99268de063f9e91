"""Mean, interval and p of an arm and of a difference, from patients, trainings and missed patients. Pure functions.

Shape letters: S trainings (seeds, or searches where those are resampled), N cases, G groups of cases (patients).
Simulated coverage and type-I errors stand in docs/STATISTICS.md.
"""

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy import special

from reports.statistics.missed_patients import Scale, share_bounds, unseen_misses, wholly_missed
from reports.statistics.variance_of_means import (
    SKEWED,
    Floats,
    Spread,
    Weighing,
    hall,
    on_scale,
    shared_training_factor,
    spread,
    weighed,
    weighing,
)

LEAST_GROUPS_FOR_P = 6
LEAST_GROUPS_TO_CONFIRM = 10
LEAST_SEEDS_FOR_LOSSES = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its interval and p.

    Attributes:
        mean: Over cases or patients, every training weighing the same.
        low: Lower end of the interval; None with one group, or without any spread.
        high: Upper end, likewise.
        p: Two-sided, of a difference of 0; None where it is refused, and of a single arm.
        freedom: Degrees of freedom of the t; None without an interval.
        groups: G.
        seeds: S.
        weighing: Unit of equal weight.
        refused: Why there is no p, in one sentence; None where there is one.
        caveat: Sources of variance that p and interval do not cover, in one sentence; None where nothing was left out.
        overall: p, low and high with the misses that could be there unseen: those of the mean over all patients. None
            for a single arm, without a p, and where misses cannot be.
        error: Standard error of the mean; None without an interval.
    """

    mean: float
    low: float | None
    high: float | None
    p: float | None
    freedom: float | None
    groups: int
    seeds: int
    weighing: Weighing
    refused: str | None = None
    caveat: str | None = None
    overall: tuple[float, float, float] | None = None
    error: float | None = None


def mean_of(
    values: Floats, groups: NDArray[np.intp], *, missed: NDArray[np.bool_] | None = None, scale: Scale | None = None
) -> Estimate:
    """Returns an arm's mean with its interval.

    Args:
        values: `(S, N)`, no missing ones.
        groups: `(N,)` which patient each case belongs to.
        missed: `(S, N)` where nothing was found; None where that cannot be (no worst value).
        scale: Scale of the metric; Dice's where None.
    """
    scale = scale or Scale()
    effects, sizes = weighed(values, groups)
    mean, (seeds, count), by = float(effects.mean()), effects.shape, weighing(groups)
    if count == 1:
        return Estimate(mean, None, None, None, None, count, seeds, by, "One patient shows no spread between patients.")
    found = spread(effects, sizes, power=2)  # CR2 covers .924 of distances' means at 10 patients
    low, high = on_scale(found, scale.low, scale.high)
    lost = wholly_missed(missed, groups) if missed is not None else np.zeros(count, dtype=np.bool_)
    if found.error <= 1e-12 * max(1.0, float(np.abs(values).max())) and not lost.any():
        return Estimate(mean, None, None, None, None, count, seeds, by, "All patients score the same: no spread.")
    if lost.any():
        least, most = share_bounds(int(lost.sum()), count)
        cost = scale.worst - _found_mean(values, groups, lost, scale)
        moves = [(share - lost.mean()) * cost for share in (least, most)]
        low, high = max(scale.low, min(low, mean + min(moves))), min(scale.high, max(high, mean + max(moves)))
    return Estimate(mean, low, min(high, scale.most), None, found.freedom, count, seeds, by, error=found.error)


def difference(
    arm: Floats,
    baseline: Floats,
    groups: NDArray[np.intp],
    *,
    missed: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None = None,
    scale: Scale | None = None,
    folds: int = 1,
    diverged: int = 0,
    trainings: int | None = None,
    level: float = 0.95,
) -> Estimate:
    """Returns arm minus baseline with its interval and p.

    Args:
        arm: `(S, N)`, no missing ones.
        baseline: `(S, N)`, the same trainings and cases.
        groups: `(N,)` which patient each case belongs to.
        missed: `(S, N)` where the arm, and where the baseline, found nothing.
        scale: Scale of the metric; Dice's where None.
        folds: How many trainings on shared data test each case once; 1 where test cases are apart.
        diverged: Trainings of both that diverged, and so count the worst value in every case.
        trainings: Trainings of both arms; 2 S where None.
        level: Nominal coverage of the interval, in (0, 1).
    """
    scale = scale or Scale()
    effects, sizes = weighed(arm - baseline, groups)
    mean, (seeds, count), by = float(effects.mean()), effects.shape, weighing(groups)
    if count == 1:
        return Estimate(mean, None, None, None, None, count, seeds, by, "One patient shows no spread between patients.")
    found = spread(effects, sizes, factor=shared_training_factor(folds))
    flat = found.error <= 1e-12 * max(1.0, float(np.abs(arm).max()), float(np.abs(baseline).max()))
    if flat:
        why = None if abs(mean) <= 1e-12 else "Every patient differs by the same amount: there is no spread to test by."
        end, p_flat = (mean, 1.0) if why is None else (None, None)
        return Estimate(mean, end, end, p_flat, None, count, seeds, by, why)
    width = scale.high - scale.low
    low, high, p = _tested(found, width, level)
    why = refusal(count, diverged, 2 * seeds if trainings is None else trainings)
    p_plain = None if why else p
    plain = Estimate(mean, low, high, p_plain, found.freedom, count, seeds, by, why, error=found.error)
    if missed is None:
        return plain
    lost = wholly_missed(missed[0], groups), wholly_missed(missed[1], groups)
    found_means = _found_mean(arm, groups, lost[0], scale), _found_mean(baseline, groups, lost[1], scale)
    unseen = unseen_misses(mean, lost, found_means, scale, level)
    ends = max(min(low, mean + unseen.down), -width), min(max(high, mean + unseen.up), width)
    overall = None if why else (max(p, unseen.p), *ends)
    if (lost[0] != lost[1]).any():
        return dataclasses.replace(plain, low=ends[0], high=ends[1], p=overall and overall[0], overall=overall)
    return dataclasses.replace(plain, caveat=unseen.words(count), overall=overall)


def _tested(found: Spread, width: float, level: float) -> tuple[float, float, float]:
    """Interval and p of a difference whose size is at most `width`."""
    low, high = on_scale(found, -width, width, level)
    p = float(2 * special.stdtr(found.freedom, -abs(found.mean) / found.error))
    if abs(found.skewness) < SKEWED:
        return low, high, p
    left, right, other = hall(found, level)
    return min(low, max(left, -width)), max(high, min(right, width)), max(p, other)


def _found_mean(values: Floats, groups: NDArray[np.intp], lost: NDArray[np.bool_], scale: Scale) -> float:
    """Mean over patients that were not missed; the end of the scale that is not the worst where all were."""
    if lost.all():
        return scale.low if scale.worst > scale.low else scale.high
    kept = ~lost[np.unique(groups, return_inverse=True)[1]]
    effects, _ = weighed(values[:, kept], groups[kept], weighing(groups))
    return float(effects.mean())


def refusal(groups: int, diverged: int, trainings: int) -> str | None:
    """Why a difference gets no p."""
    if groups < LEAST_GROUPS_FOR_P:
        return f"{groups} patients are too few for a test (at least {LEAST_GROUPS_FOR_P})."
    if diverged:
        return (
            f"{diverged} of {trainings} trainings diverged and count the worst value: so few do not tell how often "
            "that happens, and the mean has no p. The trainings' own means are shown."
        )
    return None


def close_to_best(to_best: Estimate, margin: float | None, *, greater_is_better: bool = True) -> bool:
    """Whether a row may be marked beside the best: the whole loss that its interval allows lies inside the margin.

    That p is not small marks nothing: a wide interval is no likeness. Without a declared margin no row is marked.

    Args:
        to_best: The arm minus the observed best, at the family's level.
        margin: Declared before the final stage, in the metric's unit.
        greater_is_better: Direction of the metric.
    """
    end = to_best.low if greater_is_better else to_best.high
    if margin is None or end is None or to_best.refused is not None:
        return False
    return (-end if greater_is_better else end) < margin
