"""The best arms of each column, which tables print in bold, and the arms close to the best in the objective.

Only arms without lost trainings are ranked, and only means over the same cases.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from reports.results.comparisons import ALPHA, Column, Entrant, paired
from reports.results.estimates import Cell
from reports.results.metric_facts import METRICS
from reports.results.scores import FinalScores
from reports.statistics.intervals_and_tests import Estimate, close_to_best


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ToBest:
    """Every arm against the observed best arm in the objective, for marks beside the best.

    Attributes:
        best: Name of the best arm.
        margin: The declared margin of practical equivalence.
        level: Confidence level of each interval: all of them together cover 95 % (Bonferroni).
        differences: Other arm → arm minus best.
        close: Arms whose whole interval allows no loss beyond the margin.
    """

    best: str
    margin: float
    level: float
    differences: Mapping[str, Estimate]
    close: frozenset[str]


def best_means(
    arms: Mapping[str, Mapping[Column, Cell]], complete: frozenset[str]
) -> tuple[dict[Column, frozenset[str]], dict[Column, str]]:
    """Returns column → arms with the best mean as printed, and column → why nothing is ranked there.

    Args:
        arms: Arm → column → cell.
        complete: Arms that may be ranked.
    """
    best: dict[Column, frozenset[str]] = {}
    reasons: dict[Column, str] = {}
    for column in dict.fromkeys(itertools.chain.from_iterable(arms.values())):
        metric = METRICS[column[1]]
        found = {
            name: cells[column] for name, cells in arms.items() if name in complete and _has_mean(cells.get(column))
        }
        if len({cell.support for cell in found.values()}) > 1:
            sizes = sorted({cell.cases for cell in found.values()})
            over = f"{sizes[0]} to {sizes[-1]} cases" if len(sizes) > 1 else f"{sizes[0]} cases that are not the same"
            reasons[column] = f"arms have values in different cases ({over})"
        elif found:
            shown = {name: round(cell.mean or 0.0, metric.decimals) for name, cell in found.items()}
            top = metric.best(shown.values())
            best[column] = frozenset(name for name, value in shown.items() if value == top)
    return best, reasons


def _has_mean(cell: Cell | None) -> bool:
    return cell is not None and cell.mean is not None


def to_best(scores: FinalScores, entrants: Sequence[Entrant], best: frozenset[str]) -> ToBest | None:
    """Compares every complete arm with the observed best one; None without a declared margin or a best arm."""
    how = scores.protocol
    complete = [entrant for entrant in entrants if entrant.complete]
    top = next((entrant for entrant in complete if entrant.name in best), None)
    if how.equivalence is None or how.dependent or top is None or len(complete) < 2:
        return None
    level = 1 - ALPHA / (len(complete) - 1)
    found = {arm.name: paired(scores, arm, top, level=level).estimate for arm in complete if arm is not top}
    differences = {name: estimate for name, estimate in found.items() if estimate is not None}
    greater = METRICS[how.metric].greater_is_better
    close = frozenset(
        name
        for name, estimate in differences.items()
        if close_to_best(estimate, how.equivalence, greater_is_better=greater)
    )
    return ToBest(best=top.name, margin=how.equivalence, level=level, differences=differences, close=close)
