"""Simulated studies of two arms whose true means are known, plain ones and those in which tests were seen to err.

Shape letters: B studies, R trainings of an arm (seeds, or searches where those are resampled), G patients, C cases.
Cases are padded to the greatest patient's number; `Studies.sizes` says how many are real.
"""

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray
from scipy import special

from .scenarios import Scenario

Floats = NDArray[np.float64]
MEAN, SEEDS, FOLDS = 0.75, 3, 5
MOST_SLICES = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Truth:
    """Means that intervals have to cover: by case, by patient, and both in patients that no arm misses."""

    by_case: float
    by_patient: float
    found_by_case: float
    found_by_patient: float


def everywhere(value: float) -> Truth:
    """The same by case and by patient, with misses and without."""
    return Truth(value, value, value, value)


@dataclasses.dataclass(frozen=True, slots=True)
class Studies:
    """B studies.

    Attributes:
        arm: `(B, R, G, C)`.
        baseline: Likewise.
        sizes: `(B, G)` cases of each patient.
        folds: `(G,)` the fold that tests a patient; None without cross-validation.
        missed: `(2, B, G)` patients of which the arm, or the baseline, finds nothing in any training.
        difference: True difference.
        mean: True mean of the arm.
        limits: Limits of an arm's mean.
    """

    arm: Floats
    baseline: Floats
    sizes: NDArray[np.intp]
    folds: NDArray[np.intp] | None
    missed: NDArray[np.bool_]
    difference: Truth
    mean: Truth
    limits: tuple[float, float] = (0.0, 1.0)


def draw(scenario: Scenario, studies: int, random: np.random.Generator, *, shift: float = 0.0) -> Studies:
    """Simulated studies of a scenario; the arm is better than the null by `shift` in all cases that it finds."""
    sizes = _sizes(scenario, studies, random)
    if scenario.kind == "skewed":
        return _skewed(scenario, sizes, random, shift)
    if scenario.kind == "distances":
        return _distances(scenario, sizes, random, shift)
    pair = _plain(scenario, sizes, random)
    pair[0] += shift
    equal, mean = everywhere(shift), everywhere(MEAN + shift)
    nobody = np.zeros((2, *sizes.shape), dtype=np.bool_)
    plain = Studies(pair[0], pair[1], sizes, None, nobody, equal, mean)
    special_kinds = {"failing": _failing, "missing": _missing, "folds": _folds, "slices": _slices}
    special_kinds |= {"searches": _searches, "diverging": _diverging}
    found = special_kinds.get(scenario.kind)
    return plain if found is None else found(scenario, plain, random)


def _sizes(scenario: Scenario, studies: int, random: np.random.Generator) -> NDArray[np.intp]:
    shape = (studies, scenario.patients)
    if scenario.kind != "slices":
        return random.integers(1, 4, shape)
    return _slice_counts(random.normal(size=shape), scenario.slices_sd)


def _slice_counts(z: Floats, sd: float) -> NDArray[np.intp]:
    return np.clip(np.rint(np.exp(math.log(6) + sd * z)), 1, MOST_SLICES).astype(np.intp)


def _plain(scenario: Scenario, sizes: NDArray[np.intp], random: np.random.Generator) -> Floats:
    """`(2, B, R, G, C)` sums of normal parts about MEAN."""
    studies, patients = sizes.shape
    cases, sd, rows = int(sizes.max()), scenario.spread, SEEDS * scenario.searches
    both = (2, studies, 1, patients, 1)
    values = random.normal(0, sd.rest, (2, studies, rows, patients, cases))
    values += MEAN + random.normal(0, sd.patient, both[1:]) + random.normal(0, sd.case, (studies, 1, patients, cases))
    values += random.normal(0, sd.arm_patient, both) + random.normal(0, sd.arm_case, (*both[:-1], cases))
    values += random.normal(0, scenario.seed_sd, (2, studies, rows, 1, 1))
    return values


