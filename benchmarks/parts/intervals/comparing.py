"""All candidates in all scenarios: how often each errs, covers and finds a difference."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from . import folds, misses, practice, resampling, skewness, two_way
from .adopted import adopted, two_way_skew
from .scenarios import Scenario
from .studies import Studies, Truth, draw
from .verdicts import Candidate, Floats, Values, Verdict

ALPHA, CHUNK = 0.05, 500

CANDIDATES: Mapping[str, Candidate] = {
    "adopted": adopted(),
    "two-way t": two_way.two_way_t,
    "adopted, skewness left": adopted(skew=np.inf),
    "CR2": two_way.two_way_cr,
    "CR3": lambda seen: two_way.two_way_cr(seen, 2.0),
    "CR2 on the scale": two_way.on_scale(two_way.two_way_cr),
    "two-way t by patient": two_way.two_way_by_patient,
    "Hall": skewness.hall_t,
    "max(CR2, Hall)": lambda seen: two_way_skew(seen, skew=0.0),
    "bootstrap-t": resampling.bootstrap_t,
    "bootstrap-t, symmetric": lambda seen: resampling.bootstrap_t(seen, True),
    "sign-flip": resampling.sign_flip,
    "max(CR2, sign-flip)": resampling.both_tests(two_way.two_way_cr, resampling.sign_flip),
    "folds' variance": folds.folds_t,
    "CR2, inflated in folds": folds.inflated,
    "Nadeau-Bengio": folds.nadeau_bengio,
    "CR2, no p at 1-4 odd misses": misses.refusing(two_way.two_way_cr, 5),
    "one miss more": misses.with_one_miss,
    "CR2, unseen misses": misses.overall(two_way.two_way_cr),
    "CR2, found by both": misses.found_by_both,
    "t by patient": practice.paired_t_by_patient,
    "t by case": practice.paired_t_by_case,
    "Wilcoxon by patient": practice.wilcoxon_by_patient,
    "Wilcoxon by case": practice.wilcoxon_by_case,
    "percentile bootstrap by patient": practice.percentile_by_patient,
    "challengeR": practice.challenge_r,
    "autorank": practice.autorank,
}
"""By name; the two-way t was the report's method before."""


@dataclasses.dataclass
class Tally:
    """Counts over studies of one scenario and candidate."""

    rejected: float = 0.0
    refused: float = 0.0
    covered: float = 0.0
    mean_covered: float = 0.0
    width: float = 0.0
    power: float = 0.0


def seen_of(studies: Studies, what: str) -> Values:
    """The difference, or the arm's own values, as a candidate sees them."""
    values = studies.arm - studies.baseline if what == "difference" else studies.arm
    limits = studies.limits if what == "mean" else (-studies.limits[1], studies.limits[1])
    return Values(values, studies.sizes, studies.folds, studies.arm, studies.baseline, studies.missed, limits)


def _covers(found: Verdict, truth: Truth) -> Floats:
    value = _true(found, truth)
    return np.where(np.isnan(found.low) | np.isnan(value), np.nan, (found.low <= value) & (value <= found.high))


def _true(found: Verdict, truth: Truth) -> Floats:
    """`(B,)` the true value of what each verdict speaks of."""
    names = np.broadcast_to(found.estimand, found.p.shape)
    options = [names == field.name for field in dataclasses.fields(Truth)]
    return np.select(options, dataclasses.astuple(truth), np.nan)


def simulate(scenario: Scenario, wanted: Mapping[str, Candidate], studies: int, seed: int) -> dict[str, Tally]:
    """Shares over `studies` simulated studies, by candidate.

    Where the true difference is not 0, an error is an interval that does not cover it; a test without one has none.
    """
    random = np.random.Generator(np.random.Philox(key=seed))
    total = {name: Tally() for name in wanted}
    chunks = max(1, studies // CHUNK)
    for _ in range(chunks):
        null = draw(scenario, CHUNK, random)
        shifted = draw(scenario, CHUNK, random, shift=scenario.shift)
        parts = seen_of(null, "difference"), seen_of(null, "mean"), seen_of(shifted, "difference")
        for name, candidate in wanted.items():
            found, mean, other = (candidate(part) for part in parts)
            tally = total[name]
            covered = _covers(found, null.difference)
            plain = ~(np.abs(_true(found, null.difference)) > 1e-9)
            rejected = np.where(plain, found.p < ALPHA, np.where(np.isnan(covered), np.nan, covered == 0))
            tally.rejected += float(rejected.mean()) / chunks
            tally.refused += float(np.isnan(found.p).mean()) / chunks
            tally.covered += float(covered.mean()) / chunks
            tally.mean_covered += float(_covers(mean, null.mean).mean()) / chunks
            tally.width += float(np.mean(found.high - found.low)) / chunks
            tally.power += float((other.p < ALPHA).mean()) / chunks
    return total
