"""Rows for networks, losses, training, metrics and tables; see `rules` for how rows are read."""

from typing import Any

from search_spaces.defaults import LOSSES, TRAINING
from study.proposing.facts import Facts
from study.proposing.rules import FEW_PATIENTS, NNUNET, RELOADED, Rule, always, lesions
from study.proposing.sizes import in_slices


def _network(facts: Facts) -> dict[str, dict[str, Any]]:
    if in_slices(facts):
        return {"unet": {"width": 32 if facts.gpus else 8, "norm": "instance"}}
    return {"unet3d": {"width": 16 if facts.gpus else 8}}


def _every_fold(facts: Facts) -> dict[str, str]:
    """Return what keeps a search from cases that another fold tests."""
    return {"search_in": "each_fold"} if facts.patients < FEW_PATIENTS else {}


def _losses(facts: Facts, *names: str) -> dict[str, Any]:
    """Return losses with their default ranges, or without a search with their default values."""
    if facts.effort != "no search":
        return dict.fromkeys(names)
    tuned = {name: {key: one.value for key, one in LOSSES[name].items() if one.search is not None} for name in names}
    return {name: values or None for name, values in tuned.items()}


METRICS: tuple[Rule, ...] = (
    Rule("report.metrics", "overlap", always, lambda f: ["dice"], "dice: overlap, which all papers print", RELOADED),
    Rule(
        "report.metrics",
        "outline",
        always,
        lambda f: ["hd95"],
        "hd95: the outline's distance, to which overlap is blind",
        RELOADED,
    ),
    Rule(
        "report.metrics",
        "errors of either kind",
        always,
        lambda f: ["precision", "recall"],
        "precision and recall: too much against too little",
        RELOADED,
    ),
    Rule(
        "report.metrics",
        "objects",
        lesions,
        lambda f: ["lesion_recall", "lesion_false_positives"],
        "lesion_recall and lesion_false_positives: small objects found and made up, which overlap hides",
        RELOADED,
    ),
    Rule(
        "report.metrics",
        "volume",
        lambda f: not f.flat and bool(f.spacings),
        lambda f: ["volume_error"],
        "volume_error: in mL, what a clinic measures",
        RELOADED,
    ),
)
"""Each row that holds adds its metrics."""

LEARNING: tuple[Rule, ...] = (
    Rule(
        "models",
        "slices",
        in_slices,
        _network,
        "a U-Net with instance normalisation, without which it learns poorly by Dice; on cores a narrow one",
        "docs/BEHAVIOURS.md and " + NNUNET,
    ),
    Rule(
        "models", "volumes", always, _network, "a 3D U-Net with instance normalisation; on cores a narrow one", NNUNET
    ),
    Rule(
        "losses",
        "small or several objects",
        lesions,
        lambda f: _losses(f, "dice_cross_entropy", "focal", "tversky"),
        "objects are small or several: losses that weigh rare voxels (focal) and misses (tversky) beside the usual one",
        "Lin et al. 2017, Salehi et al. 2017",
    ),
    Rule(
        "losses",
        "large objects",
        always,
        lambda f: _losses(f, "dice_cross_entropy", "dice", "cross_entropy"),
        "the usual sum, and each of its parts",
        NNUNET,
    ),
    Rule(
        "training.batch_size",
        "cores",
        lambda f: not f.gpus,
        lambda f: 2,
        "nnU-Net's smallest batch; time on cores grows with it",
        NNUNET,
    ),
    Rule(
        "training.batch_size",
        "GPU",
        always,
        lambda f: "auto",
        "by the patch's volume, halved until all networks fit on the GPU",
        "docs/reference/study-file.md",
    ),
    Rule(
        "objective.metric",
        "overlap",
        always,
        lambda f: "dice",
        "a search chooses by mean Dice of validation cases",
        RELOADED,
    ),
    Rule(
        "report.lesions",
        "objects",
        lesions,
        lambda f: {"strata": [5]},
        "a table of objects by their diameter in voxels",
        "inverse weighting, Shirokikh et al. 2020, for metastases",
    ),
    Rule(
        "training.iterations",
        "by a probe",
        lambda f: f.outlook is not None,
        lambda f: f.iterations,
        "the longest training of a ladder whose study fits the time by a probe on this machine; see the first lines",
        "--hours and the planner's simulation",
    ),
    Rule(
        "training.iterations",
        "not measured",
        always,
        lambda f: f.iterations,
        "no probe was made: a short training; `segstudy check --probe` tells how long the study takes",
        "a default of segstudy new",
    ),
    Rule(
        "training.learning_rate",
        "no search",
        lambda f: f.effort == "no search",
        lambda f: TRAINING["learning_rate"].value,
        "the time is too short for a search, so all arms train with the default; it favours losses that it suits",
        "search_spaces/defaults.py",
    ),
    Rule(
        "budget",
        "a search",
        lambda f: f.effort == "search",
        lambda f: {
            "trials_per_arm": 6,
            "cohort": 3,
            "sampler": "tpe",
            "halving": {"eta": 3, "marks": [max(1, f.iterations // 3), f.iterations]},
            "final_seeds": 3,
            **_every_fold(f),
        },
        "six configurations of each arm, one in three trained to the end; winners with three seeds",
        "successive halving, Jamieson and Talwalkar 2016",
    ),
    Rule(
        "budget",
        "a small search",
        lambda f: f.effort == "small search",
        lambda f: {"trials_per_arm": 2, "cohort": 2, "sampler": "random", "final_seeds": 3, **_every_fold(f)},
        "the time is short: two configurations of each arm, the default and a random one; winners with three seeds",
        "a rule of segstudy new",
    ),
    Rule(
        "budget",
        "no search",
        always,
        lambda f: {"final_seeds": 3},
        "each arm is trained with three seeds, at its default parameters",
        "a rule of segstudy new",
    ),
    Rule(
        "resources.gpu",
        "cores",
        lambda f: not f.gpus,
        lambda f: 0,
        "no GPU was asked for (--gpus)",
        "the command line",
    ),
)
