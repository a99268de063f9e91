"""Wins, ties and losses by case against the baseline, given a declared region of practical equivalence."""

import dataclasses

import numpy as np

from reports.results.comparisons import Comparison
from reports.results.estimates import mean_over, units
from reports.results.metric_facts import METRICS
from reports.results.results import Results


@dataclasses.dataclass(frozen=True, slots=True)
class Tally:
    """Numbers of test cases that an arm wins, ties and loses.

    Attributes:
        wins: Cases whose difference, a mean over trainings, is better than the region.
        ties: Cases whose difference is inside.
        losses: Cases whose difference is worse.
        equivalent: Whether the whole interval of the mean difference is inside; None without an interval.
    """

    wins: int
    ties: int
    losses: int
    equivalent: bool | None


def tally(results: Results, comparison: Comparison) -> Tally | None:
    """Compares an arm with the baseline by case; None without a region or without a difference."""
    how, estimate = results.protocol, comparison.cell.estimate
    half = how.equivalence
    if half is None or how.baseline is None or estimate is None:
        return None
    column = (how.last, how.region, how.metric)
    values = results.scores.of(comparison.arm, *column) - results.scores.of(how.baseline, *column)
    by_case = mean_over(units(values), 0)
    better = by_case[~np.isnan(by_case)] * (1 if METRICS[how.metric].greater_is_better else -1)
    wins, losses = int((better > half).sum()), int((better < -half).sum())
    inside = None if estimate.low is None or estimate.high is None else -half < estimate.low and estimate.high < half
    return Tally(wins, len(better) - wins - losses, losses, inside)
