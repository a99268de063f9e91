"""Short trainings on small real data: the study files, their prepared cases, and the validation Dice at each mark.

Networks are small and grids coarse, so that a training takes seconds on one core: values compare settings with each
other, and are far from what the data allow.
"""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

from search_spaces.grammar import Scalar
from study.cases.from_study_file import options_of
from study.cases.prepare import find
from study.design import Arm, PlannedTrial, TrialKey
from study.ledger.rows import Case
from study.study_file import Study
from study.trial_specs import Data, trial_spec
from trainables.data.cache import cache
from trainables.evaluation.objective import objective
from trainables.training.training import Diverged, Training

MODELS = {"small_unet": "benchmarks.parts.small_unet:small_unet"}
SETS: dict[str, dict[str, Any]] = {
    "hippocampus": {
        "dataset": {
            "labels": {"anterior": 1, "posterior": 2},
            "group": "unknown",
            "split": {"validation": 0.2, "test": 0.2, "seed": 4},
            "limit": 50,
        },
        "preprocess": {"spacing": [2.0, 2.0, 2.0], "normalize": "zscore"},
        "patch": {"size": [16, 24, 16], "overlap": [0, 0, 0], "foreground": 0.5},
        "objective": {"metric": "dice", "region": "mean"},
    },
    "liver_ct_slices": {
        "dataset": {
            "labels": {"liver": ">127"},
            "group": "^[a-z]+_([0-9]+)_",
            "split": {"validation": 0.2, "test": 0.3, "seed": 1},
            "limit": 50,
        },
        "preprocess": {"spacing": "native", "normalize": "zscore"},
        "patch": {"size": [64, 64], "overlap": [0, 0], "foreground": 0.5},
        "objective": {"metric": "dice", "region": "liver"},
    },
    "ms_lesions": {
        "dataset": {
            "labels": {"lesion": 1},
            "group": "(patient[0-9]+)",
            "split": {
                "validation": ["msmni_patient19A", "msmni_patient19B"],
                "test": ["msmni_patient26A", "msmni_patient26B"],
            },
        },
        "preprocess": {"spacing": [2.0, 2.0, 2.0], "crop": {"to": "nonzero"}, "normalize": "zscore"},
        "patch": {"size": [16, 24, 16], "overlap": [0, 0, 0], "foreground": 0.66},
        "objective": {"metric": "dice", "region": "lesion"},
    },
}
"""Folder of the data → study file without `name`, `losses`, `training` and `budget`."""


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A study with its cases prepared and open."""

    study: Study
    data: Data
    cases: cache.Dataset


def prepared(
    name: str, root: pathlib.Path, folder: pathlib.Path, *, losses: Mapping[str, Any], **sections: Any
) -> Prepared:
    """Prepare one of `SETS`.

    Args:
        name: Its key, a folder below `root`.
        root: Where the data are.
        folder: Where prepared cases are kept.
        losses: As in a study file.
        sections: `training` and `budget`, as in a study file.
    """
    plain = {
        "name": name.replace("_", "-"),
        **SETS[name],
        "models": MODELS,
        "losses": losses,
        "report": {"metrics": ["dice"]},
        "resources": {"gpu": 0},
        **sections,
    }
    plain["dataset"] = {**plain["dataset"], "path": str(root / name)}
    return prepare(Study.from_plain(plain), folder)


def prepare(study: Study, folder: pathlib.Path) -> Prepared:
    """Prepare a study's cases into a folder, in this process."""
    found, options = find(study), options_of(study)
    records = [cache.prepare_case(files, options, folder) for files in found.files]
    roles = found.divided([record.facts for record in records])
    index = cache.write_index(folder, records, options)
    cases = tuple(
        Case(record.name, found.group[record.name], tuple(fold[record.name] for fold in roles), record.facts.plain())
        for record in records
    )
    return Prepared(study, Data(str(index), "0" * 64, cases), cache.Dataset.open(index))


def values_at_marks(
    where: Prepared, arm: Arm, parameters: Mapping[str, Scalar], *, seed: int, **fields: Any
) -> dict[int, float | None]:
    """Train one configuration and return the objective at each mark, None from where it diverged.

    Args:
        where: The prepared study.
        arm: The arm.
        parameters: One value for each name in its space.
        seed: The training's seed.
        fields: Fields of the trial that differ from the study's.
    """
    plan = PlannedTrial(TrialKey("search", arm.index, 0, 0, 0), 0, seed, parameters)
    spec = dataclasses.replace(trial_spec(where.study, arm, plan, where.data, gpu=0.0), **fields)
    how = {key: spec.objective[key] for key in ("metric", "regions", "empty")}
    values: dict[int, float | None] = dict.fromkeys(spec.marks)
    training = Training(spec, where.cases)
    try:
        for mark in spec.marks:
            training.advance(mark)
            values[mark] = objective(training.evaluate(spec.evaluate).scores, **how)
    except Diverged:
        pass
    finally:
        training.close()
    return values
