"""Detectable difference: the smallest difference between arms that a study's test cases can show, before it is run."""

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
"""Standard deviations between groups of the difference of two arms: similar arms, usual ones, very different ones."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Detectable:
    """The smallest difference that a study detects with 80 % probability.

    Attributes:
        groups: Number of groups of test cases.
        comparisons: Number of comparisons with the baseline.
        size: In standard deviations between groups of the difference; the variance between seeds is not included.
        by_spread: Assumed standard deviation → the difference, if the objective is in [0, 1]; empty otherwise.
        metric: Printed name of the objective's metric.
    """

    groups: int
    comparisons: int
    size: float
    by_spread: Mapping[float, float]
    metric: str

    @property
    def text(self) -> str:
        """Return one sentence."""
        shown = ", ".join(f"{found:.3f} if that is {spread:g}" for spread, found in self.by_spread.items())
        return (
            f"{counted(self.groups, 'test group')}, {counted(self.comparisons, 'comparison')}: detects differences "
            f"from {self.size:.2f} times their standard deviation between groups (80 % power, Holm's first step)"
            + (f": {self.metric} {shown}" if shown else "")
        )

    def plain(self) -> dict[str, Any]:
        """Return JSON-able data."""
        spreads = [{"sd": spread, "difference": found} for spread, found in self.by_spread.items()]
        return {"groups": self.groups, "comparisons": self.comparisons, "in_sd": self.size, "by_spread": spreads}


def detectable(study: Study, facts: Sequence[CaseFacts], splits: Sequence[Mapping[str, Role]]) -> Detectable | None:
    """Return the detectable difference; None if nothing is tested (one arm, too few groups, unknown groups)."""
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