def _failing(scenario: Scenario, plain: Studies, random: np.random.Generator) -> Studies:
    """Cases fail (0 in every training): `size` of the baseline's, twice as many of the arm's; others make up for it."""
    found, shift = [], plain.difference.by_case
    for values, rate in ((plain.arm, 2 * scenario.size), (plain.baseline, scenario.size)):
        raised = values - MEAN + MEAN / (1 - rate)
        found.append(np.where(random.random((len(values), 1, *values.shape[2:])) < rate, 0.0, raised))
    kept = shift * (1 - 2 * scenario.size)
    truth, mean = everywhere(kept), everywhere(MEAN + kept)
    missed = _all_zero(np.stack(found), plain.sizes)
    return dataclasses.replace(plain, arm=found[0], baseline=found[1], missed=missed, difference=truth, mean=mean)


def _all_zero(pair: Floats, sizes: NDArray[np.intp]) -> NDArray[np.bool_]:
    real = np.arange(pair.shape[-1]) < sizes[:, None, :, None]
    return np.asarray(np.all((pair == 0) | ~real, axis=(2, 4)), dtype=np.bool_)


def _missing(scenario: Scenario, plain: Studies, random: np.random.Generator) -> Studies:
    """The arm finds nothing of `size` of the patients; the baseline is as much worse in all, where it compensates."""
    misses = random.random(plain.sizes.shape) < scenario.size
    arm = np.where(misses[:, None, :, None], 0.0, plain.arm)
    loss = MEAN * scenario.size * scenario.compensated
    shift, lost = plain.difference.by_case, scenario.size * (MEAN + plain.difference.by_case)
    overall = shift - lost + loss
    truth = Truth(overall, overall, shift + loss, shift + loss)
    mean = Truth(MEAN + shift - lost, MEAN + shift - lost, MEAN + shift, MEAN + shift)
    missed = np.stack([misses, np.zeros_like(misses)])
    return dataclasses.replace(
        plain, arm=arm, baseline=plain.baseline - loss, missed=missed, difference=truth, mean=mean
    )


def _folds(scenario: Scenario, plain: Studies, random: np.random.Generator) -> Studies:
    """An arm's training effect is a mean over its training patients, of which any two folds share three quarters.

    `size` is the spread of one training set's effect with 40 patients; it falls with the root of their number. Seeds
    are drawn anew in each fold.
    """
    studies, patients = plain.sizes.shape
    folds = np.arange(patients) % FOLDS
    trains = (folds[None, :] != np.arange(FOLDS)[:, None]).astype(np.float64)  # (F, G)
    trains *= scenario.size * math.sqrt(40 / patients) / np.sqrt(trains.sum(axis=1, keepdims=True))
    found = []
    for values in (plain.arm, plain.baseline):
        learnt = random.normal(size=(studies, patients)) @ trains.T  # (B, F)
        by_training = learnt[:, None, :] + random.normal(0, scenario.seed_sd, (studies, values.shape[1], FOLDS))
        found.append(values + by_training[:, :, folds, None])
    return dataclasses.replace(plain, arm=found[0], baseline=found[1], folds=folds)


def _slices(scenario: Scenario, plain: Studies, random: np.random.Generator) -> Studies:
    """The arm's advantage rises by `size` for each standard deviation of the logarithm of slices; 0 over all slices."""
    nodes, weights = special.roots_hermitenorm(201)
    counts = _slice_counts(nodes, scenario.slices_sd)
    logs, weights = np.log(counts / 6.0) / scenario.slices_sd, weights / weights.sum()
    centre = float((weights * counts * logs).sum() / (weights * counts).sum())
    own = scenario.size * (np.log(plain.sizes / 6.0) / scenario.slices_sd - centre)
    by_patient = scenario.size * (float((weights * logs).sum()) - centre)
    shift = plain.difference.by_case
    truth = Truth(shift, shift + by_patient, shift, shift + by_patient)
    mean = Truth(*(MEAN + value for value in dataclasses.astuple(truth)))
    return dataclasses.replace(plain, arm=plain.arm + own[:, None, :, None], difference=truth, mean=mean)


