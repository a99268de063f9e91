"""Comparisons of arms: each with the baseline, each with the observed best, and which mean of a column is the best.

Only arms without lost trainings are tested and ranked, and only means over the same cases are ranked.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from reports.results.estimates import Cell, difference_cell
from reports.results.metric_facts import METRICS
from reports.results.scores import FinalScores
from reports.statistics.intervals_and_tests import Estimate, close_to_best
from reports.statistics.multiple_comparisons import holm

ALPHA = 0.05

Column = tuple[str, str, int]
"""(region, metric, mark)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """An arm against the baseline, in the objective's metric and region at the last mark.

    Attributes:
        arm: The arm's name.
        cell: Arm minus baseline, by case and training.
        p: Adjusted by Holm over all arms; None where the comparison is not tested.
        refused: Why it is not tested, in a sentence; None where it is.
    """

    arm: str
    cell: Cell
    p: float | None
    refused: str | None = None

    @property
    def caveat(self) -> str | None:
        """Limits of the p-value."""
        return None if self.cell.estimate is None else self.cell.estimate.caveat


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


@dataclasses.dataclass(frozen=True, slots=True)
class Entrant:
    """Properties of an arm that comparisons use.

    Attributes:
        name: The arm's name.
        complete: Whether none of its final trainings is missing or still to come.
        diverged: Trainings that diverged.
        planned: Planned trainings.
        why: Why it is not complete, in a phrase; empty where it is.
    """

    name: str
    complete: bool
    diverged: int
    planned: int
    why: str = ""


def comparisons(scores: FinalScores, entrants: Sequence[Entrant], baseline: str | None) -> tuple[Comparison, ...]:
    """Returns every arm but the baseline against it, p adjusted by Holm; empty without a baseline."""
    by_name = {entrant.name: entrant for entrant in entrants}
    if baseline not in by_name:
        return ()
    others = [entrant for entrant in entrants if entrant.name != baseline]
    cells = {arm.name: paired(scores, arm, by_name[baseline], sensitivity=True) for arm in others}
    reasons = {arm.name: _refused(scores, arm, by_name[baseline], cells[arm.name]) for arm in others}
    raw = {
        name: found.estimate.p
        for name, found in cells.items()
        if reasons[name] is None and found.estimate is not None and found.estimate.p is not None
    }
    adjusted = dict(zip(raw, holm(list(raw.values()), len(others)), strict=True))
    return tuple(
        Comparison(arm=name, cell=_untested(cells[name], reasons[name]), p=adjusted.get(name), refused=reasons[name])
        for name in cells
    )


def paired(
    scores: FinalScores, arm: Entrant, other: Entrant, *, level: float = 0.95, sensitivity: bool = False
) -> Cell:
    """Returns arm minus other in the objective at the last mark."""
    how = scores.protocol
    place = (how.last, how.region, how.metric)
    return difference_cell(
        scores.sample(arm.name, *place), scores.sample(other.name, *place), scores.groups,
        scores.scale(how.region, how.metric), folds=1 if how.test_apart else how.folds,
        diverged=arm.diverged + other.diverged, trainings=arm.planned + other.planned, level=level,
        sensitivity=sensitivity,
    )  # fmt: skip


def _refused(scores: FinalScores, arm: Entrant, baseline: Entrant, found: Cell) -> str | None:
    """Returns why a comparison is not tested; None where it is."""
    if scores.protocol.dependent:
        return "It is not known which cases belong to one patient."
    for entrant, name in ((arm, "It is"), (baseline, f"The baseline {baseline.name} is")):
        if not entrant.complete:
            return f"{name} incomplete ({entrant.why}): nothing is tested until it is trained in full."
    if found.estimate is None:
        return "The two arms have no scored case in common."
    return found.estimate.refused


def _untested(found: Cell, reason: str | None) -> Cell:
    if reason is None or found.estimate is None:
        return found
    return dataclasses.replace(found, estimate=dataclasses.replace(found.estimate, p=None), sign_flip=None)


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
