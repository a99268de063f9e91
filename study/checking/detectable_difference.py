"""What a study could find, before it is run: the smallest difference that its test cases detect."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from reports.results.metric_facts import METRICS
from reports.statistics.intervals_and_tests import LEAST_GROUPS_FOR_P
from reports.statistics.smallest_difference import planned
from study.cases.splits import Role
from study.in_words import counted
from study.study_file import Study
from trainables.data.inspecting.inspect import CaseFacts

SPREADS = (0.02, 0.05, 0.1)
"""Standard deviations, between groups, of the difference of two arms: arms alike, usual ones, arms that fail apart."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Detectable:
    """The smallest difference that a study finds with 80 % probability.

    Attributes:
        groups: Of test cases.
        comparisons: With the baseline.
        size: In standard deviations, between groups, of the arms' difference; those between seeds come on top.
        by_spread: Assumed standard deviation → the difference, where the objective is a share; empty elsewhere.
        metric: The objective's, in print.
    """

    groups: int
    comparisons: int
    size: float
    by_spread: Mapping[float, float]
    metric: str

    @property
    def text(self) -> str:
        """In a sentence."""
        shown = ", ".join(f"{found:.3f} if that is {spread:g}" for spread, found in self.by_spread.items())
        return (
            f"{counted(self.groups, 'test group')}, {counted(self.comparisons, 'comparison')}: detects differences "
            f"from {self.size:.2f} times their standard deviation between groups (80 % power, Holm's first step)"
            + (f": {self.metric} {shown}" if shown else "")
        )

    def plain(self) -> dict[str, Any]:
        """JSON-able."""
        spreads = [{"sd": spread, "difference": found} for spread, found in self.by_spread.items()]
        return {"groups": self.groups, "comparisons": self.comparisons, "in_sd": self.size, "by_spread": spreads}


def detectable(study: Study, facts: Sequence[CaseFacts], splits: Sequence[Mapping[str, Role]]) -> Detectable | None:
    """What a study could find; None where it tests nothing: one arm, too few groups, or nobody knows the groups."""
    group_of = {fact.name: fact.group for fact in facts}
    groups = len({group_of[name] for roles in splits for name, role in roles.items() if role == "test"})
    comparisons = len(study.arms) - 1
    if groups < LEAST_GROUPS_FOR_P or comparisons < 1 or study.dataset.group == "unknown":
        return None
    size, metric = planned(groups, comparisons), METRICS[study.objective.metric]
    return Detectable(
        groups=groups,
        comparisons=comparisons,
        size=size,
        by_spread={spread: size * spread for spread in SPREADS} if metric.kind == "share" else {},
        metric=metric.label,
    )
