"""`objective.empty: auto`: whether validation cases without a region count in the objective, decided once and kept.

A search that never sees false positives on cases without a region may choose networks that find it everywhere. So these
cases count (`one`) where at least a tenth of the validation cases lack a region of the objective. The decision stands
in the ledger's study file in place of `auto` (`later_keys`).
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from study.study_file.study import Study

SHARE = 0.1
"""Share of validation cases without a region from which they count."""

AUTO: Final = "auto"

Counting = Literal["report", "missing", "one"]


def counting(study: Study) -> Counting:
    """How the study's objective counts cases without a region; `report` while it is not decided."""
    return "report" if study.objective.empty == AUTO else study.objective.empty


def lacking(study: Study, voxels: Sequence[Mapping[str, int]]) -> int:
    """Count the cases that lack a region of the objective.

    Args:
        study: The study.
        voxels: For each case, voxels by label.
    """
    region = study.objective.region
    regions = study.regions.values() if region == "mean" else (study.regions[region],)
    members = [[study.classes[index] for index in classes] for classes in regions]
    return sum(any(not any(case.get(label) for label in labels) for labels in members) for case in voxels)


def decided(study: Study, voxels: Sequence[Mapping[str, int]]) -> Study:
    """The study with a decision in place of `auto`.

    Args:
        study: The study.
        voxels: For each validation case of any fold, voxels by label.
    """
    if study.objective.empty != AUTO:
        return study
    return _with(study, "one" if voxels and lacking(study, voxels) >= SHARE * len(voxels) else "report")


def _with(study: Study, how: str) -> Study:
    plain = study.plain()
    return Study.from_plain({**plain, "objective": {**plain["objective"], "empty": how}}, source=study.name)