def _skewed(scenario: Scenario, sizes: NDArray[np.intp], random: np.random.Generator, shift: float) -> Studies:
    """Dice with a long tail below: `expit(2.6 - size E + noise)`, E exponential by patient.

    Not compensated: only the arm has the tail, about the mean of scores without one.
    """
    studies, patients = sizes.shape
    shape = (studies, SEEDS, patients, int(sizes.max()))
    tail = random.exponential(size=(studies, 1, patients, 1))
    noise = 0.35 * random.normal(size=(2, studies, 1, *shape[2:])) + 0.15 * random.normal(size=(2, *shape))
    arm = special.expit(2.6 - scenario.size * tail + noise[0])
    true = _mean_of_tail(scenario.size)
    if scenario.compensated:
        baseline = special.expit(2.6 - scenario.size * tail + noise[1])
    else:
        flat = random.normal(0, 0.05, (studies, 1, patients, 1))
        baseline = true + flat + 0.05 * noise[1]
    nobody = np.zeros((2, *sizes.shape), dtype=np.bool_)
    same, mean = everywhere(shift), everywhere(true + shift)
    return Studies(arm + shift, baseline, sizes, None, nobody, same, mean)


def _mean_of_tail(size: float) -> float:
    nodes, weights = special.roots_laguerre(120)
    normal, share = special.roots_hermitenorm(41)
    values = special.expit(2.6 - size * nodes[:, None] + math.hypot(0.35, 0.15) * normal[None, :])
    return float(weights @ values @ share / (weights.sum() * share.sum()))


def _distances(scenario: Scenario, sizes: NDArray[np.intp], random: np.random.Generator, shift: float) -> Studies:
    """HD95 in mm, log-normal: `size` is the spread of the logarithm between patients, about 6 mm; arms by factors."""
    studies, patients = sizes.shape
    shape = (studies, SEEDS, patients, int(sizes.max()))
    shared = random.normal(0, scenario.size, (studies, 1, patients, 1)) + random.normal(
        0, 0.3, (studies, 1, *shape[2:])
    )
    own = random.normal(0, 0.3, (2, studies, 1, *shape[2:])) + random.normal(0, 0.15, (2, *shape))
    better = math.exp(2 * shift)  # a shift of 0.05 is a tenth of the distance
    pair = np.exp(math.log(6.0) + shared + own)
    mean = 6.0 * math.exp((scenario.size**2 + 2 * 0.3**2 + 0.15**2) / 2)
    difference = mean * (better - 1)
    nobody = np.zeros((2, *sizes.shape), dtype=np.bool_)
    return Studies(
        pair[0] * better,
        pair[1],
        sizes,
        None,
        nobody,
        everywhere(difference),
        everywhere(mean * better),
        (0.0, math.inf),
    )


def _searches(scenario: Scenario, plain: Studies, random: np.random.Generator) -> Studies:
    """Winners of a search: `size` is the spread of their true means. From 3 searches on, a row is a search's mean."""
    found = []
    for values in (plain.arm, plain.baseline):
        studies, rows = values.shape[:2]
        winners = random.normal(0, scenario.size, (studies, scenario.searches)).repeat(SEEDS, axis=1)
        values = values + winners[:, :, None, None]
        if scenario.searches >= 3:
            values = values.reshape(studies, rows // SEEDS, SEEDS, *values.shape[2:]).mean(axis=2)
        found.append(values)
    return dataclasses.replace(plain, arm=found[0], baseline=found[1])


def _diverging(scenario: Scenario, plain: Studies, random: np.random.Generator) -> Studies:
    """Just one of the arm's trainings diverges (0 in every case); what is true is the mean of such a lot of three."""
    arm = plain.arm.copy()
    arm[:, 0] = random.normal(0, 1e-4, arm[:, 0].shape) ** 2
    lost = (MEAN + plain.difference.by_case) / SEEDS
    shift, mean = plain.difference.by_case - lost, plain.mean.by_case - lost
    return dataclasses.replace(plain, arm=arm, difference=everywhere(shift), mean=everywhere(mean))
