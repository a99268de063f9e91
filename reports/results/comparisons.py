"""Comparisons of arms with the baseline. Only arms without lost trainings are tested."""

import dataclasses
from collections.abc import Sequence

from reports.results.estimates import Cell, difference_cell
from reports.results.scores import FinalScores
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
