"""The fields of a TrialSpec that follow from a study file and a configuration."""

from collections.abc import Mapping
from typing import Any

from search_spaces.grammar import Scalar, nested
from search_spaces.metrics import counts_lesions
from study.design import Arm
from study.study_file.losses import arguments
from study.study_file.recorded.objective_empty import counting
from study.study_file.study import Study


def trial_fields(study: Study, arm: Arm, parameters: Mapping[str, Scalar]) -> dict[str, Any]:
    """Return keyword arguments of `trainables.trial.TrialSpec`, from a study file and a configuration.

    Left to the launcher: `key`, `seed`, `data`, `train`, `evaluate`, `previews`, `stacks`, `gpu`.

    Args:
        study: The study.
        arm: One of its arms.
        parameters: One value for each name in `arm.space`.
    """
    rooms: dict[str, dict[str, Any]] = {"model": {}, "loss": {}, "training": {}, **nested(parameters)}
    return {
        "model": arm.model,
        "model_parameters": rooms["model"],
        "loss": arm.loss,
        "weighting": arm.weighting,
        "loss_parameters": arguments(rooms["loss"], study.loss_classes),
        **rooms["training"],
        **_course(study),
        "marks": study.marks,
        "patch_size": study.patch.size,
        "context": study.patch.context,
        "patch_overlap": study.patch.overlap,
        "sampling": study.patch.sampling,
        "foreground": study.patch.centred,
        "augment": study.augment,
        "classes": study.classes,
        "train_on": study.dataset.train_on,
        "regions": study.regions,
        "metrics": study.metrics,
        "empty": study.report.empty,
        "lesions": study.report.lesions is not None or counts_lesions(study.report.metrics),
        "blend": study.inference.blend,
        "average": study.inference.average,
        "mirror": study.inference.mirror,
        "threads": study.resources.cpu,
    }


def _course(study: Study) -> dict[str, Any]:
    """Return the fields that are the same for all trainings."""
    training, region = study.training, study.objective.region
    options = {
        name: {} if section is None else section.model_dump(mode="json")
        for name, section in (
            ("step", training.step),
            ("plateau", training.plateau),
            ("early_stopping", training.early_stopping),
        )
    }
    return {
        "iterations": training.iterations,
        "precision": training.precision,
        "clip": training.clip,
        "portable": training.portable,
        "deterministic": training.deterministic,
        "compile": training.compile,
        "micro_batches": training.micro_batches,
        **options,
        "epoch": training.epoch or 0,
        "checkpoint": training.checkpoint,
        "evaluate_every": training.evaluate_every or 0,
        "log_every": training.log_every or 0,
        "objective": {
            "metric": study.objective.metric,
            "regions": list(study.regions) if region == "mean" else [region],
            "maximize": study.maximize,
            "empty": counting(study),
        },
    }
