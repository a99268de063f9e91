"""The parts of the study file that a report needs, read from the validated copy in the ledger."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from study.ledger.rows import ArmRow, Case, StudyRow

MEAN = "mean"
"""Name of the mean over all regions."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """The protocol of a study.

    Attributes:
        regions: Scored regions, in the file's order.
        metrics: Reported metrics, the objective's first.
        metric: The objective's metric.
        region: The objective's region; `mean` where it is the mean over several.
        baseline: Name of the arm that all others are compared with; None if there is no such arm.
        marks: Iterations at which trials are evaluated, increasing.
        sampler: Sampler of configurations.
        trials_per_arm: Search trials of an arm in each search.
        searches: Independent searches of each arm.
        seeds: Final trainings of each winner in each fold.
        folds: Number of folds; 1 without.
        search_in: `first_fold` or `each_fold`.
        test_apart: Whether a test set apart from the folds is used in all of them.
        by_patient: Whether the file says which cases belong to one patient.
        means: Name → regions whose mean by case is shown as a region.
        labels: Region → labels whose union it is.
        empty: Value of a case without the region: `missing`, or `one`.
        dependent: Whether cases may share unknown patients (`group: unknown`): then nothing is tested.
        equivalence: Declared margin of practical equivalence, in the objective's unit; None without one.
        published: Papers whose numbers are shown beside the study's.
    """

    regions: tuple[str, ...]
    metrics: tuple[str, ...]
    metric: str
    region: str
    baseline: str | None
    marks: tuple[int, ...]
    sampler: str
    trials_per_arm: int
    searches: int
    seeds: int
    folds: int
    search_in: str
    test_apart: bool
    by_patient: bool
    dependent: bool
    means: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    empty: Literal["missing", "one"] = "missing"
    equivalence: float | None = None
    published: tuple[str, ...] = ()

    @property
    def shown_regions(self) -> tuple[str, ...]:
        """Regions with a table: the objective's first, then regions and means."""
        return (self.region, *(region for region in (*self.regions, *self.means) if region != self.region))

    def parts(self, region: str) -> tuple[str, ...]:
        """Returns the regions that a region is the mean of: itself, unless it is `mean` or one of `means`."""
        return self.regions if region == MEAN else self.means.get(region, (region,))

    @property
    def last(self) -> int:
        """The last mark: the length of a training."""
        return self.marks[-1]

    @property
    def trainings(self) -> int:
        """Final trainings planned for each arm."""
        return self.searches * self.folds * self.seeds


def protocol(study: StudyRow, arms: Sequence[ArmRow], cases: Sequence[Case]) -> Protocol:
    """Reads the protocol from the study file, and from the cases whether test cases were set apart.

    Raises:
        KeyError: A key is missing that every version of the study file has.
    """
    file: Mapping[str, Any] = study.file
    dataset, budget, objective = file["dataset"], file["budget"], file["objective"]
    regions = tuple(dataset["regions"] or dataset["labels"])
    region = objective["region"]
    baseline = file["report"]["baseline"]
    names = [arm.name for arm in arms]
    folds = dataset["split"]["folds"]
    return Protocol(
        regions=regions,
        metrics=tuple(dict.fromkeys((objective["metric"], *file["report"]["metrics"]))),
        metric=objective["metric"],
        region=regions[0] if region == MEAN and len(regions) == 1 else region,
        baseline=names[0] if baseline is None and names else baseline if baseline in names else None,
        marks=study.marks,
        sampler=budget["sampler"],
        trials_per_arm=budget["trials_per_arm"],
        searches=budget["searches"],
        seeds=budget["final_seeds"],
        folds=folds or 1,
        search_in=budget["search_in"],
        test_apart=all(len(set(case.splits)) == 1 for case in cases if "test" in case.splits),
        by_patient=dataset["group"] not in ("case", "unknown"),
        dependent=dataset["group"] == "unknown",
        means={name: tuple(parts) for name, parts in file["report"].get("means", {}).items()},
        labels={name: tuple(labels) for name, labels in (dataset["regions"] or {}).items()},
        empty=file["report"].get("empty", "missing"),
        equivalence=None if (margin := file["report"].get("equivalence")) is None else float(margin),
        published=tuple(file["report"].get("published", ())),
    )
