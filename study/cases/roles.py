"""Roles: applies a study file's `split` to the cases of its folder."""

from collections.abc import Mapping, Sequence

from study.cases.fold_folders import assign_by_fold, fold_names
from study.cases.from_study_file import root_of
from study.cases.split_files import assign_listed, read_split
from study.cases.splits import Named, Role, assign
from study.cases.strata import Amounts
from study.study_file import Study
from trainables.data.finding.layouts import CaseFiles
from trainables.data.inspecting.inspect import CaseFacts

Splits = tuple[Mapping[str, Role], ...]
"""For each fold: case → role."""


def with_folds(study: Study, count: int) -> Study:
    """Return the study with the number of folds that its split's file or folders give; any other study unchanged."""
    split = study.dataset.split
    if count == 1 or split.folds is not None or (split.by is None and split.file is None):
        return study
    changed = {"split": split.model_copy(update={"folds": count})}
    return study.model_copy(update={"dataset": study.dataset.model_copy(update=changed)})


def divide(
    study: Study, files: Sequence[CaseFiles], grouped: Named, facts: Sequence[CaseFacts] | None = None
) -> Splits:
    """Return the role of every case in every fold.

    Args:
        study: The study.
        files: The files of its cases.
        grouped: (name, group) of each.
        facts: Facts about each; None ignores `stratify`, to test whether the cases can be divided at all.

    Raises:
        InputError: The cases cannot be divided.
    """
    dataset, split = study.dataset, study.dataset.split
    if split.by is not None:
        return assign_by_fold(grouped, fold_names(files, root_of(study), split.by), split)
    if split.file is not None:
        return assign_listed(grouped, read_split(split.file), split, dataset.exclude)
    if split.stratify == "none" or facts is None:
        return assign(grouped, split.model_copy(update={"stratify": "none"}), study.seed)
    return assign(grouped, split, study.seed, amounts(facts))


def amounts(facts: Sequence[CaseFacts]) -> dict[str, Amounts]:
    """Return case → label → volume in mm³; in voxels if the voxel size of any case is unknown."""
    volumes = [fact.voxel_volume for fact in facts]
    each = [volume or 1.0 for volume in volumes] if None not in volumes else [1.0] * len(volumes)
    return {
        fact.name: {label: count * volume for label, count in fact.voxels.items()}
        for fact, volume in zip(facts, each, strict=True)
    }
