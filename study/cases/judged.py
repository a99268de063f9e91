"""Whether the split leaves something to choose by: regions of the objective in the validation cases."""

from collections.abc import Mapping, Sequence

from study.cases.splits import Role
from study.planning.cohort_sampling import is_tuned
from study.study_file import Study
from trainables.data.inspecting.inspect import CaseFacts

ALWAYS = ("lesion_false_positives",)
"""Metrics that cases without the region have too."""


def not_judged(study: Study, facts: Sequence[CaseFacts], splits: Sequence[Mapping[str, Role]]) -> list[str]:
    """Return what is wrong where no validation case has a region of the objective, or nothing of a case is scored.

    A region that is in none has no value at any mark, so a search would take its first configurations, and a report
    would say that the best were chosen.

    Args:
        study: The study.
        facts: Facts of its cases.
        splits: For each fold, case → role.
    """
    problems = [
        f"{fact.name}: every voxel is ignored or outside `dataset.roi`, so nothing of it is scored. Correct it, or "
        "list the case under `dataset.exclude`."
        for fact in facts
        if fact.scored_voxels == 0
    ]
    said = study.report.empty if study.objective.empty in ("report", "auto") else study.objective.empty
    if said == "one" or study.objective.metric in ALWAYS or not any(map(is_tuned, study.arms)):
        return problems
    regions, asked = study.regions, study.objective.region
    wanted = tuple(regions) if asked == "mean" else (asked,)
    for fold, roles in enumerate(splits, start=1):
        judged = [fact for fact in facts if roles[fact.name] == "validation"]
        if not any(fact.lesions.get(region) for fact in judged for region in wanted):
            place = "" if len(splits) == 1 else f" of fold {fold}"
            what = "none of the regions is" if asked == "mean" else f"{asked} is not"
            problems.append(
                f"objective.region: {what} in any validation case{place}, so there is nothing to choose configurations "
                "by. Name such cases under `dataset.split`, set its `stratify: labels`, or choose by another region."
            )
            break
    return problems
